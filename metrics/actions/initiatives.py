"""Writing initiatives: made, changed, taken away; who did it stands in the log. The nightly measure keeps what lists show."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.utils.text import slugify

from accounts.collation import search_key
from accounts.models import User
from metrics.decisions.measuring import measure, stored
from metrics.decisions.reader import Reader
from metrics.kpis.engine import WrongQuestion
from metrics.models import Initiative

FIELDS = (
    "name", "goal", "kpi", "variant", "direction", "target", "owner", "status", "starts_on", "ends_on", "plan_technology", "plan_people", "plan_tools", "currency",
    "segment", "plan", "country", "tag", "learned",
)  # fmt: skip


class StaleRow(ValueError):
    """Somebody else saved the row in the meantime; `row` is how it stands."""

    def __init__(self, row: Any):
        super().__init__("the row was changed by somebody else")
        self.row = row


def note_change(*, actor: User, row: models.Model, flag: int, changes: dict[str, Any], now: dt.datetime) -> None:
    """One entry in the log beside the row: who changed what from what to what."""
    LogEntry.objects.create(
        user=actor, content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk), object_repr=str(row)[:200], action_flag=flag,
        change_message=json.dumps(changes), action_time=now,
    )  # fmt: skip


def save_changes(row: Any, values: dict[str, Any], *, actor: User, now: dt.datetime) -> list[str]:
    """Writes what differs into a locked row of a version, with its entry in the log; the names of what changed."""
    changed = {name: [_told(getattr(row, name)), _told(value)] for name, value in values.items() if getattr(row, name) != value}
    if changed:
        for name in changed:
            setattr(row, name, values[name])
        row.version += 1
        row.save()
        note_change(actor=actor, row=row, flag=CHANGE, changes=changed, now=now)
    return list(changed)


def _told(value: Any) -> str:
    return "" if value is None else str(value)


def _free_key(name: str) -> str:
    base = slugify(search_key(name))[:50] or "initiative"
    taken = set(Initiative.objects.filter(key__startswith=base).values_list("key", flat=True))
    return base if base not in taken else next(f"{base}-{number}" for number in range(2, 100_000) if f"{base}-{number}" not in taken)


def create_initiative(*, values: dict[str, Any], actor: User, now: dt.datetime) -> Initiative:
    """A new initiative; its key is made of its name."""
    with transaction.atomic():
        row = Initiative.objects.create(key=_free_key(values["name"]), created_by=actor, **values)
        note_change(actor=actor, row=row, flag=ADDITION, changes={}, now=now)
    return row


def change_initiative(*, initiative_id: int, values: dict[str, Any], version: int, actor: User, now: dt.datetime) -> list[str]:
    """Saves an initiative and returns the names of what changed. Raises DoesNotExist, StaleRow."""
    with transaction.atomic():
        row = Initiative.objects.select_for_update(no_key=True).get(pk=initiative_id)
        if row.version != version:
            raise StaleRow(row)
        return save_changes(row, values, actor=actor, now=now)


def delete_initiative(*, initiative_id: int, version: int, actor: User, now: dt.datetime) -> None:
    """Takes an initiative away; its cost lines stay. Raises DoesNotExist, StaleRow."""
    with transaction.atomic():
        row = Initiative.objects.select_for_update().get(pk=initiative_id)
        if row.version != version:
            raise StaleRow(row)
        note_change(actor=actor, row=row, flag=DELETION, changes={name: [_told(getattr(row, name)), ""] for name in FIELDS}, now=now)
        row.delete()


def measure_initiatives(*, now: dt.datetime, every: dt.timedelta = dt.timedelta(hours=20), most: int = 50) -> int:
    """Measures over the whole base what has begun and was not measured lately, the longest ago first; how many were.

    What ended more than a year ago keeps its last measure. Run it as often as you like.
    """
    reader = Reader(User(role="admin"), now)
    due = (
        Initiative.objects.filter(starts_on__lte=reader.today)
        .exclude(status=Initiative.Status.PLANNED)
        .filter(models.Q(measured_at__isnull=True) | models.Q(measured_at__lt=now - every))
        .exclude(ends_on__lt=reader.today - dt.timedelta(days=366), measured_at__isnull=False)
        .order_by(models.F("measured_at").asc(nulls_first=True), "pk")
    )
    done = 0
    for row in due[:most]:
        try:
            found = stored(measure(row, reader, scope=None))
        except WrongQuestion as fault:
            found = {"why": "wrong", "fault": str(fault)[:200]}
        Initiative.objects.filter(pk=row.pk).update(measured=found, measured_at=now)
        done += 1
    return done
