"""Telling in time that a renewal comes near, once a renewal, set-wise.

The renewal of a span in force is its planned end; where it has none, the next anniversary of its
start by its term, for terms of three months and longer (shorter ones roll on and are no occasion).
A span with notice given does not renew. Days are those of the organisation's zone.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.models.events import Origin

DAYS_BEFORE = 60
BATCH = 5000

# months of one term; 0 for days and weeks
_TERM = "(CASE s.interval WHEN 'year' THEN 12 WHEN 'half_year' THEN 6 WHEN 'quarter' THEN 3 WHEN 'month' THEN 1 ELSE 0 END * s.interval_count)"
# The months between start and today in whole terms give the last anniversary at or before this
# month; where that day has passed, the next one is a term later.
_DUE = f"""
WITH spans AS (
    SELECT s.id, s.account_id, s.subscription, {_TERM} AS term, (s.start AT TIME ZONE %(zone)s)::date AS begun, (s."end" AT TIME ZONE %(zone)s)::date AS ends
    FROM accounts_subscription s
    WHERE s.start <= %(now)s AND (s."end" IS NULL OR s."end" > %(now)s) AND s.cancelled_at IS NULL AND s.end_reason = '' AND s.mrr_micros > 0
      AND s.status NOT IN ('cancelled', 'trialing', 'unpaid')
      AND (s."end" < %(horizon)s OR (s."end" IS NULL AND {_TERM} >= 3))
), dated AS (
    SELECT id, account_id, subscription, CASE WHEN ends IS NOT NULL THEN ends WHEN soon >= %(today)s AND soon > begun THEN soon
           ELSE (begun + make_interval(months => (rounds + 1) * term))::date END AS renews_on
    FROM (SELECT *, (begun + make_interval(months => rounds * term))::date AS soon
          FROM (SELECT *, CASE WHEN term = 0 THEN 0 ELSE ((date_part('year', %(today)s::date) - date_part('year', begun)) * 12
                       + date_part('month', %(today)s::date) - date_part('month', begun))::integer / term END AS rounds FROM spans) r) d
)
SELECT d.account_id, d.subscription, min(d.id), d.renews_on
FROM dated d JOIN accounts_account a ON a.id = d.account_id AND NOT a.excluded AND (a.churned_at IS NULL OR a.churned_at > %(now)s)
WHERE d.renews_on BETWEEN %(today)s AND %(last)s
  AND NOT EXISTS (SELECT 1 FROM accounts_accountevent e WHERE e.account_id = d.account_id AND e.kind = 'subscription.renewal_due'
                  AND e.dedupe_key = left(d.subscription, 180) || ':' || d.renews_on)
GROUP BY d.account_id, d.subscription, d.renews_on ORDER BY d.account_id, d.subscription, d.renews_on LIMIT %(batch)s
"""


def record_due_renewals(*, now: dt.datetime, today: dt.date) -> int:
    """Records `subscription.renewal_due` for renewals in the next 60 days; returns how many are new.

    `today` is the day of `now` in the organisation's zone. The dedupe key is the subscription and the
    day it renews, so that a second run, or one beside it, records nothing.
    """
    recorded = 0
    while True:
        with transaction.atomic():
            rows = renewals_to_tell(now=now, today=today)
            made = record_events(_event(*row, now=now, today=today) for row in rows)
        recorded += len(made)
        if len(rows) < BATCH:
            return recorded


def renewals_to_tell(*, now: dt.datetime, today: dt.date, most: int = BATCH) -> list[tuple[int, str, int, dt.date]]:
    """Renewals within 60 days of `today` that were not told of yet: (account, subscription, its span, day).

    Asked for a day that is still to come, it says what will be told until then by what is known now.
    """
    values: dict[str, Any] = {
        "zone": settings.ORGANISATION_TIME_ZONE, "now": now, "today": today, "last": today + dt.timedelta(days=DAYS_BEFORE),
        "horizon": now + dt.timedelta(days=DAYS_BEFORE + 2), "batch": most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DUE, values)
        return cursor.fetchall()


def _event(account_id: int, subscription: str, span_id: int, renews_on: dt.date, *, now: dt.datetime, today: dt.date) -> NewEvent:
    return NewEvent(
        account_id=account_id, kind="subscription.renewal_due", occurred_at=now, origin=Origin.APP, subject_type="subscription", subject_id=str(span_id),
        payload={"subscription": subscription, "renews_at": renews_on.isoformat(), "days": (renews_on - today).days},
        dedupe_key=f"{subscription[:180]}:{renews_on}",
    )  # fmt: skip
