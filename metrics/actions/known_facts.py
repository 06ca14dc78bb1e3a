"""Keeping the completeness of facts for lists: worked out by account ranges, written where it changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.db import connection, transaction

from metrics.moments import Moment
from metrics.sql.health_inputs import RANGE
from metrics.usage.completeness import facts_select

ACCOUNTS_A_RANGE = 50_000
_COLUMNS = "account_id, completeness, gaps, settles_micros"
_KEPT = f"""
WITH told AS MATERIALIZED (SELECT {_COLUMNS} FROM ({facts_select(RANGE)}) facts),
gone AS (DELETE FROM metrics_knownfacts k WHERE {RANGE.format("k.account_id")} AND NOT EXISTS (SELECT 1 FROM told t WHERE t.account_id = k.account_id) RETURNING 1),
put AS (
    INSERT INTO metrics_knownfacts AS k ({_COLUMNS}, looked_at) SELECT {_COLUMNS}, %(now)s FROM told ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET completeness = excluded.completeness, gaps = excluded.gaps, settles_micros = excluded.settles_micros, looked_at = excluded.looked_at
    WHERE (k.completeness, k.gaps, k.settles_micros) IS DISTINCT FROM (excluded.completeness, excluded.gaps, excluded.settles_micros) RETURNING 1)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put)"""


def keep_known_facts(*, now: dt.datetime) -> Iterator[int]:
    """Range after range, each in a transaction of its own: the rows that changed."""
    moment = Moment.at(as_of=now, now=now, zone=settings.ORGANISATION_TIME_ZONE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM accounts_account")
        low, high = cursor.fetchone()
    if low is None:
        return
    for start in range(low, high + 1, ACCOUNTS_A_RANGE):
        with transaction.atomic(), connection.cursor() as cursor:
            # two turns at once wait for each other instead of for single rows
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('vefa.known_facts'))")
            cursor.execute(_KEPT, {**moment.parameters, "low": start, "high": min(high, start + ACCOUNTS_A_RANGE - 1)})
            changed = cursor.fetchone()[0]
        yield changed
