"""Revenue by hand: the ledger as one sorted statement over the product's spans, and two queries of an analyst's handbook.

The queries of the book compare two dates and know neither currencies, trials, pauses, excluded accounts
nor who comes back; they read a narrow table of spans made for them, without the excluded accounts.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from config.benchmarks.money_data import FIRST, NOW

PREPARE = (
    "CREATE TABLE book_span (account_id bigint, start_at timestamptz, end_at timestamptz, mrr bigint)",
    """INSERT INTO book_span SELECT s.account_id, s.start, s."end", s.mrr_micros FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id
       WHERE NOT a.excluded ORDER BY s.account_id, s.start""",
    "CREATE INDEX ON book_span (account_id, start_at)",
    "VACUUM (ANALYZE) book_span",
)
# each span gives its MRR to the month it begins in and takes it from the month it ends in; running sums give the balance
_RUNNING = """
WITH edges AS MATERIALIZED (SELECT array_agg(d AT TIME ZONE 'UTC' ORDER BY d) AS starts FROM generate_series(%(first)s::timestamp, %(now)s::timestamp, interval '1 month') d),
change AS (
    SELECT s.account_id, width_bucket(s.start, (SELECT starts FROM edges)) AS month, s.mrr_micros AS worth FROM accounts_subscription s
    WHERE NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.id = s.account_id AND a.excluded)
    UNION ALL
    SELECT s.account_id, width_bucket(s."end", (SELECT starts FROM edges)), -s.mrr_micros FROM accounts_subscription s
    WHERE s."end" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.id = s.account_id AND a.excluded)),
monthly AS (SELECT account_id, month, sum(worth)::bigint AS delta FROM change GROUP BY 1, 2),
running AS (
    SELECT account_id, month, delta, (sum(delta) OVER w)::bigint AS balance, row_number() OVER w AS place FROM monthly WINDOW w AS (PARTITION BY account_id ORDER BY month))
"""
LEDGER = f"""{_RUNNING}
SELECT month, CASE WHEN balance = delta THEN CASE WHEN balance = 0 THEN '' WHEN place = 1 THEN 'new' ELSE 'reactivation' END
                   WHEN balance = 0 THEN 'churned' WHEN delta > 0 THEN 'expansion' WHEN delta < 0 THEN 'contraction' ELSE '' END AS kind, sum(abs(delta)), count(*)
FROM running GROUP BY 1, 2
"""
# by the month of the first row, who came and who went in each month
COHORTS = f"""{_RUNNING}
SELECT first, month, sum((balance > 0)::integer - (balance > delta)::integer)
FROM (SELECT *, first_value(month) OVER (PARTITION BY account_id ORDER BY month) AS first FROM running) r GROUP BY 1, 2
"""
_AT = "b.start_at < %({0})s AND (b.end_at IS NULL OR b.end_at >= %({0})s)"
_BOTH = f"""
WITH start_accounts AS (SELECT b.account_id, sum(b.mrr) AS total_mrr FROM book_span b WHERE {_AT.format("from")} GROUP BY b.account_id),
end_accounts AS (SELECT b.account_id, sum(b.mrr) AS total_mrr FROM book_span b WHERE {_AT.format("until")} GROUP BY b.account_id)"""
# net retention of one pair of dates
RETENTION_OF_A_PAIR = f"""{_BOTH},
retained_accounts AS (SELECT s.account_id, sum(e.total_mrr) AS total_mrr FROM start_accounts s INNER JOIN end_accounts e ON s.account_id = e.account_id GROUP BY s.account_id),
start_mrr AS (SELECT sum(total_mrr) AS start_mrr FROM start_accounts),
retain_mrr AS (SELECT sum(total_mrr) AS retain_mrr FROM retained_accounts)
SELECT retain_mrr, start_mrr FROM start_mrr, retain_mrr
"""
# MRR churn of one pair of dates
CHURN_OF_A_PAIR = f"""{_BOTH},
churned_accounts AS (SELECT s.account_id, sum(s.total_mrr) AS total_mrr FROM start_accounts s LEFT OUTER JOIN end_accounts e ON s.account_id = e.account_id
    WHERE e.account_id IS NULL GROUP BY s.account_id),
downsell_accounts AS (SELECT s.account_id, s.total_mrr - e.total_mrr AS downsell FROM start_accounts s INNER JOIN end_accounts e ON s.account_id = e.account_id
    WHERE e.total_mrr < s.total_mrr),
start_mrr AS (SELECT sum(total_mrr) AS start_mrr FROM start_accounts),
churn_mrr AS (SELECT sum(total_mrr) AS churn_mrr FROM churned_accounts),
downsell_mrr AS (SELECT coalesce(sum(downsell), 0) AS downsell_mrr FROM downsell_accounts)
SELECT churn_mrr, downsell_mrr, start_mrr FROM start_mrr, churn_mrr, downsell_mrr
"""
# one pair from the stored months, by hand
PAIR = """
WITH pair AS (
    SELECT account_id, sum(delta_micros) FILTER (WHERE month < %(from)s) AS was, sum(delta_micros) AS now FROM accounts_mrrmonth l
    WHERE month < %(until)s AND NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.id = l.account_id AND a.excluded) GROUP BY account_id)
SELECT sum(now), sum(was) FROM pair WHERE was > 0
"""


def prepare() -> None:
    """Makes the table of the book's queries."""
    with connection.cursor() as cursor:
        for statement in PREPARE:
            cursor.execute(statement)


def run(sql: str, values: dict[str, Any], *, sorted_groups: bool = False) -> list[tuple[Any, ...]]:
    """A statement with as much memory as the product takes for its own."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '96MB'")
        if sorted_groups:
            cursor.execute("SET LOCAL enable_hashagg = off")
        cursor.execute(sql, values)
        return cursor.fetchall()


def ledger() -> list[tuple[Any, ...]]:
    """The movements of all months."""
    return run(LEDGER, {"first": FIRST.replace(tzinfo=None), "now": NOW.replace(tzinfo=None)}, sorted_groups=True)


def differing(series: list[dict[str, Any]], rows: list[tuple[Any, ...]]) -> int:
    """Cells (movement and number of customers of a month) in which the product's series and the hand ledger differ."""
    told: dict[tuple[int, str], tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
    for month, kind, micros, count in rows:
        told[month, kind] = (Decimal(micros) / 1_000_000, count)
    wrong = 0
    for month, piece in enumerate(series, start=1):
        parts = piece["parts"]
        for kind in ("new", "expansion", "contraction", "churned", "reactivation"):
            money, count = told[month, kind]
            counted = {"new": "customers_new", "churned": "customers_churned", "reactivation": "customers_reactivated"}.get(kind)
            wrong += Decimal(parts[kind]) != money or (counted is not None and parts[counted] != count)
    return wrong


def moment(text: str) -> dt.datetime:
    """Midnight UTC of a day."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
