"""Makes the sandbox's database and removes it: the installation's tables, written down by `pg_dump` and made again, and no rows."""

from __future__ import annotations

import os
import shutil
import subprocess

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config.sandbox import clock, place
from config.services.ports import ServerFailed
from config.services.postgres import binaries

# where the tables cannot be written down the migrations make them, which takes a minute or two
MIGRATE_SECONDS, DUMP_SECONDS = 200, 60
# what Django keeps of its own, by keys that rows refer to
_FRAMEWORK = ("django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions")
# words to psql, and a setting that older servers do not know
_NOT_SQL = ("\\restrict", "\\unrestrict", "SET transaction_timeout")


def make_database() -> None:
    """Makes the sandbox's database with the installation's tables, empty; one that is there goes first.

    Raises psycopg.Error where the user may not make one, RuntimeError where the tables cannot be made.
    """
    _create()
    try:
        tables = _tables()
        with psycopg.connect(**place.conninfo(place.database_name())) as there:
            there.execute(tables.encode())
    except (OSError, subprocess.SubprocessError, ServerFailed, psycopg.Error):
        _create()
        place.run("migrate", "--no-input", "--verbosity", "0", seconds=MIGRATE_SECONDS)
    else:
        _copy_framework()
    clock.install()


def drop_database() -> None:
    """Removes it with all that is in it."""
    with psycopg.connect(**place.conninfo("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(place.database_name())))


def _create() -> None:
    drop_database()
    with psycopg.connect(**place.conninfo("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(place.database_name())))


def _tables() -> str:
    """The statements that make the installation's tables, functions and triggers. Raises OSError, SubprocessError, ServerFailed."""
    given = place.conninfo(str(connection.settings_dict["NAME"]))
    password = str(given.pop("password", ""))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | ({"PGPASSWORD": password} if password else {})
    done = subprocess.run(
        [_program(), "--schema-only", "--no-owner", "--no-privileges", "--no-comments", "--dbname", make_conninfo(**given)],
        env=environment, capture_output=True, text=True, timeout=DUMP_SECONDS, check=True,
    )  # fmt: skip
    return "\n".join(line for line in done.stdout.split("\n") if not line.startswith(_NOT_SQL))


def _program() -> str:
    """`pg_dump`: that of the embedded server, which is as new as any server Vefa knows, else the machine's."""
    own = binaries() / "pg_dump"
    return str(own) if own.exists() else shutil.which("pg_dump") or "pg_dump"


def _copy_framework() -> None:
    source = str(connection.settings_dict["NAME"])
    with psycopg.connect(**place.conninfo(source)) as here, psycopg.connect(**place.conninfo(place.database_name())) as there:
        for table in _FRAMEWORK:
            name = sql.Identifier(table)
            reading, writing = here.cursor(), there.cursor()
            with reading.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(name)) as out, writing.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(name)) as into:
                for block in out:
                    into.write(block)
