"""What other systems send: kept as it came before anything is made of it, each once.

The row is the acknowledgement: nobody is told "taken" before it is on disk. What it means is worked out
right after, in a transaction of its own, and by a sweep where that did not come to its end.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, QuerySet, Value
from psycopg.types.json import Jsonb

from accounts.models import InboundEvent

Status = InboundEvent.Status
# given up after so many tries; a person may order another
MOST_ATTEMPTS = 12
RETRY_AFTER = dt.timedelta(minutes=1)


class CannotWork(ValueError):
    """Nothing can be made of an event as things stand; its text is noted for a person, and the sweep tries again."""


@dataclass(frozen=True)
class Worked:
    """What came of working on an event; `later` asks for another look (its mail is being sent this moment)."""

    note: str = ""
    later: bool = False


@dataclass(frozen=True, kw_only=True)
class NewInbound:
    """An event to keep. `body` is what makes it the same event when it comes again."""

    source: str
    external_id: str
    kind: str
    body: Any
    occurred_at: dt.datetime | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    status: str = Status.NEW
    note: str = ""


@dataclass(frozen=True)
class Kept:
    """What became of one: `outcome` is new, duplicate or conflict (the same id with another body)."""

    outcome: str
    pk: int


def body_digest(body: Any) -> bytes:
    """SHA-256 of a body, JSON in one spelling."""
    return hashlib.sha256(body if isinstance(body, bytes) else json.dumps(body, sort_keys=True, separators=(",", ":"), default=str).encode("utf-8", "replace")).digest()


def storable(value: Any) -> Any:
    """A value that PostgreSQL takes as JSON: without NULs and halves of surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {storable(str(key)): storable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(entry) for entry in value]
    return value if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and value - value == 0) else str(value)


def keep_inbound(*, events: list[NewInbound], now: dt.datetime) -> list[Kept]:
    """Keeps the events, all or none; says of each whether it is new, known, or contradicts what is known.

    What contradicts is kept beside the first under an id of its own, for a person to look at.
    """
    kept: list[Kept] = []
    with transaction.atomic():
        for event in events:
            digest = body_digest(event.body)
            row = InboundEvent(
                source=event.source, external_id=storable(event.external_id)[:200], kind=event.kind[:60], occurred_at=event.occurred_at, received_at=now,
                body_sha256=digest, payload=storable(event.payload), status=event.status, note=storable(event.note)[:300],
            )  # fmt: skip
            if _inserted(row):
                kept.append(Kept("new", row.pk))
                continue
            known = InboundEvent.objects.get(source=row.source, external_id=row.external_id)
            if bytes(known.body_sha256) == digest:
                kept.append(Kept("duplicate", known.pk))
                continue
            row.external_id = f"{row.external_id[:180]} ≠{digest.hex()[:12]}"
            row.status, row.note = Status.CONFLICT, f"the same id as {known.pk}, another body"
            _inserted(row)
            kept.append(Kept("conflict", known.pk))
    return kept


_INSERT = """
INSERT INTO accounts_inboundevent (source, external_id, kind, occurred_at, received_at, body_sha256, payload, status, attempts, note)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, %s) ON CONFLICT (source, external_id) DO NOTHING RETURNING id
"""


def _inserted(row: InboundEvent) -> bool:
    """Inserts unless the (source, id) is there, and sets the row's key."""
    values: list[Any] = [row.source, row.external_id, row.kind, row.occurred_at, row.received_at, row.body_sha256, Jsonb(row.payload), str(row.status), row.note]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        made = cursor.fetchone()
    if made is None:
        return False
    row.pk = made[0]
    return True


def work_on(*, event_id: int, handle: Callable[[InboundEvent], Worked], again: bool = False) -> str:
    """Works on a kept event in one transaction and notes what became of it; returns its status.

    What `handle` wrote stands also where it asks for another look. A fault is noted and tried again by the
    sweep. What is done is done once, unless `again` is said (a replay); another worker's event is left alone ("").
    """
    try:
        with transaction.atomic():
            row = InboundEvent.objects.select_for_update(skip_locked=True).filter(pk=event_id).first()
            if row is None or (row.status not in {Status.NEW, Status.FAILED} and not again) or row.status == Status.CONFLICT:
                return ""
            came = handle(row)
            status = Status.NEW if came.later else Status.DONE
            InboundEvent.objects.filter(pk=row.pk).update(status=status, note=came.note[:300], attempts=F("attempts") + 1)
            return str(status)
    except (DatabaseError, ValueError, TypeError, LookupError) as fault:
        note = str(fault) if isinstance(fault, CannotWork) else type(fault).__name__
        InboundEvent.objects.filter(pk=event_id).update(status=Status.FAILED, note=storable(note)[:300], attempts=F("attempts") + 1)
        return str(Status.FAILED)


def waiting(*, source_prefix: str, now: dt.datetime, limit: int = 500) -> list[int]:
    """Events of a kind of source that still wait, the oldest first: each try a minute later than the one before."""
    rows = InboundEvent.objects.filter(source__startswith=source_prefix, status__in=[Status.NEW, Status.FAILED], attempts__lt=MOST_ATTEMPTS)
    # in the database, so that many that rest do not stand before those that are due
    rests = ExpressionWrapper(F("attempts") * Value(RETRY_AFTER), output_field=DurationField())
    due = rows.filter(received_at__lte=ExpressionWrapper(Value(now) - rests, output_field=DateTimeField()))
    return list(due.order_by("received_at", "pk").values_list("pk", flat=True)[:limit])


def order_replay(*, rows: QuerySet[InboundEvent]) -> int:
    """Gives events to the sweep once more, as if they had just come; returns how many.

    What contradicts another event is left, as is what a person had forgotten. Handlers change nothing
    where all is as the event says.
    """
    return rows.exclude(status=Status.CONFLICT).exclude(payload__has_key="erased").update(status=Status.NEW, attempts=0, note="")
