"""Handing work over to support and back.

A CSM hands work over: it sleeps, and the event says so. Who keeps tickets reads the event and opens one that
is linked to the work (`tickets.actions.handed_over`); once that is solved, the work comes back to its owner,
due at once. It never sleeps for good: on the day it was to wake at the latest it is open again by itself.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from accounts.actions.event_log import record_event
from accounts.actions.work_batches import CLOSED, COLUMNS, Changed, as_it_was
from accounts.models import User
from accounts.models.events import Origin

AT_THE_LATEST = dt.timedelta(days=60)
WITH_SUPPORT = "work.handed_over"


def hand_over(*, item_id: int, version: int, text: str, actor: User, now: dt.datetime) -> Changed:
    """Gives an open item to support; `text` says what they should do. Another version, or closed: stale, and nothing happens."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS}, contact_id, with_support_since FROM accounts_workitem WHERE id = %s FOR NO KEY UPDATE", [item_id])
        row = cursor.fetchone()
        if row is None or row[1] != version or row[2] in CLOSED or row[-1] is not None:
            return Changed(stale=[item_id])
        cursor.execute(
            "UPDATE accounts_workitem SET status = 'snoozed', snoozed_until = %s, snooze_reason = %s, with_support_since = %s, "
            "version = version + 1, updated_at = %s WHERE id = %s",
            [now + AT_THE_LATEST, text[:200], now, now, item_id],
        )
        record_event(
            account_id=row[10], kind=WITH_SUPPORT, occurred_at=now, origin=Origin.APP, actor_id=actor.pk, contact_id=row[-2], subject_type="work_item",
            subject_id=str(item_id), payload={"work_item": item_id, "type": row[11], "reason": row[12]},
        )  # fmt: skip
    return Changed(before=[as_it_was(row)])


def come_back(*, item_id: int, now: dt.datetime) -> bool:
    """Wakes work that support is done with: open, due at once, told. False where it is not with support any more."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_workitem SET status = 'open', snoozed_until = NULL, with_support_since = NULL, due_at = least(due_at, %(now)s), version = version + 1, "
            "updated_at = %(now)s WHERE id = %(id)s AND status = 'snoozed' AND with_support_since IS NOT NULL RETURNING account_id, type, reason, owner_id",
            {"id": item_id, "now": now},
        )
        row = cursor.fetchone()
        if row is None:
            return False
        record_event(
            account_id=row[0], kind="work.came_back", occurred_at=now, origin=Origin.APP, subject_type="work_item", subject_id=str(item_id),
            payload={"work_item": item_id, "type": row[1], "reason": row[2]},
        )  # fmt: skip
    return True
