"""Every change of MRR inside a period, account by account: what a log of events shows and a bridge does not.

Only accounts with a span that changes in the period are read. Amounts are valued at the rates of the
opening, as in the bridge, so that both come to the same sum.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from accounts.models import Account
from metrics.formulas.daily import CHURNED, NEW, movement
from metrics.kpis.bridge import TABLES, rate_at
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, listed, narrow
from metrics.kpis.earning import earning_ranges
from metrics.kpis.question import Question
from metrics.kpis.readings import read_once
from metrics.kpis.revenue import MICROS, amount_column
from metrics.kpis.shoppers import visits
from metrics.ledger.statements import HALF, fetch_in_two
from metrics.ledger.statements import fetch as fetch_many

# changes of one account this close together are one
JOINED = dt.timedelta(minutes=60)
PAUSE, PAYMENT, INACTIVITY = "pause", "payment_failure", "inactivity"


@dataclass
class Step:
    """What changed for one account at one instant, by key of the breakdown: MRR and the number of spans that earn."""

    at: dt.datetime
    deltas: dict[str | None, Decimal] = field(default_factory=dict)
    spans: int = 0
    reason: str | None = None
    involuntary: bool = False

    def join(self, later: Step) -> None:
        """Takes in a change that came shortly after."""
        for key, delta in later.deltas.items():
            self.deltas[key] = self.deltas.get(key, Decimal(0)) + delta
        self.spans += later.spans
        self.reason, self.involuntary = later.reason or self.reason, later.involuntary or self.involuntary


@dataclass
class History:
    """The changes of one account, in order of time. Money in units of the reporting currency."""

    account: str
    key: str | None = None
    had_paid: bool = False
    opening: Decimal = Decimal(0)
    spans: int = 0
    steps: list[Step] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    model: str = "subscription"

    def joined(self) -> list[Step]:
        """The changes, those within 60 minutes of the first of them as one."""
        found: list[Step] = []
        for step in self.steps:
            if not found or step.at - found[-1].at > JOINED:
                found.append(Step(step.at))
            found[-1].join(step)
        return found

    def movements(self) -> Iterator[Movement]:
        """Each change as new, expansion, contraction, churned or reactivation."""
        spans, had_paid = self.spans, self.had_paid or self.spans > 0
        for step in self.joined():
            after = spans + step.spans
            for key, delta in step.deltas.items():
                if delta:
                    yield Movement(step.at, self.account, key, movement(before=spans, after=after, delta=delta, had_paid=had_paid), abs(delta), step.reason, step.involuntary)
            had_paid, spans = had_paid or after > 0, after


@dataclass(frozen=True)
class Movement:
    """One line of the log; `amount` is positive."""

    at: dt.datetime
    account: str
    key: str | None
    kind: str
    amount: Decimal
    reason: str | None
    involuntary: bool


def _inside(column: str) -> str:
    return f"({column} >= %(t0)s AND {column} < %(t1)s)"


def histories(question: Question, by: str | None, *, model: str | None = None, leaving: bool = False) -> list[History]:
    """The histories of the accounts whose MRR changed in the period, with their state at its start; of one business model if it is named.

    By a dimension of spans a step has a delta for each of its values; `key` is then that of one of them.
    `leaving` keeps the accounts of which a span came to an end or paused: nobody else can have been lost.
    """
    found = _histories(question, by, leaving)
    return found if model is None else [history for history in found if history.model == model]


def changes_sql(question: Question, by: str | None, *, leaving: bool, halved: bool = False) -> tuple[str, Conditions]:
    """`WITH ... changes`: what changed for each account at each instant of the period, without one (`at` NULL) what stood at its start; and what it binds.

    `halved` is for `fetch_in_two`.
    """
    params = question.params
    conditions = Conditions(
        {"t0": question.start, "t1": question.until, "n": params["delinquency_days"], "reporting": question.currency, "zone": str(question.zone)}
    )  # fmt: skip
    at = "greatest(%(t0)s, f.first_at)"
    narrow(question, conditions, TABLES, at)
    amount, earns = amount_column(params), earning_ranges(params)
    edges = ["s.end", "s.cancelled_at", "s.paused_from", "s.unpaid_at", *([] if leaving else ["s.start", "s.trial_until", "s.paused_until"])]
    if params["delinquency_days"] is not None:
        edges.append("(coalesce(s.past_due_since, s.start) + make_interval(days => %(n)s))")
    paused = "coalesce(s.paused_from, CASE WHEN s.status = 'paused' THEN s.start END)"
    left = "s.end = upper(p)" + (" OR s.cancelled_at = upper(p)" if params["cancellation"] == "at_cancellation" else "")
    few = "" if question.scope is None else f"AND s.account_id = ANY({conditions.bind(listed(question.scope))}::bigint[])"
    # when an account first paid matters to where it is counted by a segment, and to whether it is new: not to who leaves
    first_at = "NULL::timestamptz" if leaving and "f.first_at" not in conditions.sql and by is None else f"lower(range_agg({earns}))"
    sql = f"""
        WITH touched AS (
            SELECT DISTINCT s.account_id FROM accounts_subscription s
            WHERE {amount} > 0 AND s.start < %(t1)s AND ({" OR ".join(_inside(edge) for edge in edges)}) {few} {f"AND s.{HALF}" if halved else ""}),
        firsts AS (
            SELECT s.account_id, {first_at} AS first_at FROM accounts_subscription s JOIN touched t ON t.account_id = s.account_id
            WHERE {amount} > 0 GROUP BY s.account_id),
        spans AS (
            SELECT a.external_id, a.business_model AS model, {expression(by, TABLES, at) if by else "NULL::text"} AS key, s.currency, {amount} AS micros,
                   f.first_at < %(t0)s AS had_paid,
                   coalesce({rate_at("t0")}, {rate_at("t1")}) AS rate, p, p @> %(t0)s AS at_start,
                   CASE WHEN {left} THEN coalesce(nullif(s.end_reason, ''), nullif(a.churn_reason, '')) WHEN upper(p) = {paused} THEN '{PAUSE}' ELSE '{PAYMENT}' END AS reason,
                   CASE WHEN {left} THEN coalesce(NOT s.voluntary, s.end_reason = '{PAYMENT}') ELSE upper(p) IS DISTINCT FROM {paused} END AS involuntary
            FROM accounts_subscription s JOIN firsts f ON f.account_id = s.account_id JOIN accounts_account a ON a.id = s.account_id, unnest({earns}) p
            WHERE NOT a.excluded AND {amount} > 0 AND s.start < %(t1)s AND {conditions.sql}),
        steps AS (
            SELECT external_id, model, key, NULL::timestamptz AS at, micros * rate AS micros, 1 AS spans, had_paid, NULL AS reason, false AS involuntary,
                   CASE WHEN rate IS NULL THEN currency END AS missing FROM spans WHERE at_start
            UNION ALL
            SELECT external_id, model, key, lower(p), micros * rate, 1, had_paid, NULL, false, CASE WHEN rate IS NULL THEN currency END FROM spans WHERE {_inside("lower(p)")}
            UNION ALL
            SELECT external_id, model, key, upper(p), -micros * rate, -1, had_paid, reason, involuntary, CASE WHEN rate IS NULL THEN currency END
            FROM spans WHERE {_inside("upper(p)")}),
        changes AS (
            SELECT external_id, key, at, coalesce(sum(micros), 0) AS micros, sum(spans) AS spans, bool_or(had_paid) AS had_paid, max(reason) AS reason,
                   bool_or(involuntary) AS involuntary, array_agg(DISTINCT missing) FILTER (WHERE missing IS NOT NULL) AS missing, max(model) AS model
            FROM steps GROUP BY external_id, key, at)"""
    return sql, conditions


@read_once()
def _histories(question: Question, by: str | None, leaving: bool) -> list[History]:
    sql, conditions = changes_sql(question, by, leaving=leaving)
    rows = fetch_many(f"{sql} SELECT * FROM changes ORDER BY external_id, at NULLS FIRST", conditions.values)
    found: dict[str, History] = {}
    for account, key, moment, micros, spans, had_paid, reason, involuntary, missing, model in rows:
        history = found.setdefault(account, History(account, key, had_paid, model=model))
        history.missing |= set(missing or ())
        if moment is None:
            history.opening, history.spans = history.opening + micros / MICROS, history.spans + spans
            continue
        step = Step(moment, {key: micros / MICROS}, int(spans), reason, involuntary)
        if history.steps and history.steps[-1].at == moment:
            history.steps[-1].join(step)
        else:
            history.steps.append(step)
    return [history for history in found.values() if history.steps]


@read_once("window_months", "window_days")
def shop_histories(question: Question, by: str | None) -> list[History]:
    """The same of e-commerce accounts: they come with an order, and leave when the window after their last one is over."""
    conditions = Conditions({"t0": question.start, "t1": question.until, "zone": str(question.zone)})
    at = "greatest(%(t0)s, lower(v.active))"
    kept = visits(question, conditions)
    narrow(question, conditions, (ACCOUNT_SQL,), at)
    sql = f"""
        WITH kept AS ({kept}),
        visits AS (
            SELECT a.external_id, {expression(by, (ACCOUNT_SQL,), at) if by else "NULL::text"} AS key, v.active
            FROM kept v JOIN accounts_account a ON a.id = v.account_id WHERE NOT a.excluded AND {conditions.sql}),
        steps AS (
            SELECT external_id, key, active @> %(t0)s AS at_start, lower(active) < %(t0)s AS had_bought, lower(p) AS at, 1 AS spans FROM visits, unnest(active) p
            UNION ALL
            SELECT external_id, key, active @> %(t0)s, lower(active) < %(t0)s, upper(p), -1 FROM visits, unnest(active) p)
        SELECT external_id, key, at_start, had_bought, at, spans FROM steps WHERE {_inside("at")} ORDER BY external_id, at"""
    found: dict[str, History] = {}
    for account, key, at_start, had_bought, moment, spans in fetch(sql, conditions.values):
        history = found.setdefault(account, History(account, key, had_bought, spans=int(at_start)))
        history.steps.append(Step(moment, {key: Decimal(spans)}, spans, INACTIVITY))
    return list(found.values())


@dataclass
class Losses:
    """What a log of changes says of one group: how often customers left, why, and how many came for the first time."""

    churn_events: int = 0
    new: int = 0
    # of those that were there at the start and are gone at the end: by reason, customers and the MRR they had
    lost: dict[str | None, int] = field(default_factory=dict)
    lost_mrr: dict[str | None, Decimal] = field(default_factory=dict)
    events: dict[str | None, int] = field(default_factory=dict)
    # of those, who did not choose it
    involuntary: dict[str | None, int] = field(default_factory=dict)


def losses(found: list[History]) -> dict[str | None, Losses]:
    """Losses by group, over the histories of subscriptions or shops."""
    groups: dict[str | None, Losses] = {}
    for history in found:
        group = groups.setdefault(history.key, Losses())
        last: Movement | None = None
        for entry in history.movements():
            if entry.kind == CHURNED:
                last = entry
                group.churn_events += 1
                group.events[entry.reason] = group.events.get(entry.reason, 0) + 1
            group.new += entry.kind == NEW
        if last is not None and history.spans and not history.spans + sum(step.spans for step in history.steps):
            group.lost[last.reason] = group.lost.get(last.reason, 0) + 1
            group.lost_mrr[last.reason] = group.lost_mrr.get(last.reason, Decimal(0)) + history.opening
            group.involuntary[last.reason] = group.involuntary.get(last.reason, 0) + last.involuntary
    return groups


def losses_of(question: Question, by: str | None, *, model: str | None = None, newcomers: bool = False) -> dict[str | None, Losses]:
    """Losses of subscriptions by group, of one business model if it is named; who is `new` is counted where that is asked for."""
    known = question.known("losses", by, model)
    return _losses(question, by, model, newcomers) if known is None else known


@read_once()
def _losses(question: Question, by: str | None, model: str | None, newcomers: bool) -> dict[str | None, Losses]:
    if by is not None or newcomers:
        return losses(histories(question, by, model=model, leaving=not newcomers))
    found = Losses()
    for one in departures(question, model):
        found.churn_events += one.events
        found.events[one.reason] = found.events.get(one.reason, 0) + one.events
        if one.lost:
            found.lost[one.reason] = found.lost.get(one.reason, 0) + one.lost
            found.lost_mrr[one.reason] = found.lost_mrr.get(one.reason, Decimal(0)) + one.lost_mrr
            found.involuntary[one.reason] = found.involuntary.get(one.reason, 0) + one.lost * one.involuntary
    return {None: found}


@dataclass(frozen=True)
class Departures:
    """Changes by which customers left, alike in reason and will: how often, and the MRR that went.

    Of those, `lost` are customers of the start who are none at the end and left last this way, with their MRR at the start.
    """

    model: str
    reason: str | None
    involuntary: bool
    events: int
    amount: Decimal
    lost: int
    lost_mrr: Decimal


# where two changes come close to one another they may be one: what such an account did is told change by change
_DEPARTURES = """, walked AS (
        SELECT external_id, model, at, micros, reason, involuntary, sum(spans) OVER told - spans AS before, sum(spans) OVER told AS after,
               at - lag(at) OVER told <= %(joined)s AS near,
               sum(spans) FILTER (WHERE at IS NULL) OVER whole AS first, sum(spans) OVER whole AS last, sum(micros) FILTER (WHERE at IS NULL) OVER whole AS opening
        FROM changes WINDOW told AS (PARTITION BY external_id ORDER BY at NULLS FIRST), whole AS (PARTITION BY external_id)),
    near AS MATERIALIZED (SELECT DISTINCT external_id FROM walked WHERE near),
    departed AS (
        SELECT *, first > 0 AND last = 0 AND lead(at) OVER (PARTITION BY external_id ORDER BY at) IS NULL AS lost FROM walked
        WHERE at IS NOT NULL AND before > 0 AND after = 0 AND micros <> 0 AND external_id NOT IN (SELECT external_id FROM near))
    SELECT model, reason, involuntary, count(*), sum(abs(micros)), count(*) FILTER (WHERE lost), coalesce(sum(opening) FILTER (WHERE lost), 0), NULL
    FROM departed GROUP BY 1, 2, 3 UNION ALL SELECT NULL, NULL, false, 0, 0, 0, 0, array_agg(external_id) FROM near"""


def departures(question: Question, model: str | None) -> list[Departures]:
    """How customers of subscriptions left in the period, of one business model if it is named; what `movements` say, summed up by the database."""
    return [one for one in _departures(question) if model in (None, one.model)]


@read_once()
def _departures(question: Question) -> list[Departures]:
    sql, conditions = changes_sql(question, None, leaving=True, halved=True)
    found: list[Departures] = []
    for model, reason, involuntary, events, amount, lost, lost_mrr, near in fetch_in_two(sql + _DEPARTURES, {**conditions.values, "joined": JOINED}):
        if events:
            found.append(Departures(model, reason, involuntary, events, amount / MICROS, lost, lost_mrr / MICROS))
        if near:
            accounts = Account.objects.filter(external_id__in=near).values_list("pk", flat=True)
            for history in histories(replace(question, scope=tuple(accounts)), None, leaving=True):
                found += _departures_of(history)
    return found


def _departures_of(history: History) -> list[Departures]:
    left = [entry for entry in history.movements() if entry.kind == CHURNED]
    lost = bool(history.spans) and not history.spans + sum(step.spans for step in history.steps)
    return [
        Departures(history.model, entry.reason, entry.involuntary, 1, entry.amount, int(lost and entry is left[-1]), history.opening if lost and entry is left[-1] else Decimal(0))
        for entry in left
    ]


def shop_losses_of(question: Question, by: str | None) -> dict[str | None, Losses]:
    """Losses of shops by group."""
    known = question.known("shop_losses", by)
    return losses(shop_histories(question, by)) if known is None else known


def each_day(question: Question, found: list[History]) -> dict[str | None, dict[dt.date, dict[str, Any]]]:
    """Changes by group and day of the zone: what was lost, gained and new of MRR, and customers lost and gained; each from the day's start to its end."""
    groups: dict[str | None, dict[dt.date, dict[str, Any]]] = {}
    for history in found:
        held, spans, had_paid = history.opening, history.spans, history.had_paid or history.spans > 0
        days: dict[dt.date, list[Step]] = {}
        for step in history.steps:
            days.setdefault(step.at.astimezone(question.zone).date(), []).append(step)
        for day, steps in days.items():
            after, left = held + sum((sum(step.deltas.values()) for step in steps), Decimal(0)), spans + sum(step.spans for step in steps)
            told = groups.setdefault(history.key, {}).setdefault(day, {"fallen": Decimal(0), "grown": Decimal(0), "new": Decimal(0), "back": Decimal(0), "lost": 0, "gained": 0})
            if spans:
                told["fallen"] += max(held - after, Decimal(0))
                told["grown"] += max(after - held, Decimal(0))
                told["lost"] += not left
            elif left:
                told["back" if had_paid else "new"] += after
                told["gained"] += 1
            # who came and went within the day has paid, too
            held, spans, had_paid = after, left, had_paid or left > 0 or any(step.spans > 0 for step in steps)
    return groups
