"""The walk of every account through the steps of a funnel, set-wise: figures of each step, and the accounts behind them.

An account enters with its first event of the first step in the period. It reaches a step with the first
event of that kind after the step before, known by now, within the window from its first step. For two
steps these are the numbers of `conversion_rate` by its variant `funnel`. Definitions: `docs/metrics.md`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.event_kinds import EVENT_KINDS
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.engine import ask
from metrics.kpis.question import Question, WrongQuestion

# what a funnel is broken down by; the month is that of the first step
BREAKDOWNS = ("segment", "plan", "month", "country", "owner")
REACHED, CONVERTED, STUCK = "reached", "converted", "stuck"
SIDES = (REACHED, CONVERTED, STUCK)


@dataclass(frozen=True)
class Stage:
    """One step as the walk needs it: a kind, and the part of its payload that must have a value (both may be empty)."""

    kind: str
    key: str = ""
    value: str = ""


@dataclass(frozen=True)
class Count:
    """One step of one group: how many reached it, how many of them the next one, and how many still may.

    `seconds` is the median from this step to the next of those who reached that; None without any.
    """

    reached: int
    converted: int
    open: int
    seconds: int | None


@dataclass(frozen=True)
class Walker:
    """One account at a step: when it got there, and when to the next (None: not yet)."""

    account_id: int
    at: dt.datetime
    next_at: dt.datetime | None


def question_of(
    stages: Sequence[Stage],
    *,
    start: str,
    end: str,
    now: dt.datetime,
    window_days: int | None = None,
    segment: str | None = None,
    filters: Mapping[str, Any] | None = None,
    as_of: str | None = None,
    accounts: Sequence[int] | None = None,
) -> Question:
    """The checked question of a funnel. Raises WrongQuestion for fewer than two steps, unknown kinds, a wrong period or filter."""
    if len(stages) < 2:
        raise WrongQuestion("A funnel has two steps or more.")
    for stage in stages:
        if stage.kind not in EVENT_KINDS:
            raise WrongQuestion(f"{stage.kind} is no kind of event.")
    params = {"from_event": stages[0].kind, "to_event": stages[-1].kind, **({"within_days": str(window_days)} if window_days is not None else {})}
    return ask(
        name="conversion_rate", variant="funnel", start=start, end=end, now=now, segment=segment, filters=filters, as_of=as_of, params=params, accounts=accounts
    )  # fmt: skip


def _matches(stage: Stage, conditions: Conditions) -> str:
    """SQL: event `v` is of this step."""
    told = f" AND v.payload->>{conditions.bind(stage.key)} = {conditions.bind(stage.value)}" if stage.key else ""
    return f"v.kind = {conditions.bind(stage.kind)}{told}"


def _walks(question: Question, stages: Sequence[Stage], by: str | None) -> tuple[str, Conditions]:
    """SQL: CTE `walks(account_id, key, at1, at2, ..., over_at)`, a row an account that entered; and what it binds."""
    within = question.params["within_days"]
    conditions = Conditions({"s": question.start, "e": question.until, "known": question.horizon, "zone": str(question.zone), "within": within})
    steps = [_matches(stage, conditions) for stage in stages]
    narrow(question, conditions, (ACCOUNT_SQL,), "f.at1")
    if by is None:
        group = "NULL::text"
    elif by == "month":
        group = "to_char(f.at1 AT TIME ZONE %(zone)s, 'YYYY-MM')"
    elif by in BREAKDOWNS:
        group = expression(by, (ACCOUNT_SQL,), "f.at1")
    else:
        raise WrongQuestion(f"A funnel has no breakdown by “{by}”; there are {', '.join(BREAKDOWNS)}.")
    over = "NULL::timestamptz" if within is None else "((f.at1 AT TIME ZONE %(zone)s + make_interval(days => %(within)s)) AT TIME ZONE %(zone)s)"
    parts = [
        f"froms AS (SELECT v.account_id, min(v.occurred_at) AS at1 FROM accounts_accountevent v WHERE {steps[0]} AND v.occurred_at >= %(s)s AND v.occurred_at < %(e)s "
        "GROUP BY v.account_id)",
        f"w1 AS (SELECT f.account_id, {group} AS key, f.at1, {over} AS over_at FROM froms f JOIN accounts_account a ON a.id = f.account_id "
        f"WHERE NOT a.excluded AND {conditions.sql})",
    ]
    for place, step in enumerate(steps[1:], start=2):
        before = place - 1
        # the first step of the next kind after this one; those whose window closed before it never get there
        parts.append(
            f"n{place} AS (SELECT w.account_id, min(v.occurred_at) AS at{place} FROM w{before} w JOIN accounts_accountevent v ON v.account_id = w.account_id "
            f"WHERE {step} AND v.occurred_at > w.at{before} AND v.occurred_at < %(known)s AND (w.over_at IS NULL OR v.occurred_at <= w.over_at) GROUP BY w.account_id)"
        )
        parts.append(f"w{place} AS (SELECT w.*, n.at{place} FROM w{before} w LEFT JOIN n{place} n ON n.account_id = w.account_id)")
    parts.append(f"walks AS (SELECT * FROM w{len(steps)})")
    return "WITH " + ", ".join(parts), conditions


def counts(question: Question, stages: Sequence[Stage], by: str | None = None) -> dict[str | None, list[Count]]:
    """The steps of the funnel, per group; without `by` one group under None. One statement."""
    sql, conditions = _walks(question, stages, by)
    columns = []
    for place in range(1, len(stages) + 1):
        if place == len(stages):
            columns.append(f"count(at{place}), 0, 0, NULL")
            continue
        following = f"at{place + 1}"
        columns.append(
            f"count(at{place}), count({following}), count(*) FILTER (WHERE at{place} IS NOT NULL AND {following} IS NULL AND (over_at IS NULL OR over_at >= %(known)s)), "
            f"percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM {following} - at{place})) FILTER (WHERE {following} IS NOT NULL)"
        )
    found: dict[str | None, list[Count]] = {}
    for key, *numbers in fetch(f"{sql} SELECT key, {', '.join(columns)} FROM walks GROUP BY key", conditions.values):
        found[key] = [
            Count(reached, converted, still, None if seconds is None else round(seconds))
            for reached, converted, still, seconds in zip(numbers[::4], numbers[1::4], numbers[2::4], numbers[3::4], strict=True)
        ]
    if by is None:
        found.setdefault(None, [Count(0, 0, 0, None)] * len(stages))
    return found


def walkers(
    question: Question, stages: Sequence[Stage], *, step: int, side: str, key: tuple[str, str] | None = None, after: tuple[dt.datetime, int] | None = None, size: int = 50
) -> list[Walker]:
    """Accounts at a step (from 1), the newest there first: all who reached it, those who went on, or those who are stuck.

    `key` is a breakdown and one of its groups ("" for those without). Raises WrongQuestion for a step or a side that does not exist.
    """
    if not 1 <= step <= len(stages) or side not in SIDES or (side != REACHED and step == len(stages)):
        raise WrongQuestion("The funnel has no such step.")
    sql, conditions = _walks(question, stages, key[0] if key else None)
    following = f"at{step + 1}" if step < len(stages) else "NULL::timestamptz"
    wanted = [f"at{step} IS NOT NULL"]
    if side != REACHED:
        wanted.append(f"{following} IS {'NOT ' if side == CONVERTED else ''}NULL")
    if key:
        wanted.append(f"coalesce(key, '') = {conditions.bind(key[1])}")
    if after is not None:
        wanted.append(f"(at{step}, account_id) < ({conditions.bind(after[0])}::timestamptz, {conditions.bind(after[1])}::bigint)")
    order = f"ORDER BY at{step} DESC, account_id DESC LIMIT {conditions.bind(size)}"
    return [Walker(*row) for row in fetch(f"{sql} SELECT account_id, at{step}, {following} FROM walks WHERE {' AND '.join(wanted)} {order}", conditions.values)]
