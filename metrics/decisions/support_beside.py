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
from metrics.kpis.question import add_months
from metrics.kpis.support_contacts import told_contacts
from metrics.kpis.support_cost import whole_amount
from metrics.kpis.ticket_paths import OPENED_WITHIN, bindings, with_paths
from metrics.kpis.voice import rated
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
    cost, missing = whole_amount(reader.question("support_cost"))
    tickets, cells = _tickets(reader, by), _seconds(reader, by)
    by_time = sum(cells.everybody.values()) > 0
    cells = cells if by_time else tickets
    everybody = sum(cells.everybody.values(), Decimal(0))
    counted, done, said = _by_group(tickets.own), _by_group(cells.own), _answers(reader, by)

    def side(key: str | None, worked: Decimal, count: Decimal, scores: list[int]) -> Side:
        share = None if cost is None or not everybody else cost * worked / everybody
        return Side(key, first, after, share, int(count), worked if by_time else Decimal(0), *_satisfied(scores))

    scores = {key: [score for (of, _month), found in said.items() if of == key for score in found] for key, _month in said}
    groups = [side(key, done.get(key, Decimal(0)), counted.get(key, Decimal(0)), scores.get(key, [])) for key in {*done, *counted, *scores}]
    groups = [group for group in groups if group.tickets or group.handle_seconds or group.answers]
    groups.sort(key=lambda group: (group.cost is None, -(group.cost or 0), group.key or "~"))
    months = _by_month(reader, cells, said, by_time=by_time)
    whole = side(None, sum(done.values(), Decimal(0)), sum(counted.values(), Decimal(0)), [score for found in scores.values() for score in found])
    pairs = [(month.cost, None if month.few else month.csat) for month in months]
    found = correlation(pairs)
    return Beside(
        groups, months, whole, found, correlation_interval(found) if found else None, sum(left is not None and right is not None for left, right in pairs), by_time, missing
    )  # fmt: skip


Key = tuple[str | None, dt.date]


@dataclass(frozen=True)
class Cells:
    """Amounts by group and month: of the accounts chosen, and by month of everybody."""

    own: dict[Key, Decimal]
    everybody: dict[dt.date, Decimal]


# the segment of account `a` at an instant, by a join instead of a look-up for each row
_MEMBER = """LEFT JOIN accounts_segmentmembership sm ON sm.account_id = a.id AND sm.valid_from <= {at} AND (sm.valid_to IS NULL OR sm.valid_to > {at})
    LEFT JOIN accounts_segment sg ON sg.id = sm.segment_id"""
_KEYS = {"segment": "sg.key", "plan": "nullif(a.plan, '')"}


def _chosen(reader: Reader, conditions: Conditions) -> str:
    """SQL: whether account `a` with its segment `sg` is one of those chosen; what it binds goes into `conditions`."""
    found = Conditions(conditions.values)
    narrow(reader.question("mrr"), found, (ACCOUNT_SQL | {"segment": "sg.key"},), "now()")
    return found.sql


def _cells(sql: str, values: dict[str, Any]) -> Cells:
    own: dict[Key, Decimal] = {}
    everybody: dict[dt.date, Decimal] = {}
    for key, month, chosen, amount in fetch(sql, values):
        everybody[month] = everybody.get(month, Decimal(0)) + amount
        if chosen:
            own[key, month] = own.get((key, month), Decimal(0)) + amount
    return Cells(own, everybody)


def _seconds(reader: Reader, by: str) -> Cells:
    """Handle seconds, over the contacts that `aht` counts; one statement."""
    question = replace(reader.question("aht", filtered=False), scope=None)
    told, conditions = told_contacts(question, "account")
    month = f"date_trunc('month', c.ended_at AT TIME ZONE {conditions.bind(str(question.zone))})::date"
    sql = f"""{told} SELECT {_KEYS[by]}, {month}, coalesce({_chosen(reader, conditions)}, false), sum(c.seconds)
        FROM told c LEFT JOIN accounts_account a ON a.id = c.key::bigint {_MEMBER.format(at="c.ended_at")} WHERE c.handled GROUP BY 1, 2, 3"""
    return _cells(sql, conditions.values)


def _tickets(reader: Reader, by: str) -> Cells:
    """Tickets, those that `ticket_volume` counts; one statement."""
    question = replace(reader.question("ticket_volume", filtered=False), scope=None)
    conditions = Conditions(bindings(question))
    month = f"date_trunc('month', r.opened_at AT TIME ZONE {conditions.bind(str(question.zone))})::date"
    sql = f"""{with_paths()} SELECT {_KEYS[by]}, {month}, coalesce({_chosen(reader, conditions)}, false), count(*)::numeric
        FROM (SELECT p.id, p.account_id, p.opened_at FROM paths p WHERE {OPENED_WITHIN}) r JOIN accounts_account a ON a.id = r.account_id AND NOT a.excluded
             {_MEMBER.format(at="r.opened_at")} GROUP BY 1, 2, 3"""
    return _cells(sql, conditions.values)


def _answers(reader: Reader, by: str) -> dict[Key, list[int]]:
    """Scores by group and month: of each rated object the latest answer of all the days, in its month, so that both come to the whole."""
    question = replace(reader.question("csat", filtered=False), scope=None)
    scores = {pk: (moment, score) for pk, moment, score in rated(question)}
    conditions = Conditions({"s": question.start, "e": question.until})
    chosen = _chosen(reader, conditions)
    sql = f"""SELECT r.id::text, {_KEYS[by]} FROM surveys_response r LEFT JOIN accounts_account a ON a.id = r.account_id {_MEMBER.format(at="r.answered_at")}
        WHERE r.kind = 'csat' AND r.answered_at >= %(s)s AND r.answered_at < %(e)s AND coalesce({chosen}, false)"""
    found: dict[Key, list[int]] = {}
    for pk, key in fetch(sql, conditions.values):
        if pk in scores:
            moment, score = scores[pk]
            found.setdefault((key, dt.datetime.fromtimestamp(moment, reader.zone).date().replace(day=1)), []).append(score)
    return found


def _by_group(cells: dict[Key, Decimal]) -> dict[str | None, Decimal]:
    found: dict[str | None, Decimal] = {}
    for (key, _month), amount in cells.items():
        found[key] = found.get(key, Decimal(0)) + amount
    return found


def _satisfied(scores: list[int]) -> tuple[Decimal | None, Interval | None, int]:
    """Share of the satisfied, its interval, and the answers."""
    satisfied = sum(score >= 4 for score in scores)
    return ratio(satisfied, len(scores)), wilson_interval(satisfied, len(scores)), len(scores)


def _by_month(reader: Reader, cells: Cells, said: dict[Key, list[int]], *, by_time: bool) -> list[Side]:
    """The months of the days chosen: the part of each month's cost that falls to the accounts chosen, and their satisfaction."""
    narrowed, question, months = bool(reader.filters) or reader.scope is not None, reader.question("support_cost"), []
    for left, right in _months(*reader.span):
        month = left.replace(day=1)
        cost, _missing = whole_amount(question.between(reader.day(left).astimezone(dt.UTC), reader.day(right).astimezone(dt.UTC)))
        done = sum((amount for (_key, first), amount in cells.own.items() if first == month), Decimal(0))
        whole = cells.everybody.get(month, Decimal(0))
        # whose cost it is cannot be told where nobody worked, unless it is everybody's
        part = cost if not narrowed or cost is None else cost * done / whole if whole else None
        scores = [score for (_key, first), found in said.items() if first == month for score in found]
        months.append(Side(None, left, right, part, 0 if by_time else int(done), done if by_time else Decimal(0), *_satisfied(scores)))
    return months
