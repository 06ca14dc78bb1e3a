"""Logging that somebody spoke or wrote with a customer."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.actions.event_log import record_event
from accounts.actions.notes import add_note
from accounts.models import AccountEvent, User
from accounts.models.events import Origin


class Channel(TextChoices):
    """How people met."""

    CALL = "call", _("Call")
    MEETING = "meeting", _("Meeting")
    MAIL = "mail", _("E-mail")
    CHAT = "chat", _("Chat")
    TRAINING = "training", _("Training")
    REVIEW = "review", _("Review")


# a working day; more is a slip of the finger
MOST_MINUTES = 600


def log_touch(
    *,
    account_id: int,
    actor: User | None,
    channel: str,
    minutes: int,
    occurred_at: dt.datetime,
    now: dt.datetime,
    note: str = "",
    work_item_id: int | None = None,
    contact_id: int | None = None,
    origin: str = Origin.APP,
) -> AccountEvent:
    """Records a touch with its minutes; a note becomes a note of the account.

    Raises ValueError for an unknown channel, minutes outside 0 to 600, or a touch in the future.
    """
    if channel not in Channel.values:
        raise ValueError(f"“{channel}” is no channel; allowed: {', '.join(Channel.values)}")
    if not 0 <= minutes <= MOST_MINUTES:
        raise ValueError(f"Minutes lie between 0 and {MOST_MINUTES}.")
    if occurred_at > now:
        raise ValueError("A touch lies in the past.")
    payload: dict[str, object] = {"channel": str(channel), "minutes": minutes}
    if work_item_id is not None:
        payload["work_item"] = work_item_id
    with transaction.atomic():
        event = record_event(
            account_id=account_id, kind="touch.logged", occurred_at=occurred_at, origin=origin, actor_id=actor.pk if actor else None,
            contact_id=contact_id, subject_type="work_item" if work_item_id is not None else "", subject_id=str(work_item_id or ""), payload=payload,
        )  # fmt: skip
        if note.strip():
            add_note(account_id=account_id, author=actor, body=note, now=now, origin=origin)
    assert event is not None
    return event
