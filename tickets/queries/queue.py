"""The queue: the tabs with their counts, one page of tickets by their nearest promise, and the accounts they are of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Min, Q, QuerySet
from django.utils.http import urlencode

from accounts.collation import search_key
from accounts.models import Account, AccountSnapshot, User
from tickets.actions.clocks import DUE, Promises
from tickets.clock import Standing
from tickets.models import Ticket
from tickets.models.tickets import NO_DUE, next_due
from tickets.queries.promises import COUNT_CAP, Row, nearest_promise
from tickets.state import OPEN_STATES

PAGE = 50
# about to breach, breached, by account: the names of the address bar are shorter
VIEWS = ("mine", "unassigned", "soon", "late", "open", "accounts", "all")
# accounts whose name fits the words; a search that fits more is too wide to help
ACCOUNTS = 500
# groups that can be chosen
GROUPS = 100


@dataclass(frozen=True)
class Filters:
    """What the reader chose; the address bar says all of it."""

    view: str = "open"
    status: str = ""
    severity: int | None = None
    channel: str = ""
    group: str = ""
    account: int | None = None
    text: str = ""
    after: tuple[dt.datetime, int] | None = None

    @property
    def narrowed(self) -> bool:
        """Whether more than the tab was chosen."""
        return bool(self.status or self.severity or self.channel or self.group or self.account or self.text.strip())

    def query(self, **changes: Any) -> str:
        """The query string of these filters, with changes."""
        chosen = replace(self, **changes)
        named = {name: getattr(chosen, name) for name in ("view", "status", "severity", "channel", "group", "account")}
        pairs: list[tuple[str, Any]] = [(name, value) for name, value in {**named, "q": chosen.text}.items() if value]
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


def soon(now: dt.datetime, promises: Promises) -> Q:
    """The condition that a promise of an open ticket is nearly over, and none has passed."""
    near = Q(pk__in=[])
    for target in DUE:
        near |= promises.near(target, now=now)
    return near & ~late(now)


def view_of(view: str, user: User, now: dt.datetime, promises: Promises | None = None) -> QuerySet[Ticket]:
    """The tickets of a tab that the user may see, unsorted."""
    tickets = Ticket.objects.visible_to(user).filter(deleted_at__isnull=True, merged_into__isnull=True)
    if view == "all":
        return tickets
    tickets = tickets.filter(status__in=OPEN_STATES, spam=False)
    if view == "mine":
        return tickets.filter(assignee=user)
    if view == "unassigned":
        return tickets.filter(assignee__isnull=True, assignee_email="")
    if view == "soon":
        return tickets.filter(soon(now, promises or Promises()))
    return tickets.filter(late(now)) if view == "late" else tickets


def _narrowed(tickets: QuerySet[Ticket], filters: Filters) -> QuerySet[Ticket]:
    chosen = {name: value for name in ("status", "severity", "channel", "group", "account") if (value := getattr(filters, name))}
    if chosen:
        tickets = tickets.filter(**chosen)
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
class AccountRow:
    """The open tickets of one account: how many, how many late, the nearest promise, the oldest ticket."""

    account: Account
    tickets: int
    late: int
    promise: Standing | None
    oldest: dt.datetime
    band: str = ""


@dataclass
class Page:
    """One page of the queue: tickets, or accounts where the tab is the one by account."""

    rows: list[Row] = field(default_factory=list)
    accounts: list[AccountRow] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    account: Account | None = None
    promised: bool = True
    next_after: tuple[dt.datetime, int] | None = None


def queue(*, user: User, filters: Filters, now: dt.datetime) -> Page:
    """One page of the queue and how many each tab holds (counted up to 1,001).

    Open tickets come by their nearest promise, all tickets newest first, accounts by the nearest
    promise of any of their tickets.
    """
    promises = Promises()
    tickets = _narrowed(view_of(filters.view, user, now, promises), filters)
    page = _accounts_page(tickets, user, filters, now) if filters.view == "accounts" else _tickets_page(tickets, filters, now, promises)
    page.counts = _counted({name: view_of(name, user, now, promises) for name in VIEWS if name not in {"all", "accounts"}})
    grouped = Ticket.objects.visible_to(user).filter(status__in=OPEN_STATES).exclude(group="")
    page.groups = list(grouped.order_by("group").values_list("group", flat=True).distinct()[:GROUPS])
    page.promised = promises.any()
    if filters.account:
        page.account = Account.objects.filter(pk=filters.account, pk__in=view_of("all", user, now).filter(account=filters.account).values("account")[:1]).first()
    return page


def _tickets_page(tickets: QuerySet[Ticket], filters: Filters, now: dt.datetime, promises: Promises) -> Page:
    tickets = tickets.select_related("account", "account__segment", "contact", "assignee")
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
    place = (more.opened_at if filters.view == "all" else more.due, more.pk) if more else None
    return Page(rows=[Row(ticket, nearest_promise(ticket, now, promises)) for ticket in found[:PAGE]], next_after=place)


def _accounts_page(tickets: QuerySet[Ticket], user: User, filters: Filters, now: dt.datetime) -> Page:
    grouped: QuerySet[Any, Any] = (
        tickets.order_by()
        .values("account")
        .annotate(nearest=Min(next_due()), oldest=Min("opened_at"), found=Count("pk"), late=Count("pk", filter=late(now)))
        .order_by("nearest", "account")
    )
    if filters.after:
        at, pk = filters.after
        grouped = grouped.filter(Q(nearest__gt=at) | Q(nearest=at, account__gt=pk))
    found = list(grouped[: PAGE + 1])
    shown = found[:PAGE]
    numbers = [row["account"] for row in shown]
    accounts = Account.objects.select_related("segment").in_bulk(numbers)
    bands = dict(AccountSnapshot.objects.visible_to(user).filter(account__in=numbers).values_list("account", "band"))
    rows = [AccountRow(accounts[row["account"]], row["found"], row["late"], _standing(row["nearest"], now), row["oldest"], bands.get(row["account"], "") or "") for row in shown]
    return Page(accounts=rows, next_after=(shown[-1]["nearest"], shown[-1]["account"]) if len(found) > PAGE else None)


def _standing(due_at: dt.datetime, now: dt.datetime) -> Standing | None:
    """The nearest promise of many tickets; None where none is running."""
    if due_at >= NO_DUE:
        return None
    seconds = int((due_at - now).total_seconds())
    return Standing("late" if seconds < 0 else "on_time", due_at, seconds)


def _counted(views: Mapping[str, QuerySet[Ticket]]) -> dict[str, int]:
    """How many rows each of them has, counted up to 1,001; all in one query."""
    parts: list[tuple[str, str]] = []
    values: list[Any] = []
    counts = dict.fromkeys(views, 0)
    for name, tickets in views.items():
        try:
            sql, params = tickets.order_by().values("pk")[:COUNT_CAP].query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append((name, f"(SELECT count(*) FROM ({sql}) counted)"))
        values += params
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(sql for _name, sql in parts)}", values)
            counts.update(zip([name for name, _sql in parts], cursor.fetchone(), strict=True))
    return counts
