"""Opening work for many accounts at once, under the rule of `work_items.open_work_item`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.models import WorkItem
from accounts.models.events import Origin


@dataclass(frozen=True, kw_only=True)
class Need:
    """Why one account needs work, and the event that says so."""

    account_id: int
    why: dict[str, Any]
    event_id: int | None = None


# new work takes the account's owner and stake; work that is open or snoozed gets the newer sentence
# and the earlier due time
_OPEN = """
INSERT INTO accounts_workitem AS w (account_id, type, reason, title, why, priority, status, owner_id, due_at, snooze_reason,
    stake_micros, source, event_id, subject_type, subject_id, outcome, version, created_at, updated_at)
SELECT a.id, %(type)s, %(reason)s, '', n.why, %(priority)s, 'open', a.owner_id, %(due_at)s, '', s.stake_micros, 'rule', n.event_id,
    '', '', '', 1, %(now)s, %(now)s
FROM unnest(%(accounts)s::bigint[], %(whys)s::jsonb[], %(events)s::bigint[]) AS n(account_id, why, event_id)
JOIN accounts_account a ON a.id = n.account_id JOIN accounts_accountsnapshot s ON s.account_id = a.id
ORDER BY a.id
ON CONFLICT (account_id, type, reason, name) WHERE status IN ('open', 'snoozed')
DO UPDATE SET why = excluded.why, due_at = least(w.due_at, excluded.due_at), version = w.version + 1, updated_at = excluded.updated_at
RETURNING id, account_id, xmax = 0
"""


def open_work_items(*, needs: Sequence[Need], type: str, reason: str, now: dt.datetime, due_at: dt.datetime, priority: int = WorkItem.Priority.NORMAL) -> int:
    """Opens one item per account, idempotent by account, type and reason; returns how many are new."""
    if not needs:
        return 0
    values: dict[str, Any] = {
        "type": type, "reason": reason[:80], "priority": priority, "due_at": due_at, "now": now,
        "accounts": [need.account_id for need in needs], "whys": [json.dumps(need.why) for need in needs], "events": [need.event_id for need in needs],
    }  # fmt: skip
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_OPEN, values)
            made = [(item, account) for item, account, is_new in cursor.fetchall() if is_new]
        record_events(
            NewEvent(
                account_id=account, kind="work.opened", occurred_at=now, origin=Origin.APP, subject_type="work_item", subject_id=str(item),
                payload={"work_item": item, "type": type, "reason": reason[:80], "source": WorkItem.Source.RULE.value},
            )
            for item, account in made
        )  # fmt: skip
    return len(made)


@dataclass(frozen=True, kw_only=True)
class SubjectNeed:
    """Why one thing of an account (a ticket) needs work: `reason` names the thing, so that each has work of its own."""

    account_id: int
    reason: str
    subject_id: str
    why: dict[str, Any]
    due_at: dt.datetime
    owner_id: int | None = None
    contact_id: int | None = None
    event_id: int | None = None
    priority: int = WorkItem.Priority.NORMAL


_OPEN_ON_SUBJECTS = """
INSERT INTO accounts_workitem AS w (account_id, contact_id, type, reason, title, why, priority, status, owner_id, due_at, snooze_reason,
    stake_micros, source, event_id, subject_type, subject_id, outcome, version, created_at, updated_at)
SELECT a.id, n.contact_id, %(type)s, n.reason, '', n.why, n.priority, 'open', coalesce(n.owner_id, a.owner_id), n.due_at, '', s.stake_micros, 'rule', n.event_id,
    %(subject_type)s, n.subject_id, '', 1, %(now)s, %(now)s
FROM unnest(%(accounts)s::bigint[], %(contacts)s::bigint[], %(reasons)s::text[], %(whys)s::jsonb[], %(priorities)s::int[], %(owners)s::bigint[],
            %(dues)s::timestamptz[], %(events)s::bigint[], %(subjects)s::text[])
     AS n(account_id, contact_id, reason, why, priority, owner_id, due_at, event_id, subject_id)
JOIN accounts_account a ON a.id = n.account_id JOIN accounts_accountsnapshot s ON s.account_id = a.id
ORDER BY a.id, n.reason
ON CONFLICT (account_id, type, reason, name) WHERE status IN ('open', 'snoozed')
DO UPDATE SET why = excluded.why, due_at = least(w.due_at, excluded.due_at), version = w.version + 1, updated_at = excluded.updated_at
RETURNING id, account_id, contact_id, reason, xmax = 0
"""


def open_work_on_subjects(*, needs: Sequence[SubjectNeed], type: str, subject_type: str, now: dt.datetime) -> int:
    """Opens one item per account and reason, for the owner it names or else the account's; idempotent as `open_work_items`. Returns how many are new."""
    # one statement cannot touch a row twice: of two needs of one identity the later one is told
    chosen = list({(need.account_id, need.reason[:80]): need for need in needs}.values())
    if not chosen:
        return 0
    values: dict[str, Any] = {
        "type": type, "subject_type": subject_type, "now": now, "accounts": [need.account_id for need in chosen], "contacts": [need.contact_id for need in chosen],
        "reasons": [need.reason[:80] for need in chosen], "whys": [json.dumps(need.why) for need in chosen], "priorities": [int(need.priority) for need in chosen],
        "owners": [need.owner_id for need in chosen], "dues": [need.due_at for need in chosen], "events": [need.event_id for need in chosen],
        "subjects": [need.subject_id for need in chosen],
    }  # fmt: skip
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_OPEN_ON_SUBJECTS, values)
            made = [row[:4] for row in cursor.fetchall() if row[4]]
        record_events(
            NewEvent(
                account_id=account, contact_id=contact, kind="work.opened", occurred_at=now, origin=Origin.APP, subject_type="work_item", subject_id=str(item),
                payload={"work_item": item, "type": type, "reason": reason, "source": WorkItem.Source.RULE.value},
            )
            for item, account, contact, reason in made
        )  # fmt: skip
    return len(made)
