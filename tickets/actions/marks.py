"""The mark of a ticket that somebody opened to try something: no figure counts it."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from tickets.actions.tickets import locked, save
from tickets.models import Ticket


def mark_test(*, ticket_id: int, now: dt.datetime, test: bool = True, version: int | None = None) -> Ticket:
    """Takes a ticket out of every figure as a test; `test=False` takes the mark back. Raises StaleVersion, MergedAway, Ticket.DoesNotExist."""
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if ticket.test != test:
            ticket.test = test
            save(ticket, now=now)
    return ticket
