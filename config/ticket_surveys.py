"""Surveys about tickets that were merged away, deleted or marked as spam after they were solved: nobody is asked about them."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from surveys.actions.withdrawing import waiting_about_tickets, withdraw
from tickets.models import Ticket

REASON = "ticket_gone"


def withdraw_gone(*, now: dt.datetime) -> int:
    """Takes back surveys that have not left and whose ticket counts no more; returns how many."""
    waiting = waiting_about_tickets()
    if not waiting:
        return 0
    gone = Ticket.objects.filter(pk__in={row.ticket_id for row in waiting}).filter(
        Q(spam=True) | Q(test=True) | Q(deleted_at__isnull=False) | Q(merged_into__isnull=False)
    )  # fmt: skip
    taken = set(gone.values_list("pk", "account_id"))
    ids = [row.invitation_id for row in waiting if (row.ticket_id, row.account_id) in taken]
    return withdraw(invitation_ids=ids, reason=REASON, now=now) if ids else 0
