"""What is said on a ticket: our replies and notes, the customer's replies. Messages are written once and stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.models.events import Origin
from tickets.actions.attachments import keep_files
from tickets.actions.reply_mails import planned_mails, queue, thread_id
from tickets.actions.tickets import Kind, locked, log_change, move_locked, not_before_opening, note_first_reply, save
from tickets.models import Ticket, TicketMessage
from tickets.models.tickets import ActorKind
from tickets.state import RESOLVED_STATES, State


class ClosedTicket(ValueError):
    """A closed or cancelled ticket takes no reply to the customer; reopen it, or write a note."""


def reply(
    *,
    ticket_id: int,
    body: str,
    now: dt.datetime,
    author: User | None = None,
    author_kind: str = ActorKind.AGENT,
    public: bool = True,
    solve: bool = False,
    origin: str = Origin.APP,
    occurred_at: dt.datetime | None = None,
    version: int | None = None,
    external_id: str | None = None,
    files: Sequence[tuple[str, bytes]] = (),
) -> tuple[TicketMessage, bool]:
    """Writes a public reply or an internal note of ours, with files; with `solve` the ticket is solved with it.

    A person's public reply takes a new ticket into work, is the first reply where there was none, and
    leaves by mail, to the contact and to everybody in copy, where the ticket came by e-mail or the web. A
    bot's reply counts for nothing. A message known by its external id is given back. Returns the message and whether it is new.
    Raises ClosedTicket, ImpossibleMove, ValidationError (empty), StaleVersion, MergedAway, Ticket.DoesNotExist.
    """
    text = _said(body)
    if author_kind == ActorKind.CUSTOMER:
        raise ValidationError({"author_kind": _("Use the customer's reply for this.")})
    with transaction.atomic():
        if known := _known(external_id, ticket_id):
            return known, False
        ticket = locked(ticket_id, version)
        at = not_before_opening(ticket, occurred_at or now)
        if public and ticket.status in {State.CLOSED, State.CANCELLED}:
            raise ClosedTicket
        by_person = public and author_kind == ActorKind.AGENT
        mails = planned_mails(ticket, body=text, now=now) if by_person and origin == Origin.APP else []
        message = write_message(ticket, text=text, at=at, public=public, author_kind=author_kind, author=author, external_id=external_id, mail_id=thread_id(mails), files=files)
        log_change(ticket, Kind.PUBLIC_REPLY if public else Kind.INTERNAL_NOTE, at=at, actor=author, actor_kind=author_kind, external_id=external_id)
        if by_person:
            ticket.replies += 1
            note_first_reply(ticket, at=at, origin=origin)
            if ticket.status == State.NEW:
                move_locked(ticket, to=State.OPEN, at=at, now=now, actor=author, actor_kind=author_kind, origin=origin)
        if solve:
            move_locked(ticket, to=State.SOLVED, at=at, now=now, actor=author, actor_kind=author_kind, origin=origin)
        save(ticket, now=now)
        queue(mails, message=message)
    return message, True


def customer_reply(
    *,
    ticket_id: int,
    body: str,
    now: dt.datetime,
    contact_id: int | None = None,
    origin: str = Origin.APP,
    occurred_at: dt.datetime | None = None,
    version: int | None = None,
    external_id: str | None = None,
    quoted: str = "",
    mail_id: str = "",
    files: Sequence[tuple[str, bytes]] = (),
) -> tuple[TicketMessage, bool]:
    """Writes what the customer answered. It reopens a resolved ticket and wakes one that waited for it.

    Of a mail: `quoted` is what it repeats of earlier ones, `mail_id` its Message-ID without brackets. On a
    cancelled ticket it is kept without moving it. Returns the message and whether it is new.
    Raises ValidationError (empty), StaleVersion, MergedAway, Ticket.DoesNotExist.
    """
    text = _said(body)
    with transaction.atomic():
        if known := _known(external_id, ticket_id):
            return known, False
        ticket = locked(ticket_id, version)
        at = not_before_opening(ticket, occurred_at or now)
        who = contact_id or ticket.contact_id
        message = write_message(
            ticket, text=text, at=at, public=True, author_kind=ActorKind.CUSTOMER, contact_id=who, external_id=external_id, quoted=quoted, mail_id=mail_id, files=files
        )
        log_change(ticket, Kind.CUSTOMER_REPLY, at=at, actor=None, actor_kind=ActorKind.CUSTOMER, external_id=external_id)
        if ticket.status in RESOLVED_STATES | {State.PENDING}:
            move_locked(ticket, to=State.OPEN, at=at, now=now, actor=None, actor_kind=ActorKind.CUSTOMER, origin=origin)
        save(ticket, now=now)
    return message, True


def _said(body: str) -> str:
    text = body.replace("\r\n", "\n").strip()
    if not text:
        raise ValidationError({"body": _("Write something first.")})
    return text


def _known(external_id: str | None, ticket_id: int) -> TicketMessage | None:
    """The message of an external id; the same id on another ticket is a fault, not a repetition."""
    if not external_id:
        return None
    found = TicketMessage.objects.filter(external_id=external_id).first()
    if found and found.ticket_id != ticket_id:
        raise ValidationError({"external_id": _("Another ticket has a message of this id.")})
    return found


def write_message(
    ticket: Ticket,
    *,
    text: str,
    at: dt.datetime,
    public: bool,
    author_kind: str,
    author: User | None = None,
    contact_id: int | None = None,
    external_id: str | None = None,
    quoted: str = "",
    mail_id: str = "",
    files: Sequence[tuple[str, bytes]] = (),
) -> TicketMessage:
    """Writes a message with its files and nothing else, within the caller's transaction. Raises ValidationError."""
    message = TicketMessage(
        ticket=ticket, body=text, written_at=at, public=public, author_kind=author_kind, author=author, contact_id=contact_id, quoted=quoted, mail_id=mail_id,
        **({"external_id": external_id} if external_id else {}),
    )  # fmt: skip
    message.full_clean(exclude=["ticket"])
    message.save()
    keep_files(message=message, files=files)
    return message
