"""How long customers wait: first response and resolution time. Definitions: `docs/metrics.md`, support."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from metrics.formulas.intervals import mean_interval
from metrics.kpis.dimensions import Conditions, fetch
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.ticket_log import (
    ENTERS,
    LEAVES,
    MOVED_WITHIN,
    MOVES_LOGGED,
    OPENED,
    OVER,
    REPLIED_AT,
    RESOLVED,
    bindings,
    epoch,
    not_over_before,
    selected,
    ticket_sql,
    with_tables,
)
from tickets.actions.clocks import Promises
from tickets.clock import Hours
from tickets.durations import Schedule, Spread, Stretch, quantile, ran, spread

Figures = dict[str | None, Figure]
# tickets whose first reply may lie in the period, beside those with an entry that says so
_REPLIED_WITHIN = "t.first_replied_at >= %(s)s AND t.first_replied_at < %(e)s"


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


Row = tuple[str | None, int, Sequence[int], Sequence[int]]


def _seconds(clock: Clock, rows: list[Row]) -> dict[str | None, list[int]]:
    """Seconds of each ticket by group, from (key, opened, begins of stretches, their ends)."""
    found: dict[str | None, list[int]] = defaultdict(list)
    if rows:
        clock.reach(min(row[1] for row in rows), max(max(row[3], default=row[1]) for row in rows))
    for key, opened, begins, ends in rows:
        found[key].append(clock.seconds(opened, zip(begins, ends, strict=False)))
    return found


def waiting(question: Question, by: str | None, *, more: str = "") -> list[tuple[Any, ...]]:
    """The tickets that are open at the end without a public reply of a person: (key, id, opened), seconds since 1970.

    `more` adds columns (SQL over ticket `t` and row `r`, with its leading comma).
    """
    conditions = Conditions(bindings(question))
    key, joined = selected(question, by, conditions, ticket_sql("%(e)s", upto="<"), "%(e)s")
    without_reply = "(least(t.first_replied_at, g.first_replied_at) IS NULL OR least(t.first_replied_at, g.first_replied_at) >= %(e)s OR t.created_by_kind = 'agent')"
    sql = f"""
        {with_tables("states", "said", only=f"{OPENED} < %(e)s AND {without_reply} AND {not_over_before('%(e)s')}")},
        rows AS (
            SELECT l.id, l.opened_at FROM states l JOIN counted t USING (id) LEFT JOIN said w USING (id)
            WHERE l.state NOT IN {OVER} AND NOT coalesce({REPLIED_AT} < %(e)s, false))
        SELECT {key}, r.id, {epoch("r.opened_at")}{more} FROM rows r {joined}"""
    return fetch(sql, conditions.values)


def _ages(question: Question, by: str | None) -> dict[str | None, list[int]]:
    """Ages of those that wait, by group."""
    until = int(question.until.timestamp())
    return _seconds(Clock(question.params["clock"]), [(found, opened, (opened,), (until,)) for found, _id, opened in waiting(question, by)])


def _figure(found: Spread, parts: Mapping[str, object]) -> Figure:
    return Figure(
        value=found.mean, numerator=found.total, denominator=found.count, parts={"median": found.median, "p90": found.p90, "count": found.count, **parts},
        interval=mean_interval(count=found.count, total=Decimal(found.total), squares=Decimal(found.squares)),
    )  # fmt: skip


def first_replies(question: Question, by: str | None, *, more: str = "") -> list[tuple[Any, ...]]:
    """The tickets first answered in the period: (key, id, opened, replied), seconds since 1970; `more` as in `waiting`."""
    conditions = Conditions(bindings(question))
    # the replying agent; an import may not know them, then whoever had the ticket
    dimensions = ticket_sql("r.at")
    dimensions["agent"] = f"coalesce((SELECT u.email FROM accounts_user u WHERE u.id = r.actor_id), {dimensions['agent']})"
    key, joined = selected(question, by, conditions, dimensions, "r.at")
    sql = f"""
        {with_tables("said", only=_REPLIED_WITHIN, entries="c.kind = 'public_reply' AND c.actor_kind = 'agent'")},
        rows AS (SELECT t.id, t.opened_at, {REPLIED_AT} AS at, w.actor_id FROM counted t LEFT JOIN said w USING (id))
        SELECT {key}, r.id, {epoch("r.opened_at")}, {epoch("r.at")}{more} FROM rows r {joined} AND r.at >= %(s)s AND r.at < %(e)s"""
    return fetch(sql, conditions.values)


def first_response_time(question: Question, by: str | None) -> Figures:
    """Creation to the first public reply of a person, over the tickets first answered in the period."""
    rows: list[Row] = [(found, opened, (opened,), (replied,)) for found, _id, opened, replied in first_replies(question, by)]
    seconds, ages_of = _seconds(Clock(question.params["clock"]), rows), _ages(question, by)
    figures: Figures = {}
    for name in {None} if by is None else {*seconds, *ages_of}:
        ages = sorted(ages_of.get(name, ()))
        parts = {"unanswered": len(ages), "unanswered_median_age": quantile(ages, Decimal("0.5")), "unanswered_oldest_age": ages[-1] if ages else None}
        figures[name] = _figure(spread(seconds.get(name, ())), parts)
    return figures


# begins and ends of the stretches that count, of a ticket whose last resolution before the end is `last_at`
_STRETCHES = {
    "full": ("ARRAY[r.opened_at]", "ARRAY[r.last_at]"),
    "first": ("ARRAY[r.opened_at]", "ARRAY[r.first_at]"),
    "minus_solved_time": ("r.opened_at || coalesce(r.reopenings, '{}')", "r.resolutions"),
}


def resolutions(question: Question, by: str | None) -> list[tuple[Any, ...]]:
    """The tickets whose resolution counts in the period: (key, opened, begins, ends, whether reopened, id, resolved), seconds since 1970."""
    conditions = Conditions(bindings(question))
    key, joined = selected(question, by, conditions, ticket_sql("r.at"), "r.at")
    begins, ends = _STRETCHES[question.variant]
    if question.variant == "first":
        at, chosen = "p.first_at", "p.first_known"
    else:
        at, chosen = "p.last_at", f"p.last_known AND p.state IN {RESOLVED}"
    sql = f"""
        {with_tables("steps", only=MOVED_WITHIN, entries=MOVES_LOGGED)},
        progress AS (
            SELECT id, opened_at, (array_agg(state ORDER BY at DESC, seq DESC, entry DESC))[1] AS state,
                   array_agg(at ORDER BY at, seq, entry) FILTER (WHERE {ENTERS}) AS resolutions,
                   array_agg(at ORDER BY at, seq, entry) FILTER (WHERE {LEAVES}) AS reopenings,
                   min(at) FILTER (WHERE {ENTERS}) AS first_at, max(at) FILTER (WHERE {ENTERS}) AS last_at,
                   (array_agg(known ORDER BY at, seq, entry) FILTER (WHERE {ENTERS}))[1] AS first_known,
                   (array_agg(known ORDER BY at DESC, seq DESC, entry DESC) FILTER (WHERE {ENTERS}))[1] AS last_known
            FROM steps WHERE at < %(e)s GROUP BY id, opened_at),
        rows AS (
            SELECT p.id, p.opened_at, {at} AS at, p.first_at, p.last_at, p.resolutions, p.reopenings FROM progress p WHERE {at} >= %(s)s AND {chosen})
        SELECT {key}, {epoch("r.opened_at")}, (SELECT array_agg({epoch("b")} ORDER BY b) FROM unnest({begins}) b),
               (SELECT array_agg({epoch("b")} ORDER BY b) FROM unnest({ends}) b), r.reopenings IS NOT NULL, r.id, {epoch("r.at")}
        FROM rows r {joined}"""
    return fetch(sql, conditions.values)


def resolution_time(question: Question, by: str | None) -> Figures:
    """Creation to the last resolution, over tickets resolved in the period and still resolved at its end.

    `first` is the time to the first resolution, of tickets first resolved in the period, whatever came
    then; `minus_solved_time` leaves out the time in which the ticket stood resolved. A resolution whose
    instant is not known is in none.
    """
    found = resolutions(question, by)
    seconds, ages = _seconds(Clock(question.params["clock"]), [row[:4] for row in found]), _ages(question, by)
    reopened: dict[str | None, int] = defaultdict(int)
    for row in found:
        reopened[row[0]] += row[4]
    return {
        name: _figure(spread(seconds.get(name, ())), {"unanswered": len(ages.get(name, ())), "reopened": reopened[name]}) for name in ({None} if by is None else {*seconds, *ages})
    }
