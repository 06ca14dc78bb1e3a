"""Cost of support beside satisfaction: by segment or plan, and over months, with their correlation where months suffice."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from metrics.decisions.reader import Reader
from metrics.formulas.comparison import Estimate, Interval, correlation, correlation_interval
from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, add_months
from metrics.kpis.support_contacts import told_contacts
from metrics.kpis.support_cost import whole_amount
from metrics.kpis.ticket_log import OPENED_WITHIN, bindings, with_tables
from metrics.kpis.voice import csat, rated
from surveys.scoring import wilson_interval

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
    no time was measured, as the cost to serve is. Segments are those of the time of contact, ticket and answer.
    """
    first, after = reader.span
    work = {name: reader.question(name) for name in ("aht", "ticket_volume", "csat", "support_cost")}
    cost, missing = whole_amount(work["support_cost"])
    cells, said = _seconds(work["aht"], by), csat(work["csat"], by)
    narrowed = bool(reader.filters) or reader.scope is not None
    all_cells = _seconds(replace(work["aht"], filters={}, scope=None), "") if narrowed else cells
    tickets = _tickets(work["ticket_volume"], by)
    by_time = sum(all_cells.values()) > 0
    if not by_time:
        cells = tickets
        all_cells = _tickets(replace(work["ticket_volume"], filters={}, scope=None), "") if narrowed else tickets
    everybody = sum(all_cells.values(), Decimal(0))
    counted, done = _by_group(tickets), _by_group(cells)

    def side(key: str | None, worked: Decimal, count: Decimal, answered: Figure | None) -> Side:
        share = None if cost is None or not everybody else cost * worked / everybody
        return Side(
            key, first, after, share, int(count), worked if by_time else Decimal(0), answered.value if answered else None, answered.interval if answered else None,
            int(answered.denominator or 0) if answered else 0,
        )  # fmt: skip

    groups = [side(key, done.get(key, Decimal(0)), counted.get(key, Decimal(0)), said.get(key)) for key in {*done, *counted, *said}]
    groups = [group for group in groups if group.tickets or group.handle_seconds or group.answers]
    groups.sort(key=lambda group: (group.cost is None, -(group.cost or 0), group.key or "~"))
    months = _by_month(reader, work, cells, all_cells if narrowed else None, by_time=by_time)
    whole = side(None, sum(done.values(), Decimal(0)), sum(counted.values(), Decimal(0)), csat(work["csat"], None)[None])
    pairs = [(month.cost, None if month.few else month.csat) for month in months]
    found = correlation(pairs)
    return Beside(
        groups, months, whole, found, correlation_interval(found) if found else None, sum(left is not None and right is not None for left, right in pairs), by_time, missing
    )  # fmt: skip


# the group of account `a` at an instant, by a join instead of a look-up for each row
_GROUPS = {
    "segment": (
        "sg.key",
        "LEFT JOIN accounts_segmentmembership sm ON sm.account_id = a.id AND sm.valid_from <= {at} AND (sm.valid_to IS NULL OR sm.valid_to > {at}) "
        "LEFT JOIN accounts_segment sg ON sg.id = sm.segment_id",
    ),
    "plan": ("nullif(a.plan, '')", ""),
    "": ("NULL::text", ""),
}


Cells = dict[tuple[str | None, dt.date], Decimal]


def _seconds(question: Question, by: str) -> Cells:
    """Handle seconds by group and month of the zone, over the contacts that `aht` counts; one statement."""
    told, conditions = told_contacts(question, "account")
    key, join = _GROUPS[by]
    month = f"date_trunc('month', c.ended_at AT TIME ZONE {conditions.bind(str(question.zone))})::date"
    sql = f"""{told} SELECT {key}, {month}, sum(c.seconds) FROM told c LEFT JOIN accounts_account a ON a.id = c.key::bigint {join.format(at="c.ended_at")}
        WHERE c.handled GROUP BY 1, 2"""
    return {(name, first): seconds for name, first, seconds in fetch(sql, conditions.values)}


def _tickets(question: Question, by: str) -> Cells:
    """Tickets by group and month, those that `ticket_volume` counts; read through, since a year's are most of them."""
    conditions = Conditions(bindings(question))
    narrow(question, conditions, (ACCOUNT_SQL,), "r.opened_at")
    key, join = _GROUPS[by]
    month = f"date_trunc('month', r.opened_at AT TIME ZONE {conditions.bind(str(question.zone))})::date"
    sql = f"""{with_tables(only=f"({OPENED_WITHIN})")} SELECT {key}, {month}, count(*)
        FROM counted r JOIN tickets_ticket t ON t.id = r.id JOIN accounts_account a ON a.id = t.account_id {join.format(at="r.opened_at")}
        WHERE {conditions.sql} GROUP BY 1, 2"""
    return {(name, first): Decimal(count) for name, first, count in fetch(sql, conditions.values)}


def _by_group(cells: Cells) -> dict[str | None, Decimal]:
    found: dict[str | None, Decimal] = {}
    for (key, _month), amount in cells.items():
        found[key] = found.get(key, Decimal(0)) + amount
    return found


def _in_month(cells: Cells, month: dt.date) -> Decimal:
    return sum((amount for (_key, first), amount in cells.items() if first == month), Decimal(0))


def _satisfied(satisfied: int, answers: int) -> dict[str, Any]:
    """Share of the satisfied, its interval, and the answers."""
    return {"csat": ratio(satisfied, answers), "interval": wilson_interval(satisfied, answers), "answers": answers}


def _by_month(reader: Reader, work: dict[str, Question], own: Cells, everybody: Cells | None, *, by_time: bool) -> list[Side]:
    """The months of the days chosen: the part of each month's cost that falls to the accounts chosen, and their satisfaction.

    `everybody` is the work of all, None where all are chosen. Of each rated object the latest answer of all the
    days counts, in its month, so that the months come to the whole.
    """
    scores: dict[dt.date, list[int]] = {}
    for _pk, moment, score in rated(work["csat"]):
        scores.setdefault(dt.datetime.fromtimestamp(moment, reader.zone).date().replace(day=1), []).append(score)
    months = []
    for left, right in _months(*reader.span):
        span, month = (reader.day(left).astimezone(dt.UTC), reader.day(right).astimezone(dt.UTC)), left.replace(day=1)
        cost, _missing = whole_amount(work["support_cost"].between(*span))
        done = _in_month(own, month)
        # whose cost it is cannot be told where nobody worked, unless it is everybody's
        part = cost if everybody is None or cost is None else None if not (whole := _in_month(everybody, month)) else cost * done / whole
        said = scores.get(month, [])
        side = Side(None, left, right, part, 0 if by_time else int(done), done if by_time else Decimal(0), None, None, 0)
        months.append(replace(side, **_satisfied(sum(score >= 4 for score in said), len(said))))
    return months
