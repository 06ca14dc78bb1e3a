"""What the pages of tickets read: the queue, one ticket with its thread, the open tickets of an account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.http import urlencode

from accounts.collation import search_key
from accounts.models import Account, AccountSnapshot, User
from tickets.clock import Standing, standing
from tickets.models import Ticket, TicketChange, TicketLink, TicketMessage
from tickets.models.tickets import NO_DUE, Severity, next_due
from tickets.querysets import WORKS_TICKETS
from tickets.state import MOVES, OPEN_STATES

PAGE = 50
COUNT_CAP = 1001
THREAD = 300
VIEWS = ("mine", "unassigned", "open", "late", "all")
# accounts whose name fits the words; a search that fits more is too wide to help
ACCOUNTS = 500


@dataclass(frozen=True)
class Filters:
    """What the reader chose; the address bar says all of it."""

    view: str = "open"
    status: str = ""
    severity: int | None = None
    text: str = ""
    after: tuple[dt.datetime, int] | None = None

    def query(self, **changes: Any) -> str:
        """The query string of these filters, with changes."""
        chosen = replace(self, **changes)
        pairs: list[tuple[str, Any]] = [("view", chosen.view)] + [
            (name, value) for name, value in (("status", chosen.status), ("severity", chosen.severity), ("q", chosen.text)) if value
        ]
        if chosen.after:
            pairs.append(("after", f"{chosen.after[0].timestamp():.6f}_{chosen.after[1]}"))
        return urlencode(pairs)


def parse_after(raw: str) -> tuple[dt.datetime, int] | None:
    """The place in the list that an address names; None where it names none."""
    seconds, _sign, number = raw.partition("_")
    try:
        at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=round(float(seconds) * 1_000_000))
        return at, min(int(number), 2**62)
    except (ValueError, OverflowError):
        return None


def late(now: dt.datetime) -> Q:
    """The condition that a promise of an open ticket has passed."""
    return Q(status__in=OPEN_STATES) & (Q(first_replied_at__isnull=True, first_reply_due_at__lt=now) | Q(resolution_due_at__lt=now))


def view_of(view: str, user: User, now: dt.datetime) -> QuerySet[Ticket]:
    """The tickets of a tab that the user may see, unsorted."""
    tickets = Ticket.objects.visible_to(user).filter(deleted_at__isnull=True, merged_into__isnull=True)
    if view == "all":
        return tickets
    tickets = tickets.filter(status__in=OPEN_STATES, spam=False)
    if view == "mine":
        return tickets.filter(assignee=user)
    if view == "unassigned":
        return tickets.filter(assignee__isnull=True, assignee_email="")
    return tickets.filter(late(now)) if view == "late" else tickets


def _narrowed(tickets: QuerySet[Ticket], filters: Filters) -> QuerySet[Ticket]:
    if filters.status:
        tickets = tickets.filter(status=filters.status)
    if filters.severity:
        tickets = tickets.filter(severity=filters.severity)
    words = filters.text.strip()
    number = words.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 18:
        return tickets.filter(pk=int(number))
    if words:
        key = search_key(words)
        # the accounts first, as numbers: the two conditions then meet in their indexes
        accounts = list(Account.objects.filter(name_search__contains=key).order_by().values_list("pk", flat=True)[:ACCOUNTS])
        tickets = tickets.filter(Q(account__in=accounts) | Q(subject_search__contains=key))
    return tickets


@dataclass
class Row:
    """One ticket of a list with its nearest promise."""

    ticket: Ticket
    promise: Standing | None


@dataclass
class Page:
    """One page of the queue."""

    rows: list[Row]
    counts: dict[str, int] = field(default_factory=dict)
    next_after: tuple[dt.datetime, int] | None = None


def nearest_promise(ticket: Ticket, now: dt.datetime) -> Standing | None:
    """The promise that matters now: of an open ticket the nearer one, None where nothing was promised."""
    found = [
        held
        for held in (promise_of(ticket, "first_reply", now), promise_of(ticket, "resolution", now))
        if held is not None and held.state in {"late", "soon", "on_time", "resting"}
    ]
    return min(found, key=lambda held: held.due_at or NO_DUE) if found else None


def promise_of(ticket: Ticket, target: str, now: dt.datetime) -> Standing | None:
    """Where the promise of the first reply or the resolution stands; None where none was made."""
    if target == "first_reply":
        return standing(opened=ticket.opened_at, due_at=ticket.first_reply_due_at, kept_at=ticket.first_replied_at, over=ticket.status not in OPEN_STATES, now=now)
    return standing(
        opened=ticket.opened_at, due_at=ticket.resolution_due_at, kept_at=ticket.solved_at, left_seconds=ticket.resolution_left_seconds,
        over=ticket.status not in OPEN_STATES, now=now,
    )  # fmt: skip


def queue(*, user: User, filters: Filters, now: dt.datetime) -> Page:
    """One page of the queue and how many each tab holds (counted up to 1,001).

    Open tickets come by their nearest promise, all tickets newest first.
    """
    tickets = _narrowed(view_of(filters.view, user, now), filters).select_related("account", "account__segment", "contact", "assignee")
    if filters.view == "all":
        if filters.after:
            at, pk = filters.after
            tickets = tickets.filter(Q(opened_at__lt=at) | Q(opened_at=at, pk__lt=pk), opened_at__lte=at)
        tickets = tickets.order_by("-opened_at", "-pk")
    else:
        tickets = tickets.annotate(due=next_due())
        if filters.after:
            at, pk = filters.after
            tickets = tickets.filter(Q(due__gt=at) | Q(due=at, pk__gt=pk), due__gte=at)
        tickets = tickets.order_by("due", "pk")
    found = list(tickets[: PAGE + 1])
    more: Any = found[PAGE - 1] if len(found) > PAGE else None
    rows = [Row(ticket, nearest_promise(ticket, now)) for ticket in found[:PAGE]]
    counts = {name: view_of(name, user, now).order_by().values("pk")[:COUNT_CAP].count() for name in VIEWS if name != "all"}
    place = (more.opened_at if filters.view == "all" else more.due, more.pk) if more else None
    return Page(rows, counts, place)


@dataclass
class Entry:
    """One entry of a thread: a message, or a change of the ticket."""

    at: dt.datetime
    message: TicketMessage | None = None
    change: TicketChange | None = None


# what messages say already, or what the head of the page shows
_UNSAID = (TicketChange.Kind.PUBLIC_REPLY, TicketChange.Kind.INTERNAL_NOTE, TicketChange.Kind.CUSTOMER_REPLY)


def thread(ticket: Ticket) -> tuple[list[Entry], bool]:
    """Messages and changes in order, the latest 300 of each; and whether earlier ones were left out."""
    messages = list(TicketMessage.objects.filter(ticket=ticket).select_related("author", "contact").order_by("-written_at", "-id")[: THREAD + 1])
    changes = list(TicketChange.objects.filter(ticket=ticket).exclude(kind__in=_UNSAID).select_related("actor").order_by("-occurred_at", "-id")[: THREAD + 1])
    more = len(messages) > THREAD or len(changes) > THREAD
    entries = [Entry(message.written_at, message=message) for message in messages[:THREAD]]
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
    entries, earlier = thread(ticket)
    others = Ticket.objects.visible_to(user).counted().filter(account=ticket.account_id, status__in=OPEN_STATES).exclude(pk=ticket.pk)
    pairs = TicketLink.objects.filter(Q(first=ticket) | Q(second=ticket)).values_list("first_id", "second_id")[:20]
    linked = {pk for pair in pairs for pk in pair} - {ticket.pk}
    return TicketPage(
        ticket=ticket,
        entries=entries,
        earlier=earlier,
        snapshot=AccountSnapshot.objects.visible_to(user).filter(account=ticket.account_id).first(),
        first_reply=promise_of(ticket, "first_reply", now),
        resolution=promise_of(ticket, "resolution", now),
        others=[Row(other, nearest_promise(other, now)) for other in others.annotate(due=next_due()).order_by("due", "pk")[:5]],
        linked=list(Ticket.objects.visible_to(user).filter(pk__in=linked).order_by("pk")) if linked else [],
        assignees=assignable() if can_change else [],
        moves=sorted(MOVES[ticket.status], key=list(MOVES).index),
        can_change=can_change,
    )


def assignable() -> list[User]:
    """The people who work on tickets, by name (at most 500)."""
    return list(User.objects.filter(is_active=True, role__in=WORKS_TICKETS).order_by("name", "pk")[:500])


@dataclass
class AccountTickets:
    """The open tickets of an account, the nearest promise first."""

    rows: list[Row]
    count: int
    solved_lately: int


def account_tickets(*, account: Account, user: User, now: dt.datetime, limit: int = 8) -> AccountTickets:
    """What the account's page shows of its tickets; counts up to 1,001."""
    tickets = Ticket.objects.visible_to(user).counted().filter(account=account)
    open_ones = tickets.filter(status__in=OPEN_STATES)
    rows = [Row(ticket, nearest_promise(ticket, now)) for ticket in open_ones.annotate(due=next_due()).order_by("due", "pk")[:limit]]
    count = len(rows) if len(rows) < limit else open_ones.order_by().values("pk")[:COUNT_CAP].count()
    lately = tickets.filter(solved_at__gte=now - dt.timedelta(days=30)).order_by().values("pk")[:COUNT_CAP].count()
    return AccountTickets(rows, count, lately)
