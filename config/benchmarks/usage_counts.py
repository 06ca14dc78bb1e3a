"""Counting use over windows, from the rollup by day and from single events: what it saves to keep days and not events.

Nine dates, the 28 days before each, per account. The events are made from the days (ten a day at most), counted by the statement
that handbooks print for it: events joined to dates, grouped. Both must come to the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection

# more accounts would need more events than a benchmark should write
MOST_ACCOUNTS = 100_000
ROUNDS = 3
EVENTS_A_DAY = 10

_MAKE = f"""
DROP TABLE IF EXISTS raw_event, counted_raw, counted_days, counting_date;
CREATE TABLE counting_date AS
    SELECT (SELECT max(day) FROM accounts_usageday u JOIN accounts_feature f ON f.id = u.feature_id AND f.key = '') - 3 * n AS day FROM generate_series(0, 8) n;
CREATE UNLOGGED TABLE raw_event AS
    SELECT u.account_id, 1 AS event_type_id, u.day + make_interval(secs => (k * 8501 + u.account_id) % 86400) AS event_time
    FROM accounts_usageday u JOIN accounts_feature f ON f.id = u.feature_id AND f.key = '' CROSS JOIN LATERAL generate_series(1, least(u.count, {EVENTS_A_DAY})) k;
CREATE INDEX ON raw_event (event_time);
CREATE INDEX ON raw_event (account_id);
CREATE TABLE counted_raw (account_id bigint, day date, count bigint);
CREATE TABLE counted_days (account_id bigint, day date, count bigint);
ANALYZE raw_event; ANALYZE counting_date
"""
_FROM_EVENTS = """
INSERT INTO counted_raw SELECT e.account_id, d.day, count(*) FROM raw_event e JOIN counting_date d ON e.event_time < d.day AND e.event_time >= d.day - 28
WHERE e.event_type_id = 1 GROUP BY e.account_id, d.day
"""
_FROM_DAYS = f"""
INSERT INTO counted_days SELECT u.account_id, d.day, sum(least(u.count, {EVENTS_A_DAY})) FROM accounts_usageday u JOIN counting_date d ON u.day < d.day AND u.day >= d.day - 28
WHERE u.feature_id = (SELECT id FROM accounts_feature WHERE key = '') AND u.day >= (SELECT min(day) - 28 FROM counting_date) GROUP BY u.account_id, d.day
"""
_DIFFERING = """
SELECT count(*) FROM counted_raw r FULL JOIN counted_days c USING (account_id, day) WHERE r.count IS DISTINCT FROM c.count
"""


def _run(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def _timed(sql: str, table: str) -> float:
    _run(f"TRUNCATE {table}")
    began = time.perf_counter()
    _run(sql)
    return time.perf_counter() - began


def count_metrics(*, accounts: int, say: Callable[[str], None]) -> dict[str, Any]:
    """How many times faster counts come from days than from events; empty fields where there are too many accounts."""
    if accounts > MOST_ACCOUNTS:
        return {"count_metrics_rate_of_raw_events": None, "count_metrics_rows_differing": None}
    say("making single events from the days of use")
    _run(_MAKE)
    ratios = []
    for number in range(ROUNDS + 1):
        days, events = _timed(_FROM_DAYS, "counted_days"), _timed(_FROM_EVENTS, "counted_raw")
        if number:
            ratios.append(events / days)
    differing = _run(_DIFFERING)[0][0]
    _run("DROP TABLE raw_event, counted_raw, counted_days, counting_date")
    return {"count_metrics_rate_of_raw_events": round(sorted(ratios)[len(ratios) // 2], 1), "count_metrics_rows_differing": differing}
