"""Opening, doing, snoozing, handing on and dropping work."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.db import connection, transaction

from accounts.actions.event_log import record_event
from accounts.models import User, WorkItem
from accounts.models.events import Origin


class WorkItemClosed(ValueError):
    """The work item is closed already."""


class StaleVersion(ValueError):
    """Somebody else saved the row in the meantime."""


class PersonLeft(ValueError):
    """Work cannot be given to somebody who has left; `name` says who."""

    def __init__(self, name: str):
        self.name = name
        super().__init__(f"{name} has left.")


def check_present(owner_id: int) -> None:
    """Raises PersonLeft unless the person can still log in."""
    name = User.objects.filter(pk=owner_id, is_active=False).values_list("name", flat=True).first()
    if name is not None:
        raise PersonLeft(name)


# the stake of new work is that of its account; the partial unique index makes it idempotent
_OPEN = """
INSERT INTO accounts_workitem (account_id, contact_id, type, reason, name, title, why, priority, status, owner_id, due_at,
    snooze_reason, stake_micros, source, event_id, subject_type, subject_id, outcome, version, created_at, updated_at)
SELECT a.id, %(contact_id)s, %(type)s, %(reason)s, %(name)s, %(title)s, %(why)s::jsonb, %(priority)s, 'open', coalesce(%(owner_id)s, a.owner_id), %(due_at)s,
    '', s.stake_micros, %(source)s, %(event_id)s, %(subject_type)s, %(subject_id)s, '', 1, %(now)s, %(now)s
FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id WHERE a.id = %(account_id)s
ON CONFLICT (account_id, type, reason, name) WHERE status IN ('open', 'snoozed') DO NOTHING
RETURNING id
"""


def open_work_item(
    *,
    account_id: int,
    type: str,
    reason: str,
    why: dict[str, Any],
    now: dt.datetime,
    due_at: dt.datetime,
    title: str = "",
    name: str = "",
    priority: int = WorkItem.Priority.NORMAL,
    owner_id: int | None = None,
    contact_id: int | None = None,
    source: str = WorkItem.Source.RULE,
    event_id: int | None = None,
    subject_type: str = "",
    subject_id: str = "",
    actor_id: int | None = None,
    origin: str = Origin.APP,
) -> tuple[WorkItem, bool]:
    """Opens work for the account's owner (or `owner_id`); idempotent by account, type, reason and `name`.

    A name tells work of one type and reason apart where an account may have several at once; most has
    none. While such an item is open or snoozed its sentence and its due time (the earlier one) are renewed
    instead. Returns the item and whether it is new.
    """
    values = {
        "account_id": account_id, "contact_id": contact_id, "type": type, "reason": reason[:80], "name": name[:80], "title": title[:200],
        "why": json.dumps(why), "priority": priority, "owner_id": owner_id, "due_at": due_at, "source": source,
        "event_id": event_id, "subject_type": subject_type, "subject_id": str(subject_id), "now": now,
    }  # fmt: skip
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_OPEN, values)
            made = cursor.fetchone()
        if made is None:
            item = WorkItem.objects.select_for_update(no_key=True).get(account_id=account_id, type=type, reason=reason[:80], name=name[:80], status__in=["open", "snoozed"])
            item.why, item.due_at, item.updated_at = why, min(item.due_at, due_at), now
            item.version += 1
            item.save(update_fields=["why", "due_at", "version", "updated_at"])
            return item, False
        item = WorkItem.objects.get(pk=made[0])
        record_event(
            account_id=account_id, kind="work.opened", occurred_at=now, origin=origin, actor_id=actor_id, contact_id=contact_id,
            subject_type="work_item", subject_id=str(item.pk),
            payload={"work_item": item.pk, "type": item.type, "reason": item.reason, "source": str(source)},
        )  # fmt: skip
    return item, True


def _locked(item_id: int, version: int | None) -> WorkItem:
    item = WorkItem.objects.select_for_update(no_key=True).get(pk=item_id)
    if version is not None and item.version != version:
        raise StaleVersion
    return item


def close_work_item(*, item_id: int, actor: User | None, now: dt.datetime, outcome: str = "", dropped: bool = False, version: int | None = None) -> WorkItem:
    """Marks the work done (or dropped) with what came of it. Raises WorkItemClosed, StaleVersion."""
    with transaction.atomic():
        item = _locked(item_id, version)
        if item.status in {"done", "dropped"}:
            raise WorkItemClosed
        item.status = WorkItem.Status.DROPPED if dropped else WorkItem.Status.DONE
        item.outcome, item.closed_at, item.closed_by, item.snoozed_until = outcome[:500], now, actor, None
        item.version += 1
        item.save()
        record_event(
            account_id=item.account_id, kind="work.done", occurred_at=now, origin=Origin.APP, actor_id=actor.pk if actor else None,
            subject_type="work_item", subject_id=str(item.pk),
            payload={"work_item": item.pk, "type": item.type, "reason": item.reason, "outcome": item.status},
        )  # fmt: skip
    return item


def reopen_work_item(*, item_id: int, now: dt.datetime, version: int | None = None, actor: User | None = None) -> WorkItem:
    """Takes back a closing or a snooze (undo). Raises django.db.IntegrityError where new work of the same identity is open."""
    with transaction.atomic():
        item = _locked(item_id, version)
        was_closed = item.status in {"done", "dropped"}
        # what closed itself and was opened again by a person has been judged: it does not close itself twice
        item.closes_itself = item.closes_itself and not (item.closed_by_id is None and (item.outcome == "recovered" or item.outcome.startswith("over:")))
        item.status, item.closed_at, item.closed_by, item.outcome = WorkItem.Status.OPEN, None, None, ""
        item.snoozed_until, item.snooze_reason, item.with_support_since, item.updated_at = None, "", None, now
        item.version += 1
        item.save()
        if was_closed:
            record_event(
                account_id=item.account_id, kind="work.reopened", occurred_at=now, origin=Origin.APP, actor_id=actor.pk if actor else None,
                subject_type="work_item", subject_id=str(item.pk), payload={"work_item": item.pk, "type": item.type, "reason": item.reason},
            )  # fmt: skip
    return item


def snooze_work_item(*, item_id: int, until: dt.datetime, reason: str, now: dt.datetime, version: int | None = None) -> WorkItem:
    """Puts the work to sleep until an instant; it still blocks duplicates. Raises WorkItemClosed, StaleVersion, ValueError for the past."""
    if until <= now:
        raise ValueError("A snooze ends in the future.")
    with transaction.atomic():
        item = _locked(item_id, version)
        if item.status in {"done", "dropped"}:
            raise WorkItemClosed
        item.status, item.snoozed_until, item.snooze_reason = WorkItem.Status.SNOOZED, until, reason[:200]
        item.version += 1
        item.save()
    return item


def assign_work_item(*, item_id: int, owner: User | None, now: dt.datetime, version: int | None = None) -> WorkItem:
    """Gives the work to another person. Raises WorkItemClosed, StaleVersion, PersonLeft."""
    if owner is not None:
        check_present(owner.pk)
    with transaction.atomic():
        item = _locked(item_id, version)
        if item.status in {"done", "dropped"}:
            raise WorkItemClosed
        item.owner, item.updated_at = owner, now
        item.version += 1
        item.save()
    return item


def wake_snoozed(*, now: dt.datetime) -> int:
    """Opens snoozed work whose time has come; returns how many."""
    return WorkItem.objects.filter(status="snoozed", snoozed_until__lte=now).update(status="open", snoozed_until=None, with_support_since=None, updated_at=now)
