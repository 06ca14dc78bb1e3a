"""A scratch database on the same server: made, migrated, used as the default, dropped. Never the live one."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql


def conninfo(**changes: Any) -> dict[str, Any]:
    """Arguments for psycopg.connect to the database that is the default at the moment."""
    settings = connection.settings_dict
    known = {"dbname": settings["NAME"], "user": settings["USER"], "password": settings["PASSWORD"], "host": settings["HOST"], "port": settings["PORT"]}
    options = {key: value for key, value in settings.get("OPTIONS", {}).items() if key in {"host", "sslmode", "sslrootcert"}}
    return {key: value for key, value in {**known, **options, **changes}.items() if value}


def _leave() -> None:
    for each in connections.all(initialized_only=True):
        each.close()
        each.close_pool()  # type: ignore[attr-defined]


@contextlib.contextmanager
def scratch_database() -> Iterator[str]:
    """Makes the default connection one to a new, migrated database, and drops that afterwards.

    Raises psycopg.Error where the user may not create databases.
    """
    name = f"vefa_bench_{os.getpid()}_{int(time.time())}"
    live = connections["default"].settings_dict["NAME"]
    server = conninfo()
    with psycopg.connect(**server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _leave()
    connections["default"].settings_dict["NAME"] = name
    connections.databases["default"]["NAME"] = name
    try:
        call_command("migrate", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            # generating data and building indexes may take longer than any request
            cursor.execute("SET statement_timeout = 0")
        yield name
    finally:
        _leave()
        connections["default"].settings_dict["NAME"] = live
        connections.databases["default"]["NAME"] = live
        with psycopg.connect(**server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
