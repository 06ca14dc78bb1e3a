"""Customers with four years of subscriptions, by SQL alone: the same for the same size. Nothing else is generated."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from config.benchmarks.data import FIRST_NIGHT

MONTHS = 48
NOW = dt.datetime.combine(FIRST_NIGHT, dt.time(), dt.UTC)
FIRST = NOW.replace(year=NOW.year - MONTHS // 12)

# per account 1.37 spans: everybody begins within the 48 months, 37 in 100 change their terms once (three in ten of them after a
# gap), four in ten leave; one segment of four for good, one account in a thousand excluded, one currency
_STATEMENTS = (
    "SELECT setseed(0.42)",
    """INSERT INTO accounts_account (external_id, name, name_sort, name_search, domain, business_model, segment_id, plan, industry, country,
           time_zone, language, currency, signed_up_at, churn_reason, churn_reason_detail, excluded, tags, attributes, version, created_at, updated_at)
       SELECT 'b' || n, 'Customer ' || n, 'customer ' || lpad(n::text, 9, '0'), 'customer ' || n, '', 'subscription',
           s.id[1 + n %% 4], 'Pro', '', 'TR', '', 'en', 'EUR', %(first)s, '', '', n %% 1000 = 0, '{}', '{}', 1, %(first)s, %(first)s
       FROM generate_series(1, %(accounts)s) n, (SELECT array_agg(id ORDER BY id) AS id FROM accounts_segment) s ORDER BY n""",
    """INSERT INTO accounts_segmentmembership (account_id, segment_id, valid_from, reason, note, is_override, created_at)
       SELECT id, segment_id, %(first)s::timestamptz - interval '1 year', 'import', '', false, %(first)s FROM accounts_account ORDER BY id""",
    """CREATE TEMPORARY TABLE life AS
       SELECT id, begun, CASE WHEN random() < 0.37 THEN begun + random() * (%(now)s - begun) END AS changed, random() AS a, random() AS b, random() AS c, random() AS d
       FROM (SELECT id, %(first)s::timestamptz + random() * (%(now)s::timestamptz - %(first)s::timestamptz) AS begun FROM accounts_account ORDER BY id) q""",
    """INSERT INTO accounts_subscription (external_id, account_id, subscription, start, "end", product, kind, quantity, amount, currency, interval, interval_count,
           discount_percent, discount_forever, status, end_reason, mrr_micros, mrr_forever_micros, version, created_at, updated_at)
       SELECT 'p' || id || '-' || k, id, 's' || id, begun, ended, 'Pro', 'plan', 1, micros / 1000000.0, 'EUR', 'month', 1, 0, false, 'active', '', micros, micros, 1, begun, begun
       FROM (
           SELECT id, 1 AS k, begun, CASE WHEN changed IS NOT NULL THEN changed WHEN a < 0.4 THEN begun + b * (%(now)s - begun) END AS ended,
                  (20 + id %% 480)::bigint * 1000000 AS micros FROM life
           UNION ALL
           SELECT id, 2, back, CASE WHEN a < 0.4 THEN back + b * (%(now)s - back) END, (20 + (id * 7 + 13) %% 480)::bigint * 1000000
           FROM (SELECT *, least(changed + CASE WHEN c < 0.3 THEN d * interval '120 days' ELSE interval '0' END, %(now)s::timestamptz - interval '1 hour') AS back
                 FROM life WHERE changed < %(now)s::timestamptz - interval '1 day') second) spans
       ORDER BY id, k""",
    "DROP TABLE life",
)


def generate_money(*, accounts: int, nights: int) -> None:
    """Fills the default database (a scratch one) with customers and their subscriptions; `nights` changes nothing here."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for statement in _STATEMENTS:
            cursor.execute(statement, {"accounts": accounts, "first": FIRST, "now": NOW})
        for table in ("accounts_account", "accounts_segmentmembership", "accounts_subscription"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("SET synchronous_commit = on")
