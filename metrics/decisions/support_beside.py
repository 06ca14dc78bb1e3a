"""Cost of support beside satisfaction: by segment or plan, and over months, with their correlation where months suffice."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from metrics.decisions.reader import Reader
from metrics.formulas.comparison import Estimate, Interval, correlation, correlation_interval
from metrics.formulas.numbers import ratio
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, add_months
from metrics.kpis.support_contacts import aht
from metrics.kpis.support_cost import whole_amount
from metrics.kpis.support_load import ticket_volume
from metrics.kpis.voice import csat

BREAKDOWNS = ("segment", "plan")
# a month, or a group, with fewer answers than this has no satisfaction to speak of
FEW = 5
MOST_MONTHS = 24


@dataclass(frozen=True)
class Side:
    """A group or a month: its part of the cost of support, the work it rests on, and how satisfied it is."""

    key: str | None
    first: dt.date
    after: dt.date
    cost: Decimal | None
    tickets: int
    handle_seconds: Decimal
    csat: Decimal | None
    interval: Interval | None
    answers: int

    @property
    def few(self) -> bool:
        """Too few answers."""
        return self.answers < FEW

    @property
    def cost_per_ticket(self) -> Decimal | None:
        """Cost / tickets created."""
        return None if self.cost is None else ratio(self.cost, self.tickets)


@dataclass(frozen=True)
class Beside:
    """The groups, the dearest first, the months, and how cost and satisfaction of months go together (None: too few months)."""

    groups: list[Side]
    months: list[Side]
    whole: Side
    correlation: Estimate | None
    correlation_interval: Interval | None
    months_counted: int
    by_time: bool
    missing: list[str]


def _months(first: dt.date, after: dt.date) -> list[tuple[dt.date, dt.date]]:
    found, left = list[tuple[dt.date, dt.date]](), first
    while left < after:
        right = min(add_months(left.replace(day=1), 1), after)
        found.append((left, right))
        left = right
    return found[-MOST_MONTHS:]


def beside(reader: Reader, by: str) -> Beside:
    """The days chosen by segment or plan, and by month over the accounts chosen. Raises WrongQuestion.

    The cost of support (whole of the organisation) is spread over the groups by handle seconds, or by tickets where
    no time was measured, as the cost to serve is. Segments are those of the time of ticket, contact and answer.
    """
    first, after = reader.span
    work = {name: reader.question(name) for name in ("aht", "ticket_volume", "csat", "support_cost")}
    cost, missing = whole_amount(work["support_cost"])
    everything = replace(work["aht"], filters={}, scope=None)
    all_seconds = Decimal(aht(everything, None)[None].numerator or 0)
    by_time = all_seconds > 0
    all_tickets = ticket_volume(replace(work["ticket_volume"], filters={}, scope=None), None)[None].parts["tickets"] if not by_time else 0
    each = None if cost is None else ratio(cost, all_seconds if by_time else all_tickets)

    def sides(questions: dict[str, Question], by: str | None, unit: Decimal | None, span: tuple[dt.date, dt.date]) -> list[Side]:
        seconds, tickets, said = aht(questions["aht"], by), ticket_volume(questions["ticket_volume"], by), csat(questions["csat"], by)
        return [_side(key, span, unit, by_time, seconds.get(key), tickets.get(key), said.get(key)) for key in {*seconds, *tickets, *said}]

    groups = sides(work, by, each, (first, after))
    groups.sort(key=lambda side: (side.cost is None, -(side.cost or 0), side.key or "~"))
    months, narrowed = [], bool(reader.filters) or reader.scope is not None
    for left, right in _months(first, after):
        span = (reader.day(left).astimezone(dt.UTC), reader.day(right).astimezone(dt.UTC))
        asked = {name: question.between(*span) for name, question in work.items()}
        months += sides(asked, None, _unit(asked, by_time=by_time, narrowed=narrowed), (left, right))
    pairs = [(month.cost, None if month.few else month.csat) for month in months]
    found = correlation(pairs)
    [whole] = sides(work, None, each, (first, after))
    return Beside(
        groups, months, whole, found, correlation_interval(found) if found else None, sum(left is not None and right is not None for left, right in pairs), by_time, missing
    )  # fmt: skip


def _unit(asked: dict[str, Question], *, by_time: bool, narrowed: bool) -> Decimal | None:
    """What a second (or a ticket) costs in a month; where everybody is asked for, the whole cost falls to them."""
    cost, _missing = whole_amount(asked["support_cost"])
    if cost is None:
        return None
    if by_time:
        question = replace(asked["aht"], filters={}, scope=None) if narrowed else asked["aht"]
        return ratio(cost, Decimal(aht(question, None)[None].numerator or 0))
    question = replace(asked["ticket_volume"], filters={}, scope=None) if narrowed else asked["ticket_volume"]
    return ratio(cost, ticket_volume(question, None)[None].parts["tickets"])


def _side(key: str | None, span: tuple[dt.date, dt.date], unit: Decimal | None, by_time: bool, seconds: Figure | None, tickets: Figure | None, said: Figure | None) -> Side:
    handled = Decimal(seconds.numerator or 0) if seconds else Decimal(0)
    count = int(tickets.parts["tickets"]) if tickets else 0
    answers = int(said.denominator or 0) if said else 0
    return Side(
        key, *span, None if unit is None else unit * (handled if by_time else count), count, handled, said.value if said else None, said.interval if said else None, answers
    )  # fmt: skip
