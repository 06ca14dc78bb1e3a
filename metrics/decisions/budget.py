"""Plan and actual cost by quarter and part. Definitions: `docs/metrics.md`, budget."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from metrics.decisions.spending import FROM, PARTS, UNTIL, parts_by_category, rate
from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import fetch

# a forecast from fewer days than this would be a guess
DAYS_FOR_FORECAST = 7


@dataclass(frozen=True)
class Period:
    """A quarter, or the year (number None), as days [first, after)."""

    number: int | None
    first: dt.date
    after: dt.date

    def elapsed(self, today: dt.date) -> int:
        """How many of its days have begun."""
        return max(0, min((today - self.first).days + 1, (self.after - self.first).days))

    def runs(self, today: dt.date) -> bool:
        """Whether today is one of its days."""
        return self.first <= today < self.after


@dataclass(frozen=True)
class Amounts:
    """One cell: planned and actual money in the reporting currency. None: a currency without a rate, or nothing planned."""

    plan: Decimal | None
    actual: Decimal | None
    forecast: Decimal | None = None

    @property
    def left(self) -> Decimal | None:
        """Plan less actual."""
        return None if self.plan is None or self.actual is None else self.plan - self.actual

    @property
    def used(self) -> Decimal | None:
        """Actual / plan; None without a plan."""
        return None if self.plan is None or self.actual is None else ratio(self.actual, self.plan)

    @property
    def over(self) -> bool:
        """Whether more is spent, or will be at this pace, than was planned."""
        most = self.forecast if self.forecast is not None else self.actual
        return self.plan is not None and most is not None and most > self.plan > 0


@dataclass(frozen=True)
class Row:
    """A quarter or the year: its parts, and their sum under the empty name."""

    period: Period
    running: bool
    future: bool
    cells: dict[str, Amounts]


@dataclass(frozen=True)
class Budget:
    """A year's plan against what was spent."""

    year: int
    quarters: list[Row]
    whole: Row
    missing: list[str]

    @property
    def running(self) -> Row | None:
        """The quarter that is running; None in another year."""
        return next((row for row in self.quarters if row.running), None)


def _quarters(year: int) -> list[Period]:
    return [Period(n, dt.date(year, 3 * n - 2, 1), dt.date(year, 3 * n + 1, 1) if n < 4 else dt.date(year + 1, 1, 1)) for n in range(1, 5)]


def budget(year: int, *, today: dt.date, segment: str | None = None) -> Budget:
    """The budget of a year, of one segment's own lines or of all lines; two statements.

    A line for the whole year plans a quarter of it in each quarter. Costs are spread over their days and count until
    today; each quarter is converted by the last rate of its days (or up to today). The forecast of what runs goes on
    at the pace of the days so far.
    """
    planned, actual, missing = _planned(year, today, segment), _actual(year, today, segment), set[str]()
    for amounts in (planned, actual):
        missing |= {name for _amount, name in amounts.values() if name}
    rows = [_row(period, today, {part: _cell(planned, actual, [(period.number or 0, part)], period, today) for part in PARTS}) for period in _quarters(year)]
    whole = Period(None, dt.date(year, 1, 1), dt.date(year + 1, 1, 1))
    cells = {part: _cell(planned, actual, [(number, part) for number in range(1, 5)], whole, today) for part in PARTS}
    return Budget(year, rows, _row(whole, today, cells), sorted(missing))


Cells = dict[tuple[int, str], tuple[Decimal, str]]


def _cell(planned: Cells, actual: Cells, keys: list[tuple[int, str]], period: Period, today: dt.date) -> Amounts:
    return _amounts(_sum(planned, keys), _sum(actual, keys) or Decimal(0) if not _broken(actual, keys) else None, period, today)


def _broken(cells: Cells, keys: list[tuple[int, str]]) -> bool:
    return any(cells[key][1] for key in keys if key in cells)


def _sum(cells: Cells, keys: list[tuple[int, str]]) -> Decimal | None:
    """The sum of what is there; None over nothing, or where a currency has no rate."""
    there = [cells[key][0] for key in keys if key in cells]
    return None if not there or _broken(cells, keys) else sum(there, Decimal(0))


def _amounts(plan: Decimal | None, actual: Decimal | None, period: Period, today: dt.date) -> Amounts:
    elapsed, days = period.elapsed(today), (period.after - period.first).days
    forecast = actual * days / elapsed if actual is not None and period.runs(today) and elapsed >= DAYS_FOR_FORECAST else None
    return Amounts(plan, actual, forecast)


def _row(period: Period, today: dt.date, cells: dict[str, Amounts]) -> Row:
    plans, actuals = [cell.plan for cell in cells.values()], [cell.actual for cell in cells.values()]
    there = [plan for plan in plans if plan is not None]
    spent = None if None in actuals else sum((amount for amount in actuals if amount is not None), Decimal(0))
    cells = {**cells, "": _amounts(sum(there, Decimal(0)) if there else None, spent, period, today)}
    return Row(period, period.runs(today), period.first > today, cells)


def _by_cell(sql: str, values: dict[str, object]) -> Cells:
    return {(quarter, part): (amount or Decimal(0), missing or "") for quarter, part, amount, missing in fetch(sql, values)}


_DAYS = "(VALUES (1, make_date(%(year)s, 1, 1), make_date(%(year)s, 4, 1)), (2, make_date(%(year)s, 4, 1), make_date(%(year)s, 7, 1)), "\
        "(3, make_date(%(year)s, 7, 1), make_date(%(year)s, 10, 1)), (4, make_date(%(year)s, 10, 1), make_date(%(year)s + 1, 1, 1))) AS q (number, first, after)"  # fmt: skip
# the last day whose rate may be known for a quarter
_RATE_DAY = "least(q.after - 1, %(today)s)"


def _values(year: int, today: dt.date, segment: str | None) -> dict[str, object]:
    return {"year": year, "today": today, "reporting": settings.REPORTING_CURRENCY, "segment": segment}


_OF_SEGMENT = "(%(segment)s::text IS NULL OR {row}.segment_id = (SELECT sg.id FROM accounts_segment sg WHERE sg.key = %(segment)s))"


def _planned(year: int, today: dt.date, segment: str | None) -> Cells:
    converted = rate("b.currency", _RATE_DAY)
    sql = f"""
        SELECT q.number, b.part, sum(b.amount * {converted} / CASE WHEN b.quarter IS NULL THEN 4 ELSE 1 END), max(b.currency) FILTER (WHERE {converted} IS NULL)
        FROM metrics_budgetline b JOIN {_DAYS} ON b.quarter IS NULL OR b.quarter = q.number
        WHERE b.year = %(year)s AND {_OF_SEGMENT.format(row="b")} GROUP BY q.number, b.part"""
    return _by_cell(sql, _values(year, today, segment))


def _actual(year: int, today: dt.date, segment: str | None) -> Cells:
    converted, inside = rate("c.currency", _RATE_DAY), f"(least({UNTIL}, q.after, %(today)s + 1) - greatest({FROM}, q.first))"
    sql = f"""
        SELECT q.number, parts.part, sum(c.amount * {converted} * {inside} / ({UNTIL} - {FROM})), max(c.currency) FILTER (WHERE {converted} IS NULL)
        FROM accounts_costentry c JOIN {_DAYS} ON {inside} > 0 JOIN jsonb_each_text(%(parts)s::jsonb) AS parts (category, part) ON parts.category = c.category
        WHERE c.start < make_date(%(year)s + 1, 1, 1) AND {UNTIL} > make_date(%(year)s, 1, 1) AND {_OF_SEGMENT.format(row="c")}
        GROUP BY q.number, parts.part"""
    return _by_cell(sql, {**_values(year, today, segment), "parts": json.dumps(parts_by_category())})
