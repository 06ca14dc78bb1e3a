"""Customers who ask by a survey that a ticket be opened again: read from their events, done exactly once.

What the customer wrote with the answer becomes a message of the customer, which opens a solved or
closed ticket (or wakes one that waited for the customer); whoever has the ticket gets work. A ticket
that was merged away stands for the one it became. What nobody can open (cancelled, deleted, spam, or
a ticket of another system) is never lost: the account's owner gets the work of deciding.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.actions.work_items import open_work_item
from accounts.models import AccountEvent, Verbatim, WorkItem
from accounts.sentences import why
from tickets.actions.clocks import Promises
from tickets.actions.merging import survivor_of
from tickets.actions.messages import customer_reply
from tickets.clock import NeverOpen, promise
from tickets.models import Ticket, TicketMessage, TicketWork
from tickets.querysets import WORKS_TICKETS
from tickets.state import State

KIND = "ticket.reopen_wanted"
# what is written because of an answer carries its name, so that it is written once
NAME = "survey-answer:"
BATCH = 200
# within what somebody looks at it, in the hours of the ticket's service level
LOOK_SECONDS = 4 * 3600

_OPEN = """
SELECT e.id FROM accounts_accountevent e
WHERE e.kind = 'ticket.reopen_wanted' AND {window} AND e.recorded_at <= %(now)s
  AND NOT EXISTS (SELECT FROM tickets_ticketmessage m WHERE m.external_id = 'survey-answer:' || (e.payload->>'response'))
  AND NOT EXISTS (SELECT FROM accounts_workitem w WHERE w.account_id = e.account_id AND w.reason = 'reopen:' || (e.payload->>'response'))
ORDER BY e.occurred_at, e.id LIMIT %(limit)s
"""
_RECENT = "e.recorded_at > %(since)s"
_WIDE = "e.occurred_at > %(since)s"


def reopen_wanted(*, since: dt.datetime, now: dt.datetime, wide: bool = False) -> int:
    """Does what customers asked for since (recorded, or with `wide` happened); returns how many were dealt with. Safe to run twice and at once."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN.format(window=_WIDE if wide else _RECENT), {"since": since, "now": now, "limit": BATCH})
        ids = [row[0] for row in cursor.fetchall()]
    return sum(_do(pk, now) for pk in ids)


def _do(event_id: int, now: dt.datetime) -> bool:
    """One wish, in a transaction of its own; False where another worker has it, or it was done meanwhile."""
    with transaction.atomic():
        event = AccountEvent.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related("account", "contact").filter(pk=event_id).first()
        if event is None or _is_done(event):
            return False
        ticket = _ticket_of(event)
        if ticket is None or ticket.spam or ticket.deleted_at is not None:
            _ask_owner(event, ticket, now)
            return True
        # the log stays in order, whatever happened between the press and now
        latest = ticket.changes.aggregate(at=Max("occurred_at"))["at"]
        at = max(filter(None, (event.occurred_at, latest, ticket.opened_at)))
        customer_reply(ticket_id=ticket.pk, body=_words(event), contact_id=event.contact_id, occurred_at=at, external_id=NAME + event.payload["response"], now=now)
        if ticket.status == State.CANCELLED:
            _ask_owner(event, ticket, now)
        else:
            _tell_assignee(event, ticket, now)
    return True


def _is_done(event: AccountEvent) -> bool:
    response = event.payload["response"]
    return (
        TicketMessage.objects.filter(external_id=NAME + response).exists() or WorkItem.objects.filter(account_id=event.account_id, reason=f"reopen:{response}").exists()
    )  # fmt: skip


def _ticket_of(event: AccountEvent) -> Ticket | None:
    """The ticket meant, or the one it became: by its number here, or by the name another system gave it."""
    named = event.payload["ticket"]
    rows = Ticket.objects.filter(account_id=event.account_id).select_related("merged_into", "merged_into__assignee", "assignee")
    found = rows.filter(pk=int(named)).first() if str(named).isdecimal() and len(str(named)) < 19 else None
    found = found or rows.filter(external_id=str(named)).first()
    return survivor_of(found) if found is not None else None


def _words(event: AccountEvent) -> str:
    """What the customer wrote with the answer; without a word, what the button said."""
    said = Verbatim.objects.filter(source=Verbatim.Source.ANSWER, subject_id=event.payload["response"]).values_list("text", flat=True).first()
    if said and said.strip():
        return said
    with override(_language(event)):
        return _("Please open this request again.")


def _language(event: AccountEvent) -> str:
    wanted = (event.contact.language if event.contact else "") or event.account.language or settings.LANGUAGE_CODE
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _tell_assignee(event: AccountEvent, ticket: Ticket, now: dt.datetime) -> None:
    """Work for whoever has the ticket; for the account's owner where nobody has it who still works here."""
    mine = ticket.assignee if ticket.assignee and ticket.assignee.is_active and ticket.assignee.role in WORKS_TICKETS else None
    item = _open_work(event, ticket, "reopen_wanted", now, owner_id=mine.pk if mine else None)
    TicketWork.objects.get_or_create(ticket=ticket, work_item=item)


def _ask_owner(event: AccountEvent, ticket: Ticket | None, now: dt.datetime) -> None:
    """Work for the account's owner: the ticket cannot be opened again, and somebody has to tell the customer."""
    item = _open_work(event, ticket, "reopen_refused", now)
    if ticket is not None and ticket.deleted_at is None:
        TicketWork.objects.get_or_create(ticket=ticket, work_item=item)


def _open_work(event: AccountEvent, ticket: Ticket | None, sentence: str, now: dt.datetime, owner_id: int | None = None) -> WorkItem:
    item, _new = open_work_item(
        account_id=event.account_id, type=WorkItem.Type.CLOSE_LOOP, reason=f"reopen:{event.payload['response']}",
        why=why(sentence, ticket=ticket.pk if ticket else event.payload["ticket"]), now=now, due_at=_due(ticket, now), owner_id=owner_id, priority=WorkItem.Priority.HIGH,
        contact_id=event.contact_id, source=WorkItem.Source.SURVEY, event_id=event.pk, subject_type="ticket" if ticket else "", subject_id=str(ticket.pk) if ticket else "",
    )  # fmt: skip
    return item


def _due(ticket: Ticket | None, now: dt.datetime) -> dt.datetime:
    """Four hours of those that the ticket's service level counts; by the calendar where there is none."""
    promises = Promises()
    level = promises.level(ticket.severity, ticket.account.segment_id) if ticket else None
    try:
        found = promise(now, LOOK_SECONDS, (), hours=promises.hours_of(level, now) if level else None).due_at
    except NeverOpen:
        found = None
    return found or now + dt.timedelta(seconds=LOOK_SECONDS)
