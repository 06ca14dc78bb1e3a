"""The queue: the tabs with their counts, and one page of tickets by their nearest promise."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.http import urlencode

from accounts.collation import search_key
from accounts.models import Account, User
from tickets.models import Ticket
from tickets.models.tickets import next_due
from tickets.queries.promises import COUNT_CAP, Row, nearest_promise
from tickets.state import OPEN_STATES

PAGE = 50
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
class Page:
    """One page of the queue."""

    rows: list[Row]
    counts: dict[str, int] = field(default_factory=dict)
    next_after: tuple[dt.datetime, int] | None = None


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
