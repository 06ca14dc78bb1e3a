"""The sandbox's clock in its database and in its processes: nothing that is written there carries the real time.

Edges ask `accounts.queries.clock`. What asks PostgreSQL itself (defaults of columns, triggers, statements)
finds functions of the same names that add the offset: they stand before PostgreSQL's own in the search path
of this database. Columns that Django fills by itself (`auto_now`) are filled by `follow`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
from django.db.models import DateTimeField, Model
from psycopg import sql

from accounts.queries.clock import read_clock
from config.sandbox import place

_PATH = "public, sandbox_clock, pg_catalog"
_STABLE = ("now", "transaction_timestamp", "statement_timestamp")
_FUNCTION = """
CREATE OR REPLACE FUNCTION sandbox_clock.{name}() RETURNS timestamptz LANGUAGE plpgsql {kind} PARALLEL SAFE AS $$
BEGIN
    RETURN pg_catalog.{name}() + pg_catalog.make_interval(secs => coalesce((SELECT clock_offset_seconds FROM public.accounts_installation WHERE id = 1), 0));
END $$
"""
# what a default means is fixed when it is written down: those that ask for the time are written again
_DEFAULTS = """
SELECT c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attgenerated = '' AND pg_get_expr(d.adbin, d.adrelid) ~ '\\y(now|[a-z]+_timestamp)\\(\\)'
"""


def install() -> None:
    """Brings the functions into the sandbox's database; sessions that begin later find them."""
    with psycopg.connect(**place.conninfo(place.database_name())) as there:
        there.execute("CREATE SCHEMA IF NOT EXISTS sandbox_clock")
        for name in (*_STABLE, "clock_timestamp"):
            there.execute(_FUNCTION.format(name=name, kind="STABLE" if name in _STABLE else "VOLATILE"))
        there.execute(sql.SQL("ALTER DATABASE {} SET search_path = " + _PATH).format(sql.Identifier(place.database_name())))
        # nothing in it must survive a fall of the server to the last moment
        there.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(place.database_name())))
        found = there.execute(_DEFAULTS).fetchall()
        there.execute(f"SET LOCAL search_path = {_PATH}")
        for table, column, default in found:
            there.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT " + default).format(sql.Identifier(table), sql.Identifier(column)))


def follow() -> None:
    """In a process of the sandbox: `auto_now` and `auto_now_add` take its time. Sessions and sign-ins of those who look in keep the real one."""
    written = DateTimeField.pre_save

    def pre_save(field: DateTimeField[Any, Any], instance: Model, add: bool) -> Any:
        if field.auto_now or (field.auto_now_add and add):
            value = read_clock()
            setattr(instance, field.attname, value)
            return value
        return written(field, instance, add)

    DateTimeField.pre_save = pre_save  # type: ignore[assignment,method-assign]


def stands_at(now: dt.datetime) -> dt.datetime | None:
    """Where its clock stands, which goes on by itself as any does; None where its database cannot be asked."""
    try:
        with psycopg.connect(**place.conninfo(place.database_name())) as there:
            row = there.execute("SELECT clock_offset_seconds FROM accounts_installation WHERE id = 1").fetchone()
    except psycopg.Error:
        return None
    return now + dt.timedelta(seconds=row[0]) if row else None
