"""Several changes of one ticket at once, and a ticket put under its external id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actions.rows import Taken
from accounts.actions.work_items import StaleVersion
from accounts.models import User
from accounts.models.events import Origin
from tickets.actions.tickets import assign, escalate, locked, mark_spam, open_ticket, save, set_category, set_contact, set_severity
from tickets.models import Ticket

# columns without a log of their own
_PLAIN = ("subject", "group", "location", "tags")


def change_ticket(*, ticket_id: int, fields: Mapping[str, Any], actor: User | None, now: dt.datetime, version: int | None = None) -> Ticket:
    """Changes what differs of subject, group, location, tags, category, severity, contact, assignee, escalated, spam.

    Raises StaleVersion, MergedAway, Ticket.DoesNotExist, ValidationError.
    """
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        differing = {name: fields[name] for name in _PLAIN if name in fields and getattr(ticket, name) != fields[name]}
        if differing:
            for name, value in differing.items():
                setattr(ticket, name, value)
            save(ticket, now=now)
        if "category" in fields:
            ticket = set_category(ticket_id=ticket_id, category=fields["category"], now=now, actor=actor)
        if "severity" in fields:
            ticket = set_severity(ticket_id=ticket_id, severity=fields["severity"], now=now, actor=actor)
        if "contact" in fields:
            ticket = set_contact(ticket_id=ticket_id, contact_id=fields["contact"].pk if fields["contact"] else None, now=now, actor=actor)
        if "assignee" in fields:
            ticket = assign(ticket_id=ticket_id, assignee=fields["assignee"], now=now, actor=actor)
        if "escalated" in fields:
            ticket = escalate(ticket_id=ticket_id, escalated=fields["escalated"], now=now, actor=actor)
        if "spam" in fields:
            ticket = mark_spam(ticket_id=ticket_id, spam=fields["spam"], now=now, actor=actor)
    return ticket


def open_with(*, fields: Mapping[str, Any], actor: User | None, now: dt.datetime, origin: str = Origin.APP) -> tuple[Ticket, bool]:
    """Opens a ticket of columns as a request brings them; one known by its external id is given back. Raises ValidationError."""
    values = {name: value for name, value in fields.items() if name not in {"account", "contact", "escalated", "spam"}}
    contact = fields.get("contact")
    with transaction.atomic():
        ticket, new = open_ticket(account_id=fields["account"].pk, contact_id=contact.pk if contact else None, actor=actor, now=now, origin=origin, **values)
        marks = {name: fields[name] for name in ("escalated", "spam") if fields.get(name)}
        if new and marks:
            ticket = change_ticket(ticket_id=ticket.pk, fields=marks, actor=actor, now=now)
    return ticket, new


def put_ticket(*, external_id: str, fields: Mapping[str, Any], actor: User, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> tuple[Ticket, bool]:
    """Opens the ticket or changes what differs; returns it and whether it is new.

    Raises Taken (also for a ticket the actor may not change, or of another account than the one named),
    StaleVersion, MergedAway, ValidationError.
    """
    with transaction.atomic():
        known = Ticket.objects.filter(external_id=external_id).first()
        if known is None:
            known, new = open_with(fields={**fields, "external_id": external_id}, actor=actor, now=now, origin=origin)
            if new:
                return known, True
        if not Ticket.objects.changeable_by(actor).filter(pk=known.pk).exists() or ("account" in fields and fields["account"].pk != known.account_id):
            raise Taken(external_id)
        if version is not None and known.version != version:
            raise StaleVersion
        return change_ticket(ticket_id=known.pk, fields=fields, actor=actor, now=now, version=version), False
