"""The desk of a reader: whose tickets count, questions about them, links to the rows behind a figure."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.models import Account, User
from accounts.roles import Role
from metrics.kpis.engine import ask
from metrics.kpis.question import Question
from metrics.support.filters import NONE, SupportFilter
from tickets.models import Ticket

Span = tuple[dt.datetime, dt.datetime]


def scope_of(user: User) -> tuple[int, ...] | None:
    """The accounts whose tickets a reader's figures are about: None for all.

    Agents work every ticket; analysts see figures of the whole base, though no rows.
    """
    if user.role in {Role.ADMIN, Role.VIEWER, Role.AGENT, Role.ANALYST}:
        return None
    return tuple(Account.objects.visible_to(user).values_list("pk", flat=True))


@dataclass(frozen=True)
class Desk:
    """What one reader asks at one moment."""

    user: User
    chosen: SupportFilter
    now: dt.datetime

    @cached_property
    def scope(self) -> tuple[int, ...] | None:
        """As `scope_of`, read once."""
        return scope_of(self.user)

    @cached_property
    def span(self) -> Span:
        """The period."""
        return self.chosen.spans(self.now)[0]

    @cached_property
    def span_before(self) -> Span | None:
        """The period before it."""
        return self.chosen.spans(self.now)[1]

    @property
    def sees_rows(self) -> bool:
        """Analysts see figures, no rows."""
        return self.user.role != Role.ANALYST

    @property
    def sees_money(self) -> bool:
        """What customers pay is none of the agents' business."""
        return self.user.role != Role.AGENT

    def question(self, kpi: str, variant: str | None = None, *, span: Span | None = None, only: Iterable[str] | None = None, **params: str) -> Question:
        """A question about the period (or another span); `only` keeps some of the filters. Raises WrongQuestion."""
        start, end = span or self.span
        asked = ask(name=kpi, variant=variant, start=start.isoformat(), end=end.isoformat(), now=self.now, params=params, accounts=self.scope)
        kept = {name: values for name, values in self.chosen.filters.items() if only is None or name in only}
        # checked by the form of the page; `account` is a filter of these pages alone
        return replace(asked, filters=kept)

    def link(self, figure: str, **changes: Any) -> str:
        """The address of the rows behind a figure; empty for those who see none."""
        extra = {"figure": figure, **changes.pop("extra", {})}
        return f"{reverse('metrics:support_tickets')}?{self.chosen.query(**changes, extra=extra)}" if self.sees_rows else ""

    def open_tickets(self) -> QuerySet[Ticket]:
        """The tickets that are open now and fit the filters, by their columns."""
        tickets: Any = Ticket.objects.counted() if self.user.role == Role.ANALYST else Ticket.objects.visible_to(self.user).counted()
        tickets = tickets.filter(account__excluded=False, status__in=[Ticket.Status.NEW, Ticket.Status.OPEN, Ticket.Status.PENDING, Ticket.Status.ON_HOLD])
        chosen = self.chosen
        for name in ("group", "category", "channel"):
            value = getattr(chosen, name)
            if value:
                tickets = tickets.filter(**{name: "" if value == NONE else value})
        if chosen.severity:
            level = int(chosen.severity) if chosen.severity in {"1", "2", "3", "4"} else None
            tickets = tickets.filter(severity=level) if level or chosen.severity == NONE else tickets.none()
        if chosen.agent == NONE:
            tickets = tickets.filter(assignee__isnull=True, assignee_email="")
        elif chosen.agent:
            tickets = tickets.filter(Q(assignee__email=chosen.agent) | Q(assignee__isnull=True, assignee_email=chosen.agent))
        if chosen.segment:
            tickets = tickets.filter(account__segment__isnull=True) if chosen.segment == NONE else tickets.filter(account__segment__key=chosen.segment)
        if chosen.owner:
            tickets = tickets.filter(account__owner__isnull=True) if chosen.owner == NONE else tickets.filter(account__owner__email=chosen.owner)
        for name in ("plan", "country"):
            value = getattr(chosen, name)
            if value:
                tickets = tickets.filter(**{f"account__{name}": "" if value == NONE else value})
        return tickets.filter(account=chosen.account) if chosen.account is not None else tickets


@dataclass(frozen=True)
class Tile:
    """One figure of a panel with what it counts: never a value without its number."""

    title: str
    value: SafeString | str
    href: str
    count: str
    count_href: str = ""
    change: SafeString | str = ""
    before: SafeString | str = ""
    notes: tuple[tuple[str, str], ...] = ()
    kpi: str = ""
    few: bool = False


def today_of(now: dt.datetime) -> tuple[dt.date, zoneinfo.ZoneInfo]:
    """Today in the organisation's zone, and the zone."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    return now.astimezone(zone).date(), zone


def decimal(value: Any) -> Decimal | None:
    """A figure's number as a decimal; None stays None."""
    return None if value is None else Decimal(value)
