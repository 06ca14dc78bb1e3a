"""What `manage.py doctor` looks at. Every finding says what is wrong and how to mend it."""

from __future__ import annotations

import datetime as dt
import shutil
import smtplib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import connection

from accounts.models import Installation
from config import condition
from config.services import inbox, supervisor

OK, ADVICE, FAULT = "ok", "advice", "fault"
LEAST_FREE, LITTLE_FREE = 1 * 1024**3, 5 * 1024**3
LARGEST_CLOCK_DIFFERENCE = dt.timedelta(seconds=5)
OLDEST_POSTGRESQL = 150000


@dataclass(frozen=True)
class Finding:
    """One thing looked at. Only a `fault` makes the command fail; an `advice` is a choice to think over."""

    name: str
    state: str
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def examine(*, now: dt.datetime) -> list[Finding]:
    """Everything, in the order an operator would look. What needs a database is left out where there is none."""
    found = [*_settings(), *_parts()]
    faulty = {finding.name for finding in found if finding.state == FAULT}
    if not faulty & {"database", "migrations"}:
        found += [*_clock(now), *_postgres(), *_sending()]
    if "broker" not in faulty:
        found += _valkey()
    return [*found, *_mail(), *_disk()]


def _settings() -> Iterator[Finding]:
    loopback = (urlsplit(settings.PUBLIC_BASE_URL).hostname or "") in supervisor.LOOPBACK
    doubts = []
    if settings.DEBUG:
        doubts.append(Finding("settings", ADVICE if loopback else FAULT, "DEBUG is on: errors show the inside of the program", "Unset DEBUG."))
    if "*" in settings.ALLOWED_HOSTS:
        doubts.append(Finding("settings", ADVICE, "ALLOWED_HOSTS is *: links in mails can be made to lead elsewhere", "Name the hosts in ALLOWED_HOSTS."))
    if not settings.HTTPS and not loopback:
        doubts.append(
            Finding("settings", ADVICE, "PUBLIC_BASE_URL is http: passwords and survey answers travel readable", "Put a proxy with TLS in front and set PUBLIC_BASE_URL to https.")
        )
    if settings.HTTPS and not settings.SECURE_PROXY_SSL_HEADER:
        doubts.append(
            Finding("settings", ADVICE, "PUBLIC_BASE_URL is https, but BEHIND_PROXY is off: every request is redirected for ever", "Set BEHIND_PROXY=1 where a proxy ends TLS.")
        )
    if settings.EMAIL_CONFIGURED and "localhost.localdomain" in settings.DEFAULT_FROM_EMAIL:
        doubts.append(Finding("settings", FAULT, "DEFAULT_FROM_EMAIL is not set: mail servers will refuse the mails", "Set DEFAULT_FROM_EMAIL to an address of yours."))
    yield from doubts or [Finding("settings", OK, f"{settings.PUBLIC_BASE_URL}, {settings.ORGANISATION_TIME_ZONE}, {settings.REPORTING_CURRENCY}")]


REMEDIES = {
    "database": "Start PostgreSQL, or mend DATABASE_URL.",
    "migrations": "Stop `make up`, run `manage.py prepare`, start again.",
    "broker": "Start Valkey, or mend REDIS_URL. Nothing is lost meanwhile: what is due waits in the database.",
    "worker": "Look at the lines of `worker` in the log of `make up`.",
    "beat": "Look at the lines of `beat` in the log of `make up`.",
}


def _parts() -> Iterator[Finding]:
    running = supervisor.holder(settings.VEFA_DATA)
    if running:
        yield Finding("supervisor", OK, f"runs as process {running['pid']} at {running['address']}")
    for part in condition.parts():
        remedy = "" if part.ok else REMEDIES[part.name]
        detail = part.detail
        if not part.ok and part.name in {"worker", "beat"} and not running:
            detail, remedy = f"does not run here ({part.detail})", "Start everything with `make up`."
        yield Finding(part.name, OK if part.ok else FAULT, detail, remedy)


def _postgres() -> Iterator[Finding]:
    wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [[*wanted, "server_version_num", "max_connections"]])
        actual: dict[str, Any] = dict(cursor.fetchall())
    if int(actual["server_version_num"]) < OLDEST_POSTGRESQL:
        yield Finding("postgresql", FAULT, f"version {actual['server_version_num']} is too old", "Upgrade to PostgreSQL 15 or newer.")
    wrong = [name for name, value in wanted.items() if actual[name] != value]
    if "data_checksums" in wrong:
        wrong.remove("data_checksums")
        yield Finding("postgresql", ADVICE, "data checksums are off: a rotten disk goes unnoticed", "Turn them on with pg_checksums while the server is stopped.")
    if wrong:
        yield Finding("postgresql", FAULT, f"{', '.join(wrong)} is off: a mail could be sent twice after a crash", f"ALTER SYSTEM SET {wrong[0]} = on; then reload.")
    else:
        yield Finding("postgresql", OK, f"version {int(actual['server_version_num']) // 10000}, keeps what it confirms")


def _valkey() -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1, decode_responses=True) as client:
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy")
            append = client.config_get("appendonly").get("appendonly")
    except redis.RedisError:
        yield Finding("valkey", OK, "its settings may not be read by this user")
        return
    if policy != "noeviction":
        yield Finding("valkey", FAULT, f"maxmemory-policy is {policy}: it would throw queued tasks away", "CONFIG SET maxmemory-policy noeviction, and in its configuration file.")
    elif append != "yes":
        yield Finding(
            "valkey",
            ADVICE,
            "appendonly is off: a restart forgets what is queued, and the sweeps bring it back minutes later",
            "CONFIG SET appendonly yes, and in its configuration file.",
        )
    else:
        yield Finding("valkey", OK, "keeps its queue over a restart")


def _mail() -> Iterator[Finding]:
    if not settings.EMAIL_CONFIGURED:
        port = inbox.running_port(settings.VEFA_DATA)
        if port is None:
            yield Finding("mail", FAULT, "EMAIL_URL is not set and the mail catcher does not run", "Start everything with `make up`, or set EMAIL_URL.")
            return
        host, where = "127.0.0.1", f"kept by the mail catcher, shown at {settings.PUBLIC_BASE_URL}/inbox/"
    else:
        host, port = settings.EMAIL_HOST, settings.EMAIL_PORT
        where = f"{host}:{port} answers"
    kind = smtplib.SMTP_SSL if settings.EMAIL_USE_SSL else smtplib.SMTP
    try:
        with kind(host, port, timeout=10) as server:
            server.ehlo()
            if settings.EMAIL_USE_TLS:
                server.starttls()
            if settings.EMAIL_HOST_USER:
                server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except (OSError, smtplib.SMTPException) as fault:
        yield Finding("mail", FAULT, f"{host}:{port} cannot be used: {type(fault).__name__}: {fault}", "Mend EMAIL_URL, or the way to the mail server.")
    else:
        yield Finding("mail", OK, where)


def _sending() -> Iterator[Finding]:
    row = Installation.objects.filter(pk=1).first()
    if row is not None and not row.sending_enabled:
        why = f" ({row.sending_note})" if row.sending_note else ""
        remedy = "An admin confirms under Surveys, Outbox that this is no copy." if row.doubt else "Turn sending on under Surveys, Outbox."
        yield Finding("sending", ADVICE, f"the stop switch is on{why}: no survey leaves", remedy)
    else:
        yield Finding("sending", OK, "is on")


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.VEFA_DATA).free
    detail = f"{free / 1024**3:.1f} GB free at {settings.VEFA_DATA}"
    if free < LEAST_FREE:
        yield Finding("disk", FAULT, detail, "Make room: PostgreSQL stops when the disk is full.")
    else:
        yield Finding("disk", OK if free >= LITTLE_FREE else ADVICE, detail, "" if free >= LITTLE_FREE else "Make room soon.")


def _clock(now: dt.datetime) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        difference = abs(cursor.fetchone()[0] - now)
    if difference > LARGEST_CLOCK_DIFFERENCE:
        yield Finding("clock", FAULT, f"this machine and the database differ by {difference.total_seconds():.0f} s", "Let both follow a time server (NTP).")
    else:
        yield Finding("clock", OK, "this machine and the database agree")
