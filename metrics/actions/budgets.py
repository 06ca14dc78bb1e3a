"""Writing budget lines, and which part the costs of a category are spent from; each change is told in the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.db import transaction

from accounts.models import User
from metrics.actions.initiatives import StaleRow, note_change, save_changes
from metrics.models import BudgetCategory, BudgetLine

FIELDS = ("year", "quarter", "part", "segment", "amount", "currency", "note")


def create_line(*, values: dict[str, Any], actor: User, now: dt.datetime) -> BudgetLine:
    """A new line."""
    with transaction.atomic():
        row = BudgetLine.objects.create(**values)
        note_change(actor=actor, row=row, flag=ADDITION, changes={}, now=now)
    return row


def change_line(*, line_id: int, values: dict[str, Any], version: int, actor: User, now: dt.datetime) -> list[str]:
    """Saves a line and returns the names of what changed. Raises DoesNotExist, StaleRow."""
    with transaction.atomic():
        row = BudgetLine.objects.select_for_update(no_key=True).get(pk=line_id)
        if row.version != version:
            raise StaleRow(row)
        return save_changes(row, values, actor=actor, now=now)


def delete_line(*, line_id: int, version: int, actor: User, now: dt.datetime) -> None:
    """Takes a line away. Raises DoesNotExist, StaleRow."""
    with transaction.atomic():
        row = BudgetLine.objects.select_for_update().get(pk=line_id)
        if row.version != version:
            raise StaleRow(row)
        note_change(actor=actor, row=row, flag=DELETION, changes={name: [str(getattr(row, name)), ""] for name in FIELDS}, now=now)
        row.delete()


def set_parts(*, parts: Mapping[str, str], actor: User, now: dt.datetime) -> list[str]:
    """Sets the part of each category named and returns the categories that changed."""
    changed = []
    with transaction.atomic():
        for category, part in sorted(parts.items()):
            row, made = BudgetCategory.objects.select_for_update(no_key=True).get_or_create(category=category, defaults={"part": BudgetCategory.DEFAULTS[category]})
            if row.part != part:
                was, row.part = row.part, part
                row.save(update_fields=["part"])
                note_change(actor=actor, row=row, flag=CHANGE, changes={"part": [was, part]}, now=now)
                changed.append(category)
            elif made and part == BudgetCategory.DEFAULTS[category]:
                # the default needs no row
                row.delete()
    return changed
