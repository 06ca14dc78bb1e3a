"""Tickets that belong together: merging two into one, and linking without merging."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Contact, User
from accounts.models.events import Origin
from tickets.actions.clocks import set_clocks
from tickets.actions.tickets import Kind, locked, log_change, move_locked, save
from tickets.models import Interaction, Ticket, TicketChange, TicketCopy, TicketLink, TicketMessage, TicketWork
from tickets.models.tickets import ActorKind
from tickets.state import OPEN_STATES, State


def merge(*, ticket_id: int, into_id: int, now: dt.datetime, actor: User | None = None, version: int | None = None) -> Ticket:
    """Merges a ticket into another of the same account, which keeps the earliest creation and all that happened.

    The merged one stays as an alias: its address and its external id lead to the survivor, and no
    figure counts it. Doing it twice is doing it once. Returns the survivor. Raises ValidationError
    (itself, another account), StaleVersion, MergedAway (the survivor was merged away), Ticket.DoesNotExist.
    """
    if ticket_id == into_id:
        raise ValidationError({"into": _("A ticket cannot be merged into itself.")})
    with transaction.atomic():
        # locks in the order of ids, so that two opposite merges cannot wait for each other
        list(Ticket.objects.select_for_update(no_key=True).filter(pk__in=[ticket_id, into_id]).order_by("pk"))
        survivor = locked(into_id, None)
        if Ticket.objects.filter(pk=ticket_id, merged_into=into_id).exists():
            return survivor
        merged = locked(ticket_id, version)
        if merged.account_id != survivor.account_id:
            raise ValidationError({"into": _("Only tickets of the same account can be merged.")})
        TicketMessage.objects.filter(ticket=merged).update(ticket=survivor)
        Interaction.objects.filter(ticket=merged).update(ticket=survivor)
        _bring_along(merged, survivor, now=now, actor=actor)
        # what was said and decided counts for the survivor; the states of the merged one stay its own
        TicketChange.objects.filter(ticket=merged).exclude(kind=Kind.STATUS).update(ticket=survivor)
        survivor.opened_at = min(survivor.opened_at, merged.opened_at)
        replies = [at for at in (survivor.first_replied_at, merged.first_replied_at) if at]
        survivor.first_replied_at = min(replies) if replies else None
        survivor.replies += merged.replies
        survivor.escalated = survivor.escalated or merged.escalated
        survivor.severity = max(filter(None, (survivor.severity, merged.severity)), default=None)
        log_change(survivor, Kind.MERGED, at=now, actor=actor, actor_kind=ActorKind.AGENT, value=merged.pk)
        set_clocks(survivor, now=now)
        save(survivor, now=now)
        if merged.status in OPEN_STATES:
            move_locked(merged, to=State.CANCELLED, at=now, now=now, actor=actor, actor_kind=ActorKind.AGENT, origin=Origin.APP)
        merged.merged_into = survivor
        save(merged, now=now)
        Ticket.objects.filter(merged_into=merged).update(merged_into=survivor)
    return survivor


def _bring_along(merged: Ticket, survivor: Ticket, *, now: dt.datetime, actor: User | None) -> None:
    """Who read along or asked on the merged ticket reads along on the survivor; its work is the survivor's too."""
    asked = {pk for pk in (merged.contact_id,) if pk}
    readers = set(TicketCopy.objects.filter(ticket=merged).values_list("contact_id", flat=True)) | asked
    there = set(TicketCopy.objects.filter(ticket=survivor).values_list("contact_id", flat=True)) | {survivor.contact_id}
    for contact in Contact.objects.filter(pk__in=readers - there).order_by("pk"):
        TicketCopy.objects.create(ticket=survivor, contact=contact, added_by=actor)
        log_change(survivor, Kind.COPY, at=now, actor=actor, actor_kind=ActorKind.AGENT, value=contact.email)
    known = TicketWork.objects.filter(ticket=survivor).values("work_item")
    TicketWork.objects.filter(ticket=merged).exclude(work_item__in=known).update(ticket=survivor)


def survivor_of(ticket: Ticket) -> Ticket:
    """The ticket that stands for this one: itself, or what it was merged into (never more than one step)."""
    return ticket.merged_into if ticket.merged_into_id and ticket.merged_into else ticket


def link(*, ticket_id: int, other_id: int, actor: User | None = None) -> TicketLink:
    """Says that two tickets have to do with each other; twice is once. Raises ValidationError for a ticket with itself."""
    if ticket_id == other_id:
        raise ValidationError({"other": _("A ticket cannot be linked with itself.")})
    first, second = sorted((ticket_id, other_id))
    return TicketLink.objects.get_or_create(first_id=first, second_id=second, defaults={"created_by": actor})[0]


def unlink(*, ticket_id: int, other_id: int) -> bool:
    """Takes a link back; False where there was none."""
    first, second = sorted((ticket_id, other_id))
    return bool(TicketLink.objects.filter(first_id=first, second_id=second).delete()[0])
