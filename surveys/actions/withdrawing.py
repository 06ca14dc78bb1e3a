"""Taking back surveys about tickets that nobody should be asked about any more, before they leave."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection, transaction

from accounts.models import OutgoingMail
from surveys.models import Invitation

Mail, Status = OutgoingMail.Status, Invitation.Status
WAITING = (Status.PLANNED, Status.QUEUED)

_REOPENED = """
UPDATE surveys_invitation i SET status = 'skipped', skip_reason = 'reopened',
    decision = jsonb_build_object('rule', 'reopened', 'value', again.occurred_at, 'limit', e.occurred_at, 'as_of', %(as_of)s::timestamptz)
FROM accounts_accountevent e CROSS JOIN LATERAL (
    SELECT r.occurred_at FROM accounts_accountevent r
    WHERE r.account_id = e.account_id AND r.kind = 'ticket.reopened' AND r.occurred_at >= e.occurred_at AND r.payload->>'ticket' = e.payload->>'ticket'
    ORDER BY r.occurred_at LIMIT 1) again
WHERE i.status = 'planned' AND e.id = i.event_id AND e.kind = 'ticket.solved'
"""


@dataclass(frozen=True)
class AboutTicket:
    """A survey about a ticket of this installation that has not left yet."""

    invitation_id: uuid.UUID
    account_id: int
    ticket_id: int


def withdraw_reopened(*, as_of: dt.datetime) -> int:
    """Skips what is planned about tickets that were opened again since they were solved; returns how many.

    Call it in the planner's transaction, under its lock: what is withdrawn tires nobody, so that the
    next resolution is asked about.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REOPENED, {"as_of": as_of})
        return cursor.rowcount


def waiting_about_tickets() -> list[AboutTicket]:
    """Surveys about tickets solved here that are planned or wait in the outbox."""
    rows = Invitation.objects.filter(status__in=WAITING, event__kind="ticket.solved", event__subject_type="ticket", ticket_id__isnull=False)
    return [AboutTicket(pk, account, ticket) for pk, account, ticket in rows.values_list("pk", "account_id", "ticket_id") if ticket is not None]


def withdraw(*, invitation_ids: Collection[uuid.UUID], reason: str, now: dt.datetime) -> int:
    """Skips surveys that have not left, with the rule's name; returns how many. A mail that is being sent this moment is not touched."""
    with transaction.atomic():
        rows = Invitation.objects.select_for_update(no_key=True).filter(pk__in=list(invitation_ids), status__in=WAITING).order_by("pk")
        found = [str(pk) for pk in rows.values_list("pk", flat=True)]
        mails = OutgoingMail.objects.filter(kind=OutgoingMail.Kind.SURVEY, subject_type="invitation", subject_id__in=found)
        mails.filter(status__in=[Mail.QUEUED, Mail.RETRY]).update(status=Mail.ABORTED, reason=reason)
        leaving = set(mails.filter(status=Mail.SENDING).values_list("subject_id", flat=True))
        decision = {"rule": reason, "value": None, "limit": None, "as_of": now.isoformat()}
        return Invitation.objects.filter(pk__in=[pk for pk in found if pk not in leaving]).update(status=Status.SKIPPED, skip_reason=reason, decision=decision)
