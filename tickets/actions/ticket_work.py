"""Tickets and customer success work that came of each other. The two are linked; what happens to one never happens to the other by itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import sentences
from accounts.actions.work_items import open_work_item
from accounts.models import User, WorkItem
from accounts.models.events import Origin
from tickets.actions.tickets import locked, open_ticket
from tickets.models import Ticket, TicketWork


def make_work(
    *,
    ticket_id: int,
    type: str,
    title: str,
    due_at: dt.datetime,
    now: dt.datetime,
    actor: User,
    owner_id: int | None = None,
    priority: int = WorkItem.Priority.NORMAL,
    version: int | None = None,
) -> tuple[WorkItem, bool]:
    """Opens work for the ticket's account (its owner's, or `owner_id`'s) and links the two.

    A ticket has one open work item a type: asked again, that one is renewed. Returns the item and
    whether it is new. Raises StaleVersion, MergedAway, Ticket.DoesNotExist.
    """
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        # nobody owns the account: whoever makes the work has it, if that is somebody who works on accounts
        fallback = None if ticket.account.owner_id else actor.pk
        item, new = open_work_item(
            account_id=ticket.account_id, type=type, reason=f"ticket:{ticket.pk}", title=title, why=sentences.why("from_ticket", ticket=ticket.pk), now=now, due_at=due_at,
            priority=priority, owner_id=owner_id or fallback, contact_id=ticket.contact_id, source=WorkItem.Source.MANUAL, subject_type="ticket",
            subject_id=str(ticket.pk), actor_id=actor.pk,
        )  # fmt: skip
        TicketWork.objects.get_or_create(ticket=ticket, work_item=item, defaults={"created_by": actor, "ticket_first": True})
    return item, new


def open_from_work(*, item: WorkItem, actor: User, now: dt.datetime, **fields: Any) -> Ticket:
    """Opens a ticket that came of work, linked to it; `fields` as in `open_ticket`. Raises ValidationError (and for closed work)."""
    if item.status in {WorkItem.Status.DONE, WorkItem.Status.DROPPED}:
        raise ValidationError(_("This work is closed already."))
    with transaction.atomic():
        ticket, _new = open_ticket(account_id=item.account_id, actor=actor, origin=Origin.APP, now=now, **fields)
        TicketWork.objects.get_or_create(ticket=ticket, work_item=item, defaults={"created_by": actor, "ticket_first": False})
    return ticket
