"""Writing down what people should know about an account."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.actions.event_log import record_event
from accounts.actions.work_items import StaleVersion
from accounts.models import Note, User
from accounts.models.events import Origin


def add_note(*, account_id: int, author: User | None, body: str, now: dt.datetime, pinned: bool = False, origin: str = Origin.APP) -> Note:
    """Writes a note (plain text, at most 10,000 signs) and its event. Raises ValueError for an empty one."""
    body = body.strip()[:10_000]
    if not body:
        raise ValueError("A note needs a text.")
    with transaction.atomic():
        note = Note.objects.create(account_id=account_id, author=author, body=body, pinned=pinned)
        record_event(
            account_id=account_id, kind="note.added", occurred_at=now, origin=origin, actor_id=author.pk if author else None,
            subject_type="note", subject_id=str(note.pk), payload={"note": note.pk},
        )  # fmt: skip
    return note


def change_note(*, note_id: int, body: str, pinned: bool, version: int) -> Note:
    """Rewrites a note. Raises StaleVersion, ValueError for an empty text."""
    body = body.strip()[:10_000]
    if not body:
        raise ValueError("A note needs a text.")
    with transaction.atomic():
        note = Note.objects.select_for_update(no_key=True).get(pk=note_id)
        if note.version != version:
            raise StaleVersion
        note.body, note.pinned, note.version = body, pinned, note.version + 1
        note.save(update_fields=["body", "pinned", "version", "updated_at"])
    return note


def remove_note(*, note_id: int, version: int) -> None:
    """Takes a note away; its event stays. Raises StaleVersion."""
    with transaction.atomic():
        note = Note.objects.select_for_update(no_key=True).get(pk=note_id)
        if note.version != version:
            raise StaleVersion
        note.delete()
