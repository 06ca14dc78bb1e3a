"""A pytest plugin (named in `addopts`): real PostgreSQL and Valkey for the tests.

Loaded with `-p`, before pytest-django reads settings. Uses `DATABASE_URL` and `REDIS_URL` where they
are set; otherwise throw-away embedded servers, shared by all xdist workers and gone afterwards.
Nothing else of the environment, and no `.env`, reaches the tests: they see the product's defaults.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from config.environment import ROOT
from config.services.locks import Busy, FileLock
from config.services.messages import compile_messages
from config.services.resolve import embedded
from config.services.servers import Servers

PREFIX = "vefa-test-"
FOREIGN = (
    *("ALLOWED_HOSTS", "BEHIND_PROXY", "DEBUG", "DEFAULT_FROM_EMAIL", "EMAIL_URL", "MAIL_ALLOWLIST", "ORGANISATION_TIME_ZONE", "PORT", "PUBLIC_BASE_URL"),
    *("REPORTING_CURRENCY", "SECRET_KEY", "VEFA_CATCHER_PORT", "VEFA_DEMO", "VEFA_PROCESS", "VEFA_SUPERVISED"),
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def _start() -> None:
    if "VEFA_TEST_SERVERS" in os.environ:
        _own_valkey()
        return
    os.environ["VEFA_TEST_SERVERS"] = "1"
    os.environ["VEFA_DOTENV"] = "0"
    for name in FOREIGN:
        os.environ.pop(name, None)
    place = Path(os.environ.get("VEFA_TEST_DIR") or tempfile.gettempdir())
    _clear_leftovers(place)
    base = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    data = base / "data"
    data.mkdir()
    os.environ["VEFA_DATA"] = str(data)
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    servers = embedded(data, throwaway=True)
    servers.__enter__()
    atexit.register(servers.__exit__)
    # the exit handlers above also run when a run is ended from outside
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ.update(servers.variables())
    compile_messages(ROOT / "locale")


def _own_valkey() -> None:
    """Gives each xdist worker a Valkey database of its own, as it has of PostgreSQL: counters and queues are not shared."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    address, slash, database = os.environ.get("REDIS_URL", "").rpartition("/")
    if worker.startswith("gw") and worker[2:].isdigit() and slash and database == "0":
        os.environ["REDIS_URL"] = f"{address}/{1 + int(worker[2:]) % 15}"


def _clear_leftovers(place: Path) -> None:
    """Ends the servers of runs that were killed: nobody holds them any more."""
    for base in place.glob(f"{PREFIX}*"):
        try:
            if time.time() - base.stat().st_mtime < 120 or base.stat().st_uid != os.geteuid():
                continue
            lock = FileLock(base / "data" / "servers.use")
            lock.exclusive()
        except (Busy, OSError):
            continue
        servers = Servers(base / "data", postgres=True, valkey=True)
        servers.valkey.stop()
        servers.postgres.stop()
        lock.release()
        shutil.rmtree(base, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Runs before settings are read, in the main process and (harmlessly) in each worker."""
    _start()
