"""Several changes of one work item at once, as a form or a request of the API brings them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actions.work_items import StaleVersion, WorkItemClosed, assign_work_item, close_work_item, reopen_work_item, snooze_work_item
from accounts.models import User, WorkItem

Status = WorkItem.Status
_TERMS = ("title", "priority", "due_at")


def change_work_item(*, item_id: int, fields: Mapping[str, Any], actor: User | None, now: dt.datetime, version: int | None = None) -> WorkItem:
    """Changes title, priority, due time, owner and state in one transaction; what is so already is left alone.

    `status` done or dropped takes `outcome`, snoozed takes `snoozed_until` and `snooze_reason`.
    Raises StaleVersion, WorkItemClosed, ValueError for a snooze that ends in the past, and
    IntegrityError where reopening meets newer work of the same identity.
    """
    with transaction.atomic():
        item = WorkItem.objects.select_for_update(no_key=True).get(pk=item_id)
        if version is not None and item.version != version:
            raise StaleVersion
        to = fields.get("status", item.status)
        closed = item.status in {Status.DONE, Status.DROPPED}
        if to == Status.OPEN and item.status != Status.OPEN:
            item, closed = reopen_work_item(item_id=item_id, now=now, actor=actor), False
        terms = {name: fields[name] for name in _TERMS if name in fields and getattr(item, name) != fields[name]}
        owner_differs = "owner" in fields and fields["owner"] != item.owner
        if closed and (terms or owner_differs or to != item.status):
            raise WorkItemClosed
        if terms:
            for name, value in terms.items():
                setattr(item, name, value)
            item.version += 1
            item.updated_at = now
            item.save(update_fields=[*terms, "version", "updated_at"])
        if owner_differs:
            item = assign_work_item(item_id=item_id, owner=fields["owner"], now=now)
        if to == Status.SNOOZED and (item.status != to or fields.get("snoozed_until", item.snoozed_until) != item.snoozed_until):
            item = snooze_work_item(item_id=item_id, until=fields["snoozed_until"], reason=fields.get("snooze_reason", ""), now=now)
        elif to in {Status.DONE, Status.DROPPED} and item.status != to:
            item = close_work_item(item_id=item_id, actor=actor, now=now, outcome=fields.get("outcome", ""), dropped=to == Status.DROPPED)
    return item
