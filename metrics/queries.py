"""Reads shaped for pages: the health of an account with its parts, why it changed, and its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection

WEEKS = 18


def database_now() -> dt.datetime:
    """The database's clock; edges ask it once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]


def health_history(account_ids: Iterable[int], days: int = 7 * WEEKS, *, until: dt.date | None = None) -> dict[int, list[int | None]]:
    """One score a week per account, oldest first, hundredths of a point; None for a week without one.

    Weeks end on `until` (default: the last day that has any score of these accounts) and show their
    last score. One query for all accounts; accounts without scores are absent.
    """
    ids = sorted(set(account_ids))
    if not ids:
        return {}
    weeks = max(1, -(-days // 7))
    with connection.cursor() as cursor:
        if until is None:
            # one probe an account at the end of its key
            cursor.execute(
                "SELECT max(last.day) FROM unnest(%s::bigint[]) AS id CROSS JOIN LATERAL "
                "(SELECT day FROM metrics_healthscore WHERE account_id = id ORDER BY day DESC LIMIT 1) last",
                [ids],
            )
            until = cursor.fetchone()[0]
            if until is None:
                return {}
        cursor.execute(
            "SELECT account_id, week, score FROM (SELECT account_id, (%(until)s::date - day) / 7 AS week, score, "
            "row_number() OVER (PARTITION BY account_id, (%(until)s::date - day) / 7 ORDER BY day DESC) AS place "
            "FROM metrics_healthscore WHERE account_id = ANY(%(ids)s) AND day > %(until)s::date - %(days)s AND day <= %(until)s::date) latest WHERE place = 1",
            {"until": until, "ids": ids, "days": weeks * 7},
        )
        found: dict[int, list[int | None]] = {}
        for account, week, score in cursor.fetchall():
            found.setdefault(account, [None] * weeks)[weeks - 1 - week] = score
    return found
