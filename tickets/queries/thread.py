"""The page of one ticket: its thread and what stands beside it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from accounts.models import AccountSnapshot, Contact, User, WorkItem
from tickets.actions.clocks import Promises
from tickets.clock import Standing
from tickets.models import Ticket, TicketChange, TicketCopy, TicketLink, TicketMessage, TicketWork
from tickets.models.tickets import ActorKind, Severity, next_due
from tickets.queries.beside import Answer, copies_of, last_answers, open_work, people_of, work_of
from tickets.queries.canned import Choice, canned_choices
from tickets.queries.deliveries import Delivery, deliveries_of
from tickets.queries.handling import Handling, handling_of
from tickets.queries.promises import Row, nearest_promise, promise_of
from tickets.queries.times import ticket_times
from tickets.querysets import WORKS_TICKETS
from tickets.state import MOVES, OPEN_STATES
from tickets.times import Times

THREAD = 300


@dataclass
class Entry:
    """One entry of a thread: a message, or a change of the ticket."""

    at: dt.datetime
    message: TicketMessage | None = None
    change: TicketChange | None = None
    # mails of the message that did not reach their readers
    undelivered: list[Delivery] = field(default_factory=list)


# what messages say already, or what the head of the page shows
_UNSAID = (TicketChange.Kind.PUBLIC_REPLY, TicketChange.Kind.INTERNAL_NOTE, TicketChange.Kind.CUSTOMER_REPLY)


def thread(ticket: Ticket) -> tuple[list[Entry], bool]:
    """Messages and changes in order, the latest 300 of each; and whether earlier ones were left out."""
    messages = list(TicketMessage.objects.filter(ticket=ticket).select_related("author", "contact").prefetch_related("attachments").order_by("-written_at", "-id")[: THREAD + 1])
    changes = list(TicketChange.objects.filter(ticket=ticket).exclude(kind__in=_UNSAID).select_related("actor").order_by("-occurred_at", "-id")[: THREAD + 1])
    more = len(messages) > THREAD or len(changes) > THREAD
    mails = deliveries_of([message.pk for message in messages[:THREAD] if message.public and message.author_kind == ActorKind.AGENT])
    entries = [Entry(message.written_at, message=message, undelivered=[mail for mail in mails.get(message.pk, ()) if mail.failed]) for message in messages[:THREAD]]
    entries += [Entry(change.occurred_at, change=change) for change in changes[:THREAD]]
    return sorted(entries, key=_place), more


def _place(entry: Entry) -> tuple[dt.datetime, int, int]:
    """Of what happened in one instant the creation stands first, then what was said, then what followed from it."""
    if entry.message is not None:
        return entry.at, 1, entry.message.pk
    if entry.change is not None and entry.change.kind != TicketChange.Kind.CREATED:
        return entry.at, 2, entry.change.pk
    return entry.at, 0, 0


@dataclass
class TicketPage:
    """Everything the page of one ticket shows."""

    ticket: Ticket
    entries: list[Entry]
    earlier: bool
    snapshot: AccountSnapshot | None
    first_reply: Standing | None
    resolution: Standing | None
    others: list[Row]
    linked: list[Ticket]
    assignees: list[User]
    moves: list[str]
    can_change: bool
    # who reads along, and everybody else at the customer
    copies: list[TicketCopy]
    people: list[Contact]
    answers: list[Answer]
    rating: Answer | None
    # work of the account, and work that is linked with this ticket
    account_work: list[WorkItem]
    work: list[TicketWork]
    canned: list[Choice]
    handling: Handling
    times: Times

    @property
    def copyable(self) -> list[Contact]:
        """The people who may be put in copy."""
        there = {copy.contact_id for copy in self.copies} | {self.ticket.contact_id}
        return [person for person in self.people if person.pk not in there and person.email]

    @property
    def colleagues(self) -> list[Contact]:
        """A few other people of the customer, for the card of the contact."""
        return [person for person in self.people if person.pk != self.ticket.contact_id][:4]

    @property
    def move_choices(self) -> list[tuple[str, Any]]:
        """The states it may move to, with their words."""
        words = dict(Ticket.Status.choices)
        return [(state, words[state]) for state in self.moves]

    @property
    def severities(self) -> list[tuple[int, Any]]:
        """The severities with their words."""
        return list(Severity.choices)


def ticket_page(*, ticket: Ticket, user: User, now: dt.datetime) -> TicketPage:
    """The page of a ticket that the user may see (give it with its account, segment, contact and assignee)."""
    can_change = user.role in WORKS_TICKETS
    promises = Promises()
    entries, earlier = thread(ticket)
    others = Ticket.objects.visible_to(user).counted().filter(account=ticket.account_id, status__in=OPEN_STATES).exclude(pk=ticket.pk)
    pairs = TicketLink.objects.filter(Q(first=ticket) | Q(second=ticket)).values_list("first_id", "second_id")[:20]
    linked = {pk for pair in pairs for pk in pair} - {ticket.pk}
    work = work_of(ticket)
    answers, rating = last_answers(ticket, user)
    return TicketPage(
        ticket=ticket,
        entries=entries,
        earlier=earlier,
        snapshot=AccountSnapshot.objects.visible_to(user).filter(account=ticket.account_id).first(),
        first_reply=promise_of(ticket, "first_reply", now, promises),
        resolution=promise_of(ticket, "resolution", now, promises),
        others=[Row(other, nearest_promise(other, now, promises)) for other in others.select_related("account").annotate(due=next_due()).order_by("due", "pk")[:5]],
        linked=list(Ticket.objects.visible_to(user).filter(pk__in=linked).order_by("pk")) if linked else [],
        assignees=assignable() if can_change else [],
        moves=sorted(MOVES[ticket.status], key=list(MOVES).index),
        can_change=can_change,
        copies=copies_of(ticket),
        people=people_of(ticket, user),
        answers=answers,
        rating=rating,
        account_work=[item for item in open_work(ticket, user) if item.pk not in {row.work_item_id for row in work}],
        work=work,
        canned=canned_choices(ticket) if can_change else [],
        handling=handling_of(ticket),
        times=ticket_times(ticket, promises),
    )


def assignable() -> list[User]:
    """The people who work on tickets, by name (at most 500)."""
    return list(User.objects.filter(is_active=True, role__in=WORKS_TICKETS).order_by("name", "pk")[:500])
