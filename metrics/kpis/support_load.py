"""How much work there is: backlog, its flow, volume and severity. Definitions: `docs/metrics.md`, support."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import Conditions, fetch
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.support_times import Clock
from metrics.kpis.ticket_clocks import TicketClocks
from metrics.kpis.ticket_log import LETTERS
from metrics.kpis.ticket_paths import (
    OPENED_WITHIN,
    OVER,
    bindings,
    epoch,
    epochs,
    not_over_before,
    open_or_moved,
    past,
    segment_id_at,
    selected,
    severity_at,
    state_before,
    ticket_sql,
    with_paths,
)
from surveys.scoring import t_interval
from tickets.actions.clocks import Promises
from tickets.support_formulas import Flow, mean_severity

Figures = dict[str | None, Figure]
_IS_OVER, _IS_RESOLVED = frozenset(LETTERS[state] for state in ("solved", "closed", "cancelled")), frozenset(LETTERS[state] for state in ("solved", "closed"))
_OPEN = f"(SELECT p.* FROM paths p WHERE p.opened_at < %(e)s AND {open_or_moved('e')} AND {state_before('e')} NOT IN {OVER}) r"
_OPENED = f"(SELECT p.* FROM paths p WHERE {OPENED_WITHIN})"
# the moves of the flow, over the letters of the states before and after
_MOVES = {"reopened": "[scx](?=[^scx])", "resolved": "[^scx](?=[sc])", "cancelled": "[^scx](?=x)"}


def open_tickets(question: Question, by: str | None) -> list[tuple[str | None, int, int, bool]]:
    """The tickets open at the end: (key, id, opened in seconds since 1970, whether older than the target)."""
    conditions = Conditions(bindings(question))
    key, joined = selected(question, by, conditions, ticket_sql("%(e)s", upto="<"), "%(e)s", account=True)
    sql = f"""
        {with_paths()}
        SELECT {key}, r.id, {epoch("r.opened_at")}, {severity_at("%(e)s", "<")}, {segment_id_at("%(e)s")}
        FROM {_OPEN} {joined} AND {not_over_before("e")}"""
    rows = fetch(sql, conditions.values)
    until = int(question.until.timestamp())
    target, clock = question.params["target_seconds"], question.params["clock"]
    promises = Promises()
    clocks = {name: Clock(name, promises).reach(min((row[2] for row in rows), default=until), until) for name in ("calendar", "business")}
    found = []
    for name, pk, opened, severity, segment_id in rows:
        level = promises.level(int(severity) if severity else None, segment_id)
        limit = target if target is not None else level.resolution_seconds if level else None
        by_clock = clocks[clock or ("calendar" if target is not None or level is None else level.clock)]
        found.append((name, pk, opened, limit is not None and by_clock.seconds(opened, ((opened, until),)) > limit))
    return found


def ticket_backlog(question: Question, by: str | None) -> Figures:
    """Tickets open at the end of the period that are older than their target, all open ones, or the flow between.

    Age runs from creation and does not rest; pending and on hold are open. The target is the service
    level's time for resolution of the severity and segment at that instant, by its own clock, or
    `target_seconds` by the calendar unless a clock is asked for; without a target nothing is too old.
    """
    if question.variant == "flow":
        return _flow(question, by)
    conditions = Conditions(bindings(question))
    clocks = TicketClocks(question, Promises(), "resolution", conditions.values)
    key, joined = selected(question, by, conditions, ticket_sql("%(e)s", upto="<"), "%(e)s", account=clocks.has_segments)
    joins, promised, business = clocks.level("o.severity", "o.segment_id")
    target, clock, until = question.params["target_seconds"], question.params["clock"], int(question.until.timestamp())
    limit = promised if target is None else str(int(target))
    by_hours = {"business": "true", "calendar": "false", None: business if target is None else "false"}[clock]
    level = severity_at("%(e)s", "<")
    seconds = clocks.seconds(by_hours, "o.opened", lambda ran: ran("o.opened", str(until)))
    sql = f"""
        {with_paths()}, {clocks.tables},
        rows AS MATERIALIZED (
            SELECT {key} AS key, {epoch("r.opened_at")} AS opened, {level} AS severity, {clocks.segment(segment_id_at("%(e)s"), level)} AS segment_id
            FROM {_OPEN} {joined} AND {not_over_before("e")}),
        aged AS MATERIALIZED (
            SELECT o.key, {until} - o.opened AS age, {limit} AS most, {seconds} AS seconds FROM rows o {joins})
        SELECT key, count(*), count(*) FILTER (WHERE seconds > most), max(age) FROM aged GROUP BY key"""
    counts = {name: found for name, *found in fetch(sql, conditions.values)}
    if by is None and not counts:
        counts[None] = [0, 0, 0]
    figures: Figures = {}
    for name, (opened_count, too_old, oldest) in counts.items():
        parts = {"open": opened_count, "older": too_old, "share": ratio(too_old, opened_count), "oldest_age": oldest if opened_count else None}
        value = opened_count if question.variant == "open" else too_old
        figures[name] = Figure(value=Decimal(value), numerator=value, parts=parts)
    return figures


def _flowing() -> str:
    """SQL: paths that may move in the period, with the moves before it and before its end, and whether they were open at its start."""
    return f"""SELECT p.*, n, upto, n > 0 AND substr(p.states, n, 1) NOT IN {OVER} AS opening
        FROM paths p CROSS JOIN LATERAL (SELECT {past("s", "p.moves_at")} AS n, {past("e", "p.moves_at")} AS upto) edges
        WHERE p.opened_at < %(e)s AND {open_or_moved("s")}"""


def _flow(question: Question, by: str | None) -> Figures:
    """opening + new + reopened - resolved - cancelled = closing, each counted from the log; closing is the tickets open at the end.

    A ticket belongs to one group throughout: that of the end.
    """
    conditions = Conditions(bindings(question))
    key, joined = selected(question, by, conditions, ticket_sql("%(e)s", upto="<"), "%(e)s")
    # the state at the start and those after it: each pair of neighbours is a move of the period
    counts = ", ".join(f"regexp_count(m.states, '{pattern}') AS {name}" for name, pattern in _MOVES.items())
    sql = f"""
        {with_paths()},
        rows AS (
            SELECT {key} AS key, r.opening, r.opened_at >= %(s)s AS new, {counts}
            FROM ({_flowing()}) r CROSS JOIN LATERAL (SELECT substr('n' || r.states, r.n + 1, r.upto - r.n + 1) AS states) m {joined} AND {not_over_before("s")})
        SELECT key, count(*) FILTER (WHERE opening), count(*) FILTER (WHERE new),
               coalesce(sum(reopened), 0)::bigint, coalesce(sum(resolved), 0)::bigint, coalesce(sum(cancelled), 0)::bigint
        FROM rows WHERE opening OR new OR reopened > 0 GROUP BY 1"""
    flows = {name: Flow(*counts) for name, *counts in fetch(sql, conditions.values)}
    if by is None and not flows:
        flows[None] = Flow(0, 0, 0, 0, 0)
    figures: Figures = {}
    for name, flow in flows.items():
        parts = {
            "opening": flow.opening, "new": flow.new, "reopened": flow.reopened, "resolved": flow.resolved, "cancelled": flow.cancelled,
            "closing": flow.closing, "closure_rate": flow.closure_rate,
        }  # fmt: skip
        figures[name] = Figure(value=Decimal(flow.closing), numerator=flow.closing, parts=parts)
    return figures


@dataclass(frozen=True)
class FlowOfTicket:
    """What one ticket adds to the flow: whether it is there at the start or new, and its moves in seconds since 1970."""

    ticket: int
    opened: int
    new: bool
    opening: bool
    reopened: list[int]
    resolved: list[int]
    cancelled: list[int]


def flow_of_tickets(question: Question) -> list[FlowOfTicket]:
    """The tickets behind the flow of the period, with every move; summed up they are the figure."""
    conditions = Conditions(bindings(question))
    _key, joined = selected(question, None, conditions, ticket_sql("%(e)s", upto="<"), "%(e)s")

    sql = f"""
        {with_paths()}
        SELECT r.id, {epoch("r.opened_at")}, r.opened_at >= %(s)s, r.opening, substr('n' || r.states, r.n + 1, r.upto - r.n + 1), {epochs("r.moves_at[r.n + 1:r.upto]")}
        FROM ({_flowing()}) r {joined} AND {not_over_before("s")}"""
    found = []
    for pk, opened, new, opening, states, instants in fetch(sql, conditions.values):
        reopened: list[int] = []
        resolved: list[int] = []
        cancelled: list[int] = []
        for before, state, at in zip(states, states[1:], instants or (), strict=False):
            if before in _IS_OVER:
                if state not in _IS_OVER:
                    reopened.append(at)
            elif state in _IS_OVER:
                (resolved if state in _IS_RESOLVED else cancelled).append(at)
        if opening or new or reopened:
            found.append(FlowOfTicket(pk, opened, new, opening, reopened, resolved, cancelled))
    return found


def flow_between(question: Question, edges: Sequence[int]) -> list[Flow]:
    """The flow of each stretch between two edges (seconds since 1970, the first is the start of the period), counted where the tickets are."""
    conditions = Conditions(bindings(question) | {"edges": [dt.datetime.fromtimestamp(edge, dt.UTC) for edge in edges]})
    _key, joined = selected(question, None, conditions, ticket_sql("%(e)s", upto="<"), "%(e)s")
    sql = f"""
        {with_paths()},
        rows AS MATERIALIZED (
            SELECT r.opened_at, r.opening, r.n, r.upto, r.moves_at, 'n' || r.states AS states FROM ({_flowing()}) r {joined} AND {not_over_before("s")}),
        made AS (
            SELECT moves_at[i] AS at, substr(states, i, 1) IN {OVER} AS was_over, substr(states, i + 1, 1) AS state FROM rows CROSS JOIN LATERAL generate_series(n + 1, upto) i),
        told AS (
            SELECT opened_at AS at, 'new' AS kind FROM rows WHERE opened_at >= %(s)s
            UNION ALL
            SELECT at, CASE WHEN was_over THEN 'reopened' WHEN state = 'x' THEN 'cancelled' ELSE 'resolved' END FROM made WHERE was_over <> (state IN {OVER}))
        SELECT width_bucket(at, %(edges)s::timestamptz[]) - 1, kind, count(*) FROM told GROUP BY 1, 2
        UNION ALL SELECT 0, 'opening', count(*) FROM rows WHERE opening"""
    counts = {(place, kind): count for place, kind, count in fetch(sql, conditions.values)}
    flows: list[Flow] = []
    opening = counts[0, "opening"]
    for place in range(len(edges) - 1):
        flow = Flow(opening, *(counts.get((place, kind), 0) for kind in ("new", "reopened", "resolved", "cancelled")))
        flows.append(flow)
        opening = flow.closing
    return flows


def created(question: Question, *, level_at: str = "r.opened_at", upto: str = "<=") -> list[tuple[int, int, str | None]]:
    """The tickets created in the period: (id, opened in seconds since 1970, severity at creation or at `level_at`)."""
    conditions = Conditions(bindings(question))
    level = severity_at(level_at, upto)
    dimensions = ticket_sql("%(e)s", upto="<")
    if question.kpi == "ats":
        dimensions |= {"severity": level}
    _key, joined = selected(question, None, conditions, dimensions, "r.opened_at")
    return fetch(f"{with_paths()} SELECT r.id, {epoch('r.opened_at')}, {level} FROM {_OPENED} r {joined}", conditions.values)


def _counted_created(question: Question, what: str, values: dict[str, Any]) -> dict[Any, int]:
    """How many tickets were created in the period, by something of ticket `t` with path `r` (SQL)."""
    conditions = Conditions({**bindings(question), **values})
    _key, joined = selected(question, None, conditions, ticket_sql("%(e)s", upto="<"), "r.opened_at")
    return dict(fetch(f"{with_paths()} SELECT {what}, count(*) FROM {_OPENED} r {joined} GROUP BY 1", conditions.values))


def created_by_day(question: Question) -> dict[dt.date, int]:
    """Tickets created in the period by day of the organisation's zone; days without one are left out."""
    return _counted_created(question, "(r.opened_at AT TIME ZONE %(zone)s)::date", {"zone": str(question.zone)})


def created_by_account(question: Question) -> dict[int, int]:
    """Tickets created in the period by the id of their account: what `ticket_volume` counts by account, for many of them."""
    return _counted_created(question, "t.account_id", {})


def ats(question: Question, by: str | None) -> Figures:
    """Mean severity, 1 small to 4 urgent, of the tickets created in the period: at creation, or at the period's end.

    Tickets without a level are counted apart.
    """
    conditions = Conditions(bindings(question))
    at_creation = question.params["basis"] == "at_creation"
    level = severity_at("r.opened_at", "<=") if at_creation else severity_at("%(e)s", "<")
    dimensions = ticket_sql("%(e)s", upto="<") | {"severity": level}
    key, joined = selected(question, by, conditions, dimensions, "r.opened_at")
    sql = f"""
        {with_paths()}
        SELECT key, count(*) FILTER (WHERE level = '1'), count(*) FILTER (WHERE level = '2'), count(*) FILTER (WHERE level = '3'), count(*) FILTER (WHERE level = '4'),
               count(*) FILTER (WHERE level IS NULL)
        FROM (SELECT {key} AS key, {level} AS level FROM {_OPENED} r {joined}) found GROUP BY key"""
    figures = {name: _ats_figure(levels, unset) for name, *levels, unset in fetch(sql, conditions.values)}
    if by is None and not figures:
        figures[None] = _ats_figure([0] * 4, 0)
    return figures


def _ats_figure(levels: list[int], unset: int) -> Figure:
    counts = dict(enumerate(levels, 1))
    parts = {**{f"level_{level}": count for level, count in counts.items()}, "unset": unset}
    total = sum(level * count for level, count in counts.items())
    return Figure(value=mean_severity(counts), numerator=total, denominator=sum(levels), parts=parts, interval=t_interval(counts))


def volume_of_accounts(question: Question) -> tuple[str, Conditions]:
    """`WITH ... volume(account_id, tickets)`: how many tickets of the period each account has, as `ticket_volume` counts them; and what it binds."""
    conditions = Conditions(bindings(question))
    _key, joined = selected(question, None, conditions, ticket_sql("%(e)s", upto="<"), "r.opened_at")
    return f"{with_paths()}, volume AS (SELECT t.account_id, count(*) AS tickets FROM {_OPENED} r {joined} GROUP BY 1)", conditions


def ticket_volume(question: Question, by: str | None) -> Figures:
    """Tickets created in the period, and the accounts that have any of them."""
    conditions = Conditions(bindings(question))
    key, joined = selected(question, by, conditions, ticket_sql("%(e)s", upto="<"), "r.opened_at")
    sql = f"{with_paths()} SELECT {key} AS key, count(*), count(DISTINCT t.account_id) FROM {_OPENED} r {joined} GROUP BY 1"
    figures = {
        name: Figure(value=Decimal(tickets), numerator=tickets, parts={"tickets": tickets, "accounts": accounts}) for name, tickets, accounts in fetch(sql, conditions.values)
    }
    if by is None and not figures:
        figures[None] = Figure(value=Decimal(0), numerator=0, parts={"tickets": 0, "accounts": 0})
    return figures
