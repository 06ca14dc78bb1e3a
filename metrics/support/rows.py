"""The rows behind a figure: exactly what it counts, the newest first, fifty a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from metrics.kpis.behind import ANSWER, CONTACT, FIGURES, TICKET, Behind, behind, flow_within, ordered
from metrics.kpis.support_load import flow_of_tickets
from metrics.support import today
from metrics.support.desk import Desk
from metrics.support.weeks import week_of, weeks
from surveys.models import Response
from tickets.models import Interaction, Ticket

PAGE = 50
TITLES: dict[str, Any] = {
    "first_response": gettext_lazy("First answered in the period"),
    "unanswered": gettext_lazy("Open without an answer at the end of the period"),
    "resolution": gettext_lazy("Resolved in the period"),
    "resolution_reopened": gettext_lazy("Resolved in the period after being reopened"),
    "backlog_open": gettext_lazy("Open at the end of the period"),
    "backlog_older": gettext_lazy("Open and older than the target"),
    "volume": gettext_lazy("Created in the period"),
    "severity_set": gettext_lazy("Created in the period, with a severity"),
    "severity_unset": gettext_lazy("Created in the period, without severity"),
    "severity_1": gettext_lazy("Created in the period, small"),
    "severity_2": gettext_lazy("Created in the period, normal"),
    "severity_3": gettext_lazy("Created in the period, high"),
    "severity_4": gettext_lazy("Created in the period, urgent"),
    "issues": gettext_lazy("Issues opened in the period"),
    "first_contact": gettext_lazy("Issues resolved at first contact"),
    "handled": gettext_lazy("Contacts handled in the period"),
    "abandoned": gettext_lazy("Contacts given up by the customer"),
    "rated": gettext_lazy("Ratings in the period"),
    "satisfied": gettext_lazy("Ratings of 4 and 5"),
    "promises_first_reply": gettext_lazy("Promised first replies that were decided in the period"),
    "kept_first_reply": gettext_lazy("Promised first replies that were kept"),
    "promises_resolution": gettext_lazy("Promised resolutions that were decided in the period"),
    "kept_resolution": gettext_lazy("Promised resolutions that were kept"),
    "flow_opening": gettext_lazy("Open at the start"),
    "flow_new": gettext_lazy("New"),
    "flow_reopened": gettext_lazy("Reopened, each time"),
    "flow_resolved": gettext_lazy("Resolved, each time"),
    "flow_cancelled": gettext_lazy("Cancelled, each time"),
    "flow_closing": gettext_lazy("Open at the end"),
    "now_all": gettext_lazy("Open now"),
    "now_open": gettext_lazy("In work now"),
    "now_new": gettext_lazy("Open now, new"),
    "now_pending": gettext_lazy("Waiting for the customer now"),
    "now_on_hold": gettext_lazy("On hold now"),
    "now_unassigned": gettext_lazy("Open now, unassigned"),
    "now_near": gettext_lazy("About to breach a promise"),
    "now_late": gettext_lazy("A promise has passed"),
    "now_for_us": gettext_lazy("Waiting for us now"),
    "now_for_customer": gettext_lazy("Waiting for the customer now"),
    "now_unanswered": gettext_lazy("Open now without an answer"),
    "now_severity_none": gettext_lazy("Open now, without severity"),
    **{f"now_severity_{level}": gettext_lazy("Open now, by severity") for level in range(1, 5)},
}


class UnknownFigure(LookupError):
    """No figure has that name."""


@dataclass(frozen=True)
class Row:
    """One row: what was counted, when it counts, its own figure; `thing` is None where the reader may not see it."""

    at: dt.datetime
    thing: Ticket | Interaction | Response | None
    ticket: Ticket | None
    figure: int | None


@dataclass(frozen=True)
class Page:
    """One page of the rows behind a figure; `count` is the figure's own count."""

    title: str
    kind: str
    count: int
    rows: list[Row]
    next_after: str
    seconds: bool
    is_now: bool
    week: dt.date | None


def listed(desk: Desk, figure: str, week: dt.date | None = None) -> list[Behind]:
    """Everything a figure counts, the newest first. Raises UnknownFigure, WrongQuestion."""
    if figure.startswith("now_") and figure in today.conditions(desk.now):
        return ordered(today.found(desk, figure))
    if figure not in FIGURES:
        raise UnknownFigure(figure)
    source = FIGURES[figure]
    if week is not None and figure.startswith("flow_"):
        whole = weeks(desk.now)
        start, end = week_of(week)
        return ordered(flow_within(flow_of_tickets(desk.question("ticket_backlog", "flow", span=whole)), int(start.timestamp()), int(end.timestamp()))[figure[5:]])
    params: dict[str, Any] = {"clock": desk.chosen.clock} if source.clocked else {}
    return behind(figure, desk.question(source.kpi, source.variant, **params))


def rows_page(desk: Desk, figure: str, *, after: str = "", week: dt.date | None = None) -> Page:
    """One page of the rows behind a figure. Raises UnknownFigure, WrongQuestion."""
    everything = listed(desk, figure, week)
    place = _place(after)
    rest = everything if place is None else [row for row in everything if (row.at, row.pk, row.turn) < place]
    shown = rest[:PAGE]
    kind = FIGURES[figure].kind if figure in FIGURES else TICKET
    last = shown[-1] if len(rest) > PAGE else None
    return Page(
        title=str(TITLES.get(figure) or _("Open now")), kind=kind, count=len(everything), rows=_rows(desk, kind, shown),
        next_after=f"{last.at}_{last.pk}_{last.turn}" if last else "", seconds=figure not in FIGURES or FIGURES[figure].seconds, is_now=figure not in FIGURES, week=week,
    )  # fmt: skip


def _place(after: str) -> tuple[int, str, int] | None:
    """The place in the list that an address names; None where it names none."""
    parts = after.split("_")
    if len(parts) != 3 or not all(part.removeprefix("-").isascii() for part in parts):
        return None
    try:
        return int(parts[0]), parts[1], int(parts[2])
    except ValueError:
        return None


def _rows(desk: Desk, kind: str, shown: Sequence[Behind]) -> list[Row]:
    """The rows with what the reader may see of them: at most three statements."""
    things: dict[str, Any] = {}
    if kind == CONTACT:
        interactions = Interaction.objects.filter(pk__in=[int(row.pk) for row in shown]).select_related("agent", "account")
        things = {str(found.pk).rjust(20, "0"): found for found in interactions}
    elif kind == ANSWER:
        things = {str(found.pk): found for found in Response.objects.visible_to(desk.user).filter(pk__in=[row.pk for row in shown])}
    ids = [int(row.pk) for row in shown] if kind == TICKET else [found.ticket_id for found in things.values() if found.ticket_id]
    tickets = {found.pk: found for found in Ticket.objects.visible_to(desk.user).filter(pk__in=ids).select_related("account", "account__segment", "assignee")}
    rows = []
    for row in shown:
        thing = tickets.get(int(row.pk)) if kind == TICKET else things.get(row.pk)
        ticket = thing if isinstance(thing, Ticket) else tickets.get(thing.ticket_id) if thing is not None and thing.ticket_id else None
        if isinstance(thing, Interaction) and ticket is None and (thing.ticket_id or (desk.scope is not None and thing.account_id not in desk.scope)):
            thing = None
        rows.append(Row(dt.datetime.fromtimestamp(row.at, dt.UTC), thing, ticket, row.figure))
    return rows
