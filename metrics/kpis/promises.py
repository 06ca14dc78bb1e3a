"""Promises of the service levels that were kept. Definitions: `docs/metrics.md`, support.

Counted are the promises decided in the period: those of the tickets answered (or resolved) in it, kept
or broken, and those still open at its end that are broken by then. So a ticket that nobody answers
cannot make the share look better. The level is that of severity and segment when it was decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import Conditions, fetch
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.support_times import Clock, first_replies, waiting
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


def _of_resolutions(question: Question, by: str | None) -> list[_Candidate]:
    """Resolved in the period and still so at its end, or open at its end; the clock rests while we wait for the customer."""
    conditions = Conditions(bindings(question))
    at = "coalesce(r.at, %(e)s)"
    key, joined = selected(question, by, conditions, ticket_sql(at), at, account=True)
    sql = f"""
        {with_paths()}
        SELECT {key}, r.id, {epoch("r.opened_at")}, {epochs("r.moves_at[:r.n]")}, left(r.states, r.n), {epoch("r.at")}, {severity_at(at, "<=")}, {segment_id_at(at)}
        FROM (SELECT p.*, n, CASE WHEN state IN {RESOLVED} THEN p.resolved_at[k] END AS at
              FROM paths p CROSS JOIN LATERAL (SELECT {past("e", "p.moves_at")} AS n, {past("e", "p.resolved_at")} AS k, {state_before("e")} AS state) x
              WHERE p.opened_at < %(e)s AND {open_or_moved("s")}
                AND (state NOT IN {OVER} OR (state IN {RESOLVED} AND p.resolved_known[k] AND p.resolved_at[k] >= %(s)s))) r
        {joined} AND {not_over_before("s")}"""
    until = int(question.until.timestamp())
    return [
        _Candidate(name, pk, opened, stretches(moves, states, _RESTING, until), severity, segment, decided_at)
        for name, pk, opened, moves, states, decided_at, severity, segment in fetch(sql, conditions.values)
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
    """Promises kept / promises decided in the period, by group."""
    groups: dict[str | None, list[int]] = defaultdict(lambda: [0, 0])
    for row in decided(question, target, by):
        groups[row.key][0] += row.kept
        groups[row.key][1] += 1
    if by is None and not groups:
        groups[None] = [0, 0]
    return {key: _figure(kept, count) for key, (kept, count) in groups.items()}


def kept_together(figures: Iterable[Figure]) -> Figure:
    """The figure of groups taken together."""
    found = list(figures)
    return _figure(sum(int(figure.numerator or 0) for figure in found), sum(int(figure.denominator or 0) for figure in found))


def _figure(kept: int, count: int) -> Figure:
    return Figure(value=ratio(kept, count), numerator=kept, denominator=count, parts={"kept": kept, "decided": count}, interval=wilson_interval(kept, count))
