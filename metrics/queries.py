"""Reads shaped for pages: the health of an account with its parts, why it changed, and its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection

WEEKS = 18


# the last day is asked once (an init plan, so that months outside the window are not even opened), with one
# probe an account at the end of its key
_WEEKS = """
WITH last AS MATERIALIZED (
    SELECT coalesce(%(until)s::date, (
        SELECT max(newest.day) FROM unnest(%(ids)s::bigint[]) AS id
        CROSS JOIN LATERAL (SELECT day FROM metrics_healthscore WHERE account_id = id ORDER BY day DESC LIMIT 1) newest)) AS day)
SELECT DISTINCT ON (account_id, week) account_id, ((SELECT day FROM last) - day) / 7 AS week, score
FROM metrics_healthscore
WHERE account_id = ANY(%(ids)s) AND day > (SELECT day FROM last) - %(days)s AND day <= (SELECT day FROM last)
ORDER BY account_id, week, metrics_healthscore.day DESC
"""


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
        cursor.execute(_WEEKS, {"until": until, "ids": ids, "days": weeks * 7})
        found: dict[int, list[int | None]] = {}
        for account, week, score in cursor.fetchall():
            found.setdefault(account, [None] * weeks)[weeks - 1 - week] = score
    return found
