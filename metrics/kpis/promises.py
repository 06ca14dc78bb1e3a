"""Promises of the service levels that were kept. Definitions: `docs/metrics.md`, support.

Counted are the promises decided in the period: those of the tickets answered (or resolved) in it, kept
or broken, and those still open at its end that are broken by then. So a ticket that nobody answers
cannot make the share look better. The level is that of severity and segment when it was decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import Conditions, fetch
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.support_times import Clock, Statement, first_replied, first_replies, unanswered, waiting
from metrics.kpis.ticket_clocks import TicketClocks
from metrics.kpis.ticket_log import LETTERS
from metrics.kpis.ticket_paths import (
    OVER,
    RESOLVED,
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
    stretches,
    ticket_sql,
    with_paths,
)
from surveys.scoring import wilson_interval
from tickets.actions.clocks import RESTING, Promises
from tickets.durations import Stretch

TARGETS = ("first_reply", "resolution")
_RESTING = frozenset(LETTERS[state] for state in RESTING)


@dataclass(frozen=True)
class Decided:
    """One promise that was kept or broken: at which instant (seconds since 1970), after how many seconds of its own clock."""

    key: str | None
    ticket: int
    at: int
    seconds: int
    kept: bool


@dataclass(frozen=True)
class _Candidate:
    key: str | None
    ticket: int
    opened: int
    stretches: list[Stretch]
    severity: str | None
    segment_id: int | None
    # empty: still open at the end
    at: int | None


def _of_replies(question: Question, by: str | None) -> list[_Candidate]:
    until = int(question.until.timestamp())
    more = f", {severity_at('{at}', '{upto}')}, {segment_id_at('{at}')}"
    answered = first_replies(question, by, more=more.replace("{at}", "r.replied_at").replace("{upto}", "<="))
    open_ones = waiting(question, by, more=more.replace("{at}", "%(e)s").replace("{upto}", "<"))
    return [
        *(_Candidate(key, pk, opened, [(opened, at)], severity, segment, at) for key, pk, opened, at, severity, segment in answered),
        *(_Candidate(key, pk, opened, [(opened, until)], severity, segment, None) for key, pk, opened, severity, segment in open_ones),
    ]


def _ended_or_open(question: Question, by: str | None) -> Statement:
    """Resolved in the period and still so at its end, or open at its end."""
    conditions = Conditions(bindings(question))
    at = "coalesce(r.at, %(e)s)"
    key, joined = selected(question, by, conditions, ticket_sql(at), at, account=True)
    rows = f"""
        FROM (SELECT p.*, n, CASE WHEN state IN {RESOLVED} THEN p.resolved_at[k] END AS at
              FROM paths p CROSS JOIN LATERAL (SELECT {past("e", "p.moves_at")} AS n, {past("e", "p.resolved_at")} AS k, {state_before("e")} AS state) x
              WHERE p.opened_at < %(e)s AND {open_or_moved("s")}
                AND (state NOT IN {OVER} OR (state IN {RESOLVED} AND p.resolved_known[k] AND p.resolved_at[k] >= %(s)s))) r
        {joined} AND {not_over_before("s")}"""
    return Statement(with_paths(), key, rows, conditions.values)


def _of_resolutions(question: Question, by: str | None) -> list[_Candidate]:
    """Resolved in the period and still so at its end, or open at its end; the clock rests while we wait for the customer."""
    at = "coalesce(r.at, %(e)s)"
    found = _ended_or_open(question, by).fetch(
        f"r.id, {epoch('r.opened_at')}, {epochs('r.moves_at[:r.n]')}, left(r.states, r.n), {epoch('r.at')}, {severity_at(at, '<=')}, {segment_id_at(at)}"
    )
    until = int(question.until.timestamp())
    return [
        _Candidate(key, pk, opened, stretches(moves, states, _RESTING, until), severity, segment, decided_at)
        for key, pk, opened, moves, states, decided_at, severity, segment in found
    ]


def decided(question: Question, target: str, by: str | None) -> list[Decided]:
    """The promises of `first_reply` or `resolution` that were decided in the period; tickets without a promise are in none."""
    candidates = (_of_replies if target == "first_reply" else _of_resolutions)(question, by)
    until, promises = int(question.until.timestamp()), Promises()
    first = min((row.opened for row in candidates), default=until)
    clocks = {name: Clock(name, promises).reach(first, until) for name in ("calendar", "business")}
    found = []
    for row in candidates:
        level = promises.level(int(row.severity) if row.severity else None, row.segment_id)
        limit = None if level is None else level.first_reply_seconds if target == "first_reply" else level.resolution_seconds
        if level is None or limit is None:
            continue
        seconds = clocks[level.clock].seconds(row.opened, row.stretches)
        if row.at is not None or seconds > limit:
            found.append(Decided(row.key, row.ticket, until if row.at is None else row.at, seconds, seconds <= limit))
    return found


def promises_kept(question: Question, target: str, by: str | None) -> dict[str | None, Figure]:
    """Promises kept / promises decided in the period, by group: what `decided` lists, counted where the tickets are."""
    groups: dict[str | None, list[int]] = defaultdict(lambda: [0, 0])
    promises = Promises()
    if any(promises.promised(level, target) is not None for level in promises.levels()):
        for asked in _asked(question, target, by):
            for key, kept, count in _counts(question, promises, target, asked):
                groups[key][0] += kept
                groups[key][1] += count
    if by is None and not groups:
        groups[None] = [0, 0]
    return {key: _figure(kept, count) for key, (kept, count) in groups.items()}


Ran = Callable[[str, str], str]


@dataclass(frozen=True)
class _Asked:
    """Tickets whose promise may have been decided: at which instant the level holds, what else is read of them, what ran of their clock.

    `decided` is SQL: whether the promise is decided anyhow; else it is once its time is over.
    """

    tickets: Statement
    at: str
    upto: str
    more: str
    ran: Callable[[Ran, str], str]
    decided: str


def _asked(question: Question, target: str, by: str | None) -> list[_Asked]:
    if target == "resolution":
        return [_Asked(_ended_or_open(question, by), "coalesce(r.at, %(e)s)", "<=", "r.n, r.moves_at, r.states, r.at", _awake, "o.at IS NOT NULL")]
    return [
        _Asked(first_replied(question, by, account=True), "r.replied_at", "<=", f"{epoch('r.replied_at')} AS ends", lambda ran, _until: ran("o.opened", "o.ends"), "true"),
        _Asked(unanswered(question, by, account=True), "%(e)s", "<", "NULL AS ends", lambda ran, until: ran("o.opened", until), "false"),
    ]


def _awake(ran: Ran, until: str) -> str:
    """SQL: the seconds of all stretches in which the clock did not rest."""
    resting = ", ".join(f"'{letter}'" for letter in sorted(_RESTING))
    stretch = ran(epoch("o.moves_at[i]"), f"CASE WHEN i < o.n THEN {epoch('o.moves_at[i + 1]')} ELSE {until} END")
    return f"(SELECT coalesce(sum({stretch}), 0) FROM generate_series(1, o.n) i WHERE substr(o.states, i, 1) NOT IN ({resting}))"


def _counts(question: Question, promises: Promises, target: str, asked: _Asked) -> list[tuple[str | None, int, int]]:
    """Kept and decided promises by group."""
    tickets = asked.tickets
    values = dict(tickets.values)
    clocks = TicketClocks(question, promises, target, values)
    joins, limit, business = clocks.level("o.severity", "o.segment_id")
    until, severity = str(int(question.until.timestamp())), severity_at(asked.at, asked.upto)
    sql = f"""
        {tickets.tables}, {clocks.tables},
        asked AS MATERIALIZED (
            SELECT {tickets.key} AS key, {epoch("r.opened_at")} AS opened, {severity} AS severity, {clocks.segment(segment_id_at(asked.at), severity)} AS segment_id,
                   {asked.more} {tickets.rows}),
        promised AS MATERIALIZED (SELECT o.*, {limit} AS most, {business} AS business FROM asked o {joins}),
        timed AS MATERIALIZED (
            SELECT o.key, o.most, {asked.decided} AS decided, {clocks.seconds("o.business", "o.opened", lambda ran: asked.ran(ran, until))} AS seconds
            FROM promised o WHERE o.most IS NOT NULL)
        SELECT key, count(*) FILTER (WHERE seconds <= most), count(*) FROM timed WHERE decided OR seconds > most GROUP BY key"""
    return fetch(sql, values)


def kept_together(figures: Iterable[Figure]) -> Figure:
    """The figure of groups taken together."""
    found = list(figures)
    return _figure(sum(int(figure.numerator or 0) for figure in found), sum(int(figure.denominator or 0) for figure in found))


def _figure(kept: int, count: int) -> Figure:
    return Figure(value=ratio(kept, count), numerator=kept, denominator=count, parts={"kept": kept, "decided": count}, interval=wilson_interval(kept, count))
