"""Where the sandbox is, and the environment its processes run in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from config.environment import ROOT

# what would lead out of it, or belongs to the installation alone
_LEFT_OUT = ("EMAIL_URL", "MAIL_ALLOWLIST", "VEFA_CATCHER_PORT", "VEFA_PROCESS", "ALLOWED_HOSTS")
# PostgreSQL cuts longer names
_LONGEST_NAME = 63
SUFFIX = "_sandbox"


def database_name() -> str:
    """The sandbox's database: beside the installation's, on the same server."""
    return str(connection.settings_dict["NAME"])[: _LONGEST_NAME - len(SUFFIX)] + SUFFIX


def data_folder() -> Path:
    """Where the sandbox's mails lie."""
    return Path(settings.VEFA_DATA) / "sandbox"


def port() -> int:
    """Where the sandbox's pages are served when somebody serves them: one after the installation's."""
    return settings.PORT + 1 if settings.PORT < 65535 else settings.PORT - 1


def address() -> str:
    """The address its mails link to. Behind a proxy the port must be let through."""
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return urlunsplit(("http", f"{host}:{port()}", "", "", ""))


def conninfo(name: str) -> dict[str, Any]:
    """Arguments for `psycopg.connect` to a database beside the installation's."""
    known = connection.settings_dict
    options = {key: value for key, value in known.get("OPTIONS", {}).items() if key in {"host", "sslmode", "sslrootcert"}}
    found = {"dbname": name, "user": known["USER"], "password": known["PASSWORD"], "host": known["HOST"], "port": known["PORT"], **options}
    return {key: value for key, value in found.items() if value}


def database_url(name: str) -> str:
    """The same as an address."""
    given = conninfo(name)
    user, password = given.pop("user", ""), given.pop("password", "")
    given.pop("dbname")
    host, port_ = str(given.pop("host", "")), given.pop("port", "")
    if host.startswith("/"):
        # a socket's folder stands in the query
        given["host"], host = host, ""
    who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"postgresql://{who}{'@' if who else ''}{host}{f':{port_}' if port_ else ''}/{quote(name, safe='')}{'?' + urlencode(given) if given else ''}"


def environment() -> dict[str, str]:
    """The variables of a process of the sandbox."""
    kept = {key: value for key, value in os.environ.items() if key not in _LEFT_OUT}
    return kept | {
        "VEFA_SANDBOX": "1", "DATABASE_URL": database_url(database_name()), "REDIS_URL": settings.REDIS_URL, "SECRET_KEY": settings.SECRET_KEY,
        "VEFA_DATA": str(data_folder()), "PORT": str(port()), "PUBLIC_BASE_URL": address(),
        "ORGANISATION_TIME_ZONE": settings.ORGANISATION_TIME_ZONE, "REPORTING_CURRENCY": settings.REPORTING_CURRENCY,
    }  # fmt: skip


def run(*arguments: str, seconds: float) -> str:
    """Runs a command of `manage.py` inside the sandbox; its output. Raises RuntimeError with its last words where it fails."""
    data_folder().mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    try:
        done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as fault:
        raise RuntimeError(f"{arguments[0]} took more than {seconds:.0f} seconds") from fault
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or done.stdout.strip() or f"{arguments[0]} ended with {done.returncode}").splitlines()[-1][:400])
    return done.stdout
