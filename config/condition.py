"""Is this installation fit to work: database, migrations, broker, worker, beat. Read by /readyz and doctor."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

# The canary comes every 15 s; four missed ones are a fault.
OLDEST_HEARTBEAT = dt.timedelta(seconds=60)
QUEUE = "vefa:vefa"


@dataclass(frozen=True)
class Part:
    """One part and whether it works; `seconds` is the age of its last sign of life where it gives one."""

    name: str
    ok: bool
    detail: str
    seconds: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def parts(*, with_processes: bool = True) -> list[Part]:
    """Every part, each looked at once with short time limits; `with_processes` adds worker and beat.

    Uses a connection of its own: the pool waits for a database that is gone, this must not.
    """
    found = [_broker()]
    try:
        with _connect() as link:
            found.append(Part("database", True, "answers"))
            found.append(_migrations(link))
            if with_processes:
                found += _processes(link, found[0])
    except psycopg.Error as fault:
        missing = ("database", "migrations", "worker", "beat") if with_processes else ("database", "migrations")
        known = {part.name for part in found}
        found += [Part(name, False, _short(fault)) for name in missing if name not in known]
    return found


def _short(fault: Exception) -> str:
    """The first line of an error, without the address it may quote."""
    return str(fault).strip().split("\n")[0].rpartition("failed: ")[2][:200] or type(fault).__name__


def _connect() -> psycopg.Connection[Any]:
    parameters: Mapping[str, Any] = connection.get_connection_params()
    kept = {name: value for name, value in parameters.items() if name not in {"pool", "cursor_factory", "context", "options"}}
    return psycopg.connect(**{**kept, "connect_timeout": 2, "options": "-c statement_timeout=2000"}, autocommit=True)


def _broker() -> Part:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
            return Part("broker", True, f"answers; {client.llen(QUEUE)} tasks wait")
    except redis.RedisError as fault:
        return Part("broker", False, _short(fault))


@functools.cache
def shipped_migrations() -> frozenset[tuple[str, str]]:
    """All migrations of this version, by app and name."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _migrations(link: psycopg.Connection[Any]) -> Part:
    wanted = shipped_migrations()
    if link.execute("select to_regclass('django_migrations')").fetchone() == (None,):
        return Part("migrations", False, f"{len(wanted)} are not applied")
    missing = wanted - set(link.execute("select app, name from django_migrations").fetchall())
    if missing:
        return Part("migrations", False, f"{len(missing)} are not applied, {'.'.join(min(missing))} for one")
    return Part("migrations", True, "all are applied")


def _processes(link: psycopg.Connection[Any], broker: Part) -> list[Part]:
    """Worker and beat, by the age of the canary that went through both.

    When it is old the queue tells whose fault it is: ticks that wait show that beat sends them and no
    worker takes them.
    """
    ages: dict[str, int] = dict(link.execute("select part, greatest(0, extract(epoch from clock_timestamp() - beaten_at))::int from accounts_heartbeat").fetchall())
    waiting = broker.ok and " 0 tasks" not in broker.detail
    found = []
    for name in ("worker", "beat"):
        age = ages.get(name)
        fresh = age is not None and age < OLDEST_HEARTBEAT.total_seconds()
        detail = "no sign of life yet" if age is None else f"last sign of life {age} s ago"
        if not fresh and waiting and name == "beat":
            fresh, detail = True, "its ticks wait for a worker"
        found.append(Part(name, fresh, detail, age))
    return found
