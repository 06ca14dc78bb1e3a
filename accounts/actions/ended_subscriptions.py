"""Telling that paid service ended when the planned end of a span comes, whoever wrote that end and whenever."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from accounts.actions.dirty import mark_dirty
from accounts.actions.event_log import NewEvent, record_events
from accounts.models.events import Origin

BATCH = 5000
# an end that came while nothing looked is still told within this time
LOOKS_BACK = dt.timedelta(days=30)

# an end that the next span of the group takes over is a change of terms, not an end
_ENDED = """
SELECT s.id, s.account_id, s.subscription, s.product, s."end", s.end_reason, s.voluntary
FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id AND NOT a.excluded
WHERE s."end" > %(since)s AND s."end" <= %(now)s AND s.start < s."end" AND s.created_at <= s."end"
  AND NOT EXISTS (SELECT 1 FROM accounts_subscription n WHERE n.account_id = s.account_id AND n.subscription = s.subscription AND n.start = s."end" AND n.id <> s.id)
  AND NOT EXISTS (SELECT 1 FROM accounts_accountevent e WHERE e.account_id = s.account_id AND e.kind = 'subscription.ended'
                  AND e.subject_type = 'subscription' AND e.subject_id = s.id::text AND e.occurred_at = s."end")
ORDER BY s."end", s.id LIMIT %(batch)s
"""


def record_ended_subscriptions(*, now: dt.datetime) -> int:
    """Records `subscription.ended` for spans whose end has come, and asks for their accounts' recompute; returns how many are new.

    Ends that were in the past when they were written are left to the writer, who has told them. The
    dedupe key is the span and its end: a second run, or one beside it, records nothing.
    """
    recorded = 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_ENDED, {"since": now - LOOKS_BACK, "now": now, "batch": BATCH})
                rows = cursor.fetchall()
            made = record_events(_event(*row) for row in rows)
            mark_dirty({row[1] for row in rows}, reason="subscription")
        recorded += len(made)
        if len(rows) < BATCH or not made:
            return recorded


def _event(span_id: int, account_id: int, subscription: str, product: str, ended_at: dt.datetime, reason: str, voluntary: bool | None) -> NewEvent:
    why = {**({"reason": reason} if reason else {}), **({"voluntary": voluntary} if voluntary is not None else {})}
    return NewEvent(
        account_id=account_id, kind="subscription.ended", occurred_at=ended_at, origin=Origin.APP, subject_type="subscription", subject_id=str(span_id),
        payload={"subscription": subscription, "product": product, **why}, dedupe_key=f"span:{span_id}:{ended_at.isoformat()}",
    )  # fmt: skip
