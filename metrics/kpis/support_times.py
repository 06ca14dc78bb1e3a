"""How long customers wait: first response and resolution time. Definitions: `docs/metrics.md`, support."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metrics.formulas.intervals import mean_interval
from metrics.kpis.dimensions import Conditions, fetch
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.ticket_paths import (
    OVER,
    RESOLVED,
    bindings,
    epoch,
    epochs,
    not_over_before,
    open_or_moved,
    past,
    selected,
    state_before,
    ticket_sql,
    with_paths,
)
from tickets.actions.clocks import Promises
from tickets.clock import Hours
from tickets.durations import Schedule, Spread, Stretch, ran, spread, spread_of

Figures = dict[str | None, Figure]


class Clock:
    """Seconds by the calendar, or by the organisation's hours in force when a ticket was opened."""

    def __init__(self, name: str, promises: Promises | None = None) -> None:
        self._promises = (promises or Promises()) if name == "business" else None
        self._hours: dict[int, Hours | None] = {}
        self._schedules: dict[int, Schedule] = {}
        self._first, self._last = 0, 0

    def reach(self, first: int, last: int) -> Clock:
        """Says which stretch of time will be asked for, in seconds since 1970; itself."""
        if (first, last) != (self._first, self._last):
            self._first, self._last = first, last
            self._schedules.clear()
        return self

    def seconds(self, opened: int, stretches: Iterable[Stretch]) -> int:
        """Seconds that ran in the stretches for a ticket opened at that instant; hours that nobody entered are the calendar."""
        if self._promises is None:
            return ran(stretches, None)
        # hours begin on days of the zone, whose midnights lie on quarters of an hour
        quarter = opened // 900
        if quarter not in self._hours:
            self._hours[quarter] = self._promises.hours(dt.datetime.fromtimestamp(opened, dt.UTC))
        hours = self._hours[quarter]
        if hours is None:
            return ran(stretches, None)
        if id(hours) not in self._schedules:
            self._schedules[id(hours)] = Schedule(hours, self._first, self._last)
        return ran(stretches, self._schedules[id(hours)])


@dataclass(frozen=True)
class Times:
    """The times of the tickets of one group: their spread, the longest, and how many are marked (`resolution_time`: reopened before)."""

    spread: Spread
    longest: int | None
    marked: int


NO_TIMES = Times(spread(()), None, 0)


@dataclass(frozen=True)
class Statement:
    """A statement of tickets, one row each: what it selects, and from where; `WITH` stands before both."""

    tables: str
    key: str
    rows: str
    values: dict[str, Any]

    def fetch(self, columns: str) -> list[tuple[Any, ...]]:
        """The key of each ticket and the columns asked for."""
        return fetch(f"{self.tables} SELECT {self.key} AS key, {columns} {self.rows}", self.values)

    def counts(self) -> dict[str | None, int]:
        """How many tickets each group has."""
        return dict(fetch(f"{self.tables} SELECT key, count(*) FROM (SELECT {self.key} AS key {self.rows}) found GROUP BY key", self.values))

    def by_calendar(self, seconds: str, marked: str) -> dict[str | None, Times]:
        """The times of every group, by the calendar: summed up and put in order where the tickets are."""
        # places of the median and of the 90th percentile, and the one above each
        places = ", ".join(f"ordered[{place} + {above}]" for place in ("(n - 1) / 2", "9 * (n - 1) / 10") for above in (1, 2))
        found = fetch(
            f"""{self.tables},
            measured AS (SELECT {self.key} AS key, greatest({seconds}, 0) AS seconds, {marked} AS marked {self.rows}),
            lists AS (
                SELECT key, count(*)::int AS n, sum(seconds)::bigint AS total, sum(seconds * seconds::numeric) AS squares, array_agg(seconds ORDER BY seconds) AS ordered,
                       count(*) FILTER (WHERE marked) AS marked
                FROM measured GROUP BY key)
            SELECT key, n, total, squares, {places}, ordered[n], marked FROM lists""",
            self.values,
        )
        return {
            key: Times(spread_of(count, total, int(squares), (low, high), (below, above)), most, marked_count)
            for key, count, total, squares, low, high, below, above, most, marked_count in found
        }  # fmt: skip

    def by_hours(self, clock: Clock, begins: str, ends: str, marked: str) -> dict[str | None, Times]:
        """The times of every group by a clock, from lists of begins and ends of stretches."""
        rows = self.fetch(f"{epoch('r.opened_at')}, {begins}, {ends}, {marked}")
        groups: dict[str | None, list[int]] = {}
        marks: dict[str | None, int] = {}
        if rows:
            clock.reach(min(row[1] for row in rows), max(max(row[3], default=row[1]) for row in rows))
        for key, opened, starts, stops, is_marked in rows:
            groups.setdefault(key, []).append(clock.seconds(opened, zip(starts, stops, strict=False)))
            marks[key] = marks.get(key, 0) + is_marked
        return {key: Times(spread(seconds), max(seconds), marks[key]) for key, seconds in groups.items()}

    def times(self, clock: str, begin: str, end: str, *, marked: str = "false") -> dict[str | None, Times]:
        """The times of every group from one instant of each ticket to another, by a clock."""
        if clock == "calendar":
            return self.by_calendar(f"{epoch(end)} - {epoch(begin)}", marked)
        return self.by_hours(Clock(clock), f"ARRAY[{epoch(begin)}]", f"ARRAY[{epoch(end)}]", marked)


def unanswered(question: Question, by: str | None, *, account: bool = False) -> Statement:
    """The tickets that are open at the end without a public reply of a person."""
    conditions = Conditions(bindings(question))
    key, joined = selected(question, by, conditions, ticket_sql("%(e)s", upto="<"), "%(e)s", account=account)
    rows = f"""
        FROM (SELECT p.* FROM paths p
              WHERE p.opened_at < %(e)s AND {open_or_moved("e")} AND NOT coalesce(p.replied_at < %(e)s, false) AND {state_before("e")} NOT IN {OVER}) r
        {joined} AND {not_over_before("e")} AND (r.reply_in_columns IS NULL OR r.reply_in_columns >= %(e)s OR t.created_by_kind = 'agent')"""
    return Statement(with_paths(), key, rows, conditions.values)


def waiting(question: Question, by: str | None, *, more: str = "") -> list[tuple[Any, ...]]:
    """The tickets that are open at the end without a public reply of a person: (key, id, opened), seconds since 1970.

    `more` adds columns (SQL over ticket `t`, its account `a` and row `r`, with its leading comma).
    """
    return unanswered(question, by, account=bool(more)).fetch(f"r.id, {epoch('r.opened_at')}{more}")


def waiting_counts(question: Question, by: str | None) -> dict[str | None, int]:
    """How many tickets wait for an answer at the end, by group; groups without one are left out."""
    return unanswered(question, by).counts()


def _figure(found: Spread, parts: Mapping[str, object]) -> Figure:
    return Figure(
        value=found.mean, numerator=found.total, denominator=found.count, parts={"median": found.median, "p90": found.p90, "count": found.count, **parts},
        interval=mean_interval(count=found.count, total=Decimal(found.total), squares=Decimal(found.squares)),
    )  # fmt: skip


def first_replied(question: Question, by: str | None, *, account: bool = False) -> Statement:
    """The tickets first answered in the period."""
    conditions = Conditions(bindings(question))
    # the replying agent; an import may not know them, then whoever had the ticket
    dimensions = ticket_sql("r.replied_at")
    dimensions["agent"] = f"coalesce(answerer.email, {dimensions['agent']})"
    key, joined = selected(question, by, conditions, dimensions, "r.replied_at", beside="LEFT JOIN accounts_user answerer ON answerer.id = r.replied_by", account=account)
    return Statement(with_paths(), key, f"FROM paths r {joined} AND r.replied_at >= %(s)s AND r.replied_at < %(e)s", conditions.values)


def first_replies(question: Question, by: str | None, *, more: str = "") -> list[tuple[Any, ...]]:
    """The tickets first answered in the period: (key, id, opened, replied), seconds since 1970; `more` as in `waiting`, its row `r` has `replied_at`."""
    return first_replied(question, by, account=bool(more)).fetch(f"r.id, {epoch('r.opened_at')}, {epoch('r.replied_at')}{more}")


def reply_times(question: Question, by: str | None) -> dict[str | None, Times]:
    """From creation to the first public reply, of the tickets first answered in the period, by group; groups without one are left out."""
    return first_replied(question, by).times(question.params["clock"], "r.opened_at", "r.replied_at")


def first_response_time(question: Question, by: str | None) -> Figures:
    """Creation to the first public reply of a person, over the tickets first answered in the period."""
    found, ages = reply_times(question, by), unanswered(question, by).times(question.params["clock"], "r.opened_at", "%(e)s::timestamptz")
    figures: Figures = {}
    for name in {None} if by is None else {*found, *ages}:
        waits = ages.get(name, NO_TIMES)
        parts = {"unanswered": waits.spread.count, "unanswered_median_age": waits.spread.median, "unanswered_oldest_age": waits.longest}
        figures[name] = _figure(found.get(name, NO_TIMES).spread, parts)
    return figures


def replied(question: Question, by: str | None) -> Figures:
    """First response time of the groups in which anything was answered, without what waits."""
    return {key: _figure(found.spread, {}) for key, found in reply_times(question, by).items()}


def resolved(question: Question, by: str | None) -> Figures:
    """Resolution time of the groups in which anything was resolved, without what waits."""
    return {key: _figure(found.spread, {"reopened": found.marked}) for key, found in resolution_times(question, by).items()}


# begins and ends of the stretches that count, of a ticket whose last resolution before the end is `at`
_STRETCHES = {
    "full": ("ARRAY[r.opened_at]", "ARRAY[r.at]"),
    "first": ("ARRAY[r.opened_at]", "ARRAY[r.at]"),
    "minus_solved_time": ("r.opened_at || r.left_at[:{}]", "r.resolved_at[:r.k]"),
}


def _resolutions(question: Question, by: str | None) -> Statement:
    """The tickets whose resolution counts in the period."""
    conditions = Conditions(bindings(question))
    key, joined = selected(question, by, conditions, ticket_sql("r.at"), "r.at")
    if question.variant == "first":
        at, chosen = "p.resolved_at[1]", "p.resolved_known[1] AND p.resolved_at[1] < %(e)s"
    else:
        at, chosen = "p.resolved_at[k]", f"k > 0 AND p.resolved_known[k] AND {state_before('e')} IN {RESOLVED}"
    rows = f"""
        FROM (SELECT p.*, k, {at} AS at FROM paths p CROSS JOIN LATERAL (SELECT {past("e", "p.resolved_at")} AS k) n
              WHERE p.opened_at < %(e)s AND p.last_moved_at >= %(s)s AND {at} >= %(s)s AND {chosen}) r {joined}"""
    return Statement(with_paths(), key, rows, conditions.values)


_REOPENED = "coalesce(r.left_at[1] < %(e)s, false)"


def _lists(question: Question) -> tuple[str, str]:
    """SQL: begins and ends of the stretches of a resolution, in order, as seconds since 1970."""
    begins, ends = (epochs(part.format(past("e", "r.left_at"))) for part in _STRETCHES[question.variant])
    return begins, ends


def resolutions(question: Question, by: str | None) -> list[tuple[Any, ...]]:
    """The tickets whose resolution counts in the period: (key, opened, begins, ends, whether reopened, id, resolved), seconds since 1970."""
    begins, ends = _lists(question)
    return _resolutions(question, by).fetch(f"{epoch('r.opened_at')}, {begins}, {ends}, {_REOPENED}, r.id, {epoch('r.at')}")


def resolution_times(question: Question, by: str | None) -> dict[str | None, Times]:
    """From creation to the resolution that counts, by group, with how many were reopened before; groups without one are left out."""
    found = _resolutions(question, by)
    if question.variant == "minus_solved_time":
        return found.by_hours(Clock(question.params["clock"]), *_lists(question), _REOPENED)
    return found.times(question.params["clock"], "r.opened_at", "r.at", marked=_REOPENED)


def resolution_time(question: Question, by: str | None) -> Figures:
    """Creation to the last resolution, over tickets resolved in the period and still resolved at its end.

    `first` is the time to the first resolution, of tickets first resolved in the period, whatever came
    then; `minus_solved_time` leaves out the time in which the ticket stood resolved. A resolution whose
    instant is not known is in none.
    """
    found = resolution_times(question, by)
    waits = waiting_counts(question, by)
    return {
        name: _figure(found.get(name, NO_TIMES).spread, {"unanswered": waits.get(name, 0), "reopened": found.get(name, NO_TIMES).marked})
        for name in ({None} if by is None else {*found, *waits})
    }  # fmt: skip
