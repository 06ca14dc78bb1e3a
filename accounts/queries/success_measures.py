"""What the measures of success plans say on a day, set-wise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.db import connection

USE_DAYS = 28

# one row a plan; use is looked up only for the plans that ask for it
_MEASURED = """
SELECT p.id, round(CASE p.measure
    WHEN 'health' THEN s.health / 100.0
    WHEN 'mrr' THEN s.mrr_micros / 1000000.0
    WHEN 'nps' THEN s.nps
    WHEN 'csat' THEN s.csat_mean
    WHEN 'open_tickets' THEN s.open_tickets
    WHEN 'churn_risk' THEN s.churn_risk * 100
    WHEN 'active_days' THEN u.active_days
    WHEN 'users' THEN u.users
    WHEN 'usage' THEN u.uses
END::numeric, 2)
FROM accounts_successplan p
JOIN accounts_accountsnapshot s ON s.account_id = p.account_id
LEFT JOIN LATERAL (
    SELECT count(DISTINCT d.day) FILTER (WHERE d.count > 0) AS active_days, coalesce(max(d.users), 0) AS users, coalesce(sum(d.count), 0) AS uses
    FROM accounts_usageday d
    WHERE d.account_id = p.account_id AND d.day >= %(today)s::date - %(days)s::integer AND d.day < %(today)s::date
        AND (p.feature = '' OR d.feature_id = (SELECT f.id FROM accounts_feature f WHERE f.key = p.feature))
) u ON p.measure IN ('active_days', 'users', 'usage') AND s.last_seen_on IS NOT NULL
WHERE p.id = ANY(%(plans)s::bigint[]) AND p.measure <> ''
"""


def measured(plan_ids: Sequence[int], *, today: dt.date) -> dict[int, Decimal | None]:
    """The value of each plan whose measure is a field; None where there is none yet. Use is that of the 28 days before today,
    and unknown for accounts that were never seen."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, {"plans": list(plan_ids), "today": today, "days": USE_DAYS})
        return dict(cursor.fetchall())
