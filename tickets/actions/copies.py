"""Who else at the customer reads along on a ticket."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Contact, User
from tickets.actions.tickets import Kind, locked, log_change, save
from tickets.models import TicketCopy
from tickets.models.tickets import ActorKind

MOST = 20


def add_copy(*, ticket_id: int, contact_id: int, now: dt.datetime, actor: User | None = None, version: int | None = None) -> tuple[TicketCopy, bool]:
    """Puts a contact of the same account in copy; who is there already stays there once. Returns the row and whether it is new.

    Raises ValidationError (another account's contact, the ticket's own contact, no address, too many),
    StaleVersion, MergedAway, Ticket.DoesNotExist.
    """
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if known := TicketCopy.objects.filter(ticket=ticket, contact=contact_id).first():
            return known, False
        contact = Contact.objects.filter(pk=contact_id, account=ticket.account_id).first()
        if contact is None:
            raise ValidationError({"contact": _("This person belongs to another account.")})
        if contact.pk == ticket.contact_id:
            raise ValidationError({"contact": _("This person gets every reply already: it is their ticket.")})
        if not contact.email:
            raise ValidationError({"contact": _("This person has no e-mail address.")})
        if TicketCopy.objects.filter(ticket=ticket).count() >= MOST:
            raise ValidationError({"contact": _("A ticket has at most %(most)s people in copy.") % {"most": MOST}})
        copy = TicketCopy.objects.create(ticket=ticket, contact=contact, added_by=actor)
        log_change(ticket, Kind.COPY, at=now, actor=actor, actor_kind=ActorKind.AGENT, value=contact.email)
        # the version moves, so that nobody sends a reply to a person he did not know to read along
        save(ticket, now=now)
    return copy, True


def remove_copy(*, ticket_id: int, contact_id: int, now: dt.datetime, actor: User | None = None, version: int | None = None) -> bool:
    """Takes a contact out of the copies; False where it was not among them. Raises StaleVersion, MergedAway, Ticket.DoesNotExist."""
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        copy = TicketCopy.objects.filter(ticket=ticket, contact=contact_id).select_related("contact").first()
        if copy is None:
            return False
        log_change(ticket, Kind.COPY, at=now, actor=actor, actor_kind=ActorKind.AGENT, before=copy.contact.email)
        copy.delete()
        save(ticket, now=now)
    return True
