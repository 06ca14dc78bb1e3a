"""How many trials became paid, and other funnels of two steps. Definitions: `docs/metrics.md`, trials."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.event_kinds import EVENT_KINDS
from metrics.formulas.averages import conversion_rate as rate_of
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.earning import earning_ranges
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.revenue import amount_column
from surveys.scoring import wilson_interval

Figures = dict[str | None, Figure]
SETTLES_LATER = "settles_later"


def conversion_rate(question: Question, by: str | None) -> Figures:
    """Trials of the period that became paid / trials started in it; looks on to what is known now.

    `same_period` counts the conversions of the period, whenever their trials began; `funnel` takes the
    accounts with `from_event` in the period and asks which had `to_event` after it. With `within_days`
    only what came in that time counts, and a period that is younger is null. Raises WrongQuestion when a
    funnel lacks its events.
    """
    steps = _funnel(question, by) if question.variant == "funnel" else _trials(question, by)
    within = question.params["within_days"]
    settled = question.variant == "same_period" or (within is not None and _later(question, question.end, within) <= question.horizon)
    too_young = within is not None and not settled
    figures: Figures = {}
    for key, started, converted, still_open in steps or ([] if by else [(None, 0, 0, 0)]):
        figures[key] = Figure(
            value=None if too_young else rate_of(converted=converted, started=started),
            numerator=converted,
            denominator=started,
            parts={"started": started, "converted": converted, "open": still_open},
            interval=None if too_young or question.variant == "same_period" else wilson_interval(converted, started),
            flags=[] if settled else [SETTLES_LATER],
        )
    return figures


def _later(question: Question, moment: dt.datetime, days: int) -> dt.datetime:
    """So many days of the organisation's zone after a moment, the end of all time at most."""
    try:
        local = moment.astimezone(question.zone).replace(tzinfo=None) + dt.timedelta(days=days)
        return local.replace(tzinfo=question.zone).astimezone(dt.UTC)
    except OverflowError:
        return dt.datetime.max.replace(tzinfo=dt.UTC)


def _bindings(question: Question) -> dict[str, Any]:
    return {
        "s": question.start, "e": question.until, "known": question.horizon, "zone": str(question.zone),
        "n": question.params["delinquency_days"], "within": question.params["within_days"],
    }  # fmt: skip


# the last instant at which what followed still counts; null: whenever
_IN_TIME = "((({at}) AT TIME ZONE %(zone)s + make_interval(days => %(within)s::int)) AT TIME ZONE %(zone)s)"


def _counted(question: Question) -> str:
    """SQL over `steps(key, began_at, reached_at, over_at)`: started, converted and open by group."""
    in_time = f"(%(within)s::int IS NULL OR reached_at <= {_IN_TIME.format(at='began_at')})"
    if question.variant == "same_period":
        converted = f"reached_at >= %(s)s AND reached_at < %(e)s AND {in_time}"
    else:
        converted = f"began_at >= %(s)s AND began_at < %(e)s AND reached_at < %(known)s AND {in_time}"
    seen = "%(e)s" if question.variant == "same_period" else "%(known)s"
    began = "began_at >= %(s)s AND began_at < %(e)s"
    return f"""
        SELECT key, count(*) FILTER (WHERE {began}), count(*) FILTER (WHERE {converted}),
               count(*) FILTER (WHERE {began} AND (reached_at IS NULL OR reached_at >= {seen}) AND (over_at IS NULL OR over_at >= {seen}))
        FROM steps GROUP BY key HAVING count(*) FILTER (WHERE ({began}) OR ({converted})) > 0"""


def _trials(question: Question, by: str | None) -> list[tuple[str | None, int, int, int]]:
    """One trial an account, the first that began while it paid nothing; it converts with its first MRR > 0 afterwards."""
    conditions = Conditions(_bindings(question))
    narrow(question, conditions, (ACCOUNT_SQL,), "t.began_at")
    group = expression(by, (ACCOUNT_SQL,), "t.began_at") if by else "NULL::text"
    end_of_service = "least(s.end, s.cancelled_at)" if question.params["cancellation"] == "at_cancellation" else "s.end"
    sql = f"""
        WITH earned AS (
            SELECT s.account_id, range_agg({earning_ranges(question.params)}) AS ranges FROM accounts_subscription s
            WHERE {amount_column(question.params)} > 0 GROUP BY s.account_id),
        begun AS (
            SELECT a.id AS account_id, a.trial_started_at AS began_at FROM accounts_account a WHERE a.trial_started_at IS NOT NULL
            UNION ALL
            SELECT s.account_id, s.start FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id
            WHERE a.trial_started_at IS NULL AND s.trial_until > s.start),
        trials AS (
            SELECT DISTINCT ON (b.account_id) b.account_id, b.began_at, r.ranges FROM begun b LEFT JOIN earned r ON r.account_id = b.account_id
            WHERE b.began_at < %(known)s AND NOT coalesce(r.ranges @> b.began_at, false) ORDER BY b.account_id, b.began_at),
        steps AS (
            SELECT {group} AS key, t.began_at,
                   (SELECT min(lower(p)) FROM unnest(t.ranges) p WHERE lower(p) >= t.began_at) AS reached_at,
                   coalesce(a.trial_ended_at, (SELECT max(least(s.trial_until, {end_of_service})) FROM accounts_subscription s
                                               WHERE s.account_id = t.account_id AND s.trial_until IS NOT NULL AND s.start >= t.began_at), a.churned_at) AS over_at
            FROM trials t JOIN accounts_account a ON a.id = t.account_id WHERE NOT a.excluded AND {conditions.sql})
        {_counted(question)}"""
    return fetch(sql, conditions.values)


def _funnel(question: Question, by: str | None) -> list[tuple[str | None, int, int, int]]:
    """Accounts by their first `from_event` in the period, and the first `to_event` after it."""
    kinds = {}
    for name in ("from_event", "to_event"):
        kinds[name] = question.params[name]
        if kinds[name] not in EVENT_KINDS:
            fault = "is missing" if kinds[name] is None else f"={kinds[name]} is no kind of event"
            raise WrongQuestion(f"conversion_rate: {name} {fault}; there are {', '.join(EVENT_KINDS)}.")
    conditions = Conditions({**_bindings(question), **kinds})
    narrow(question, conditions, (ACCOUNT_SQL,), "f.began_at")
    group = expression(by, (ACCOUNT_SQL,), "f.began_at") if by else "NULL::text"
    over = f"CASE WHEN %(within)s::int IS NOT NULL THEN {_IN_TIME.format(at='f.began_at')} END"
    sql = f"""
        WITH froms AS (
            SELECT v.account_id, min(v.occurred_at) AS began_at FROM accounts_accountevent v
            WHERE v.kind = %(from_event)s AND v.occurred_at >= %(s)s AND v.occurred_at < %(e)s GROUP BY v.account_id),
        steps AS (
            SELECT {group} AS key, f.began_at, {over} AS over_at,
                   (SELECT min(v.occurred_at) FROM accounts_accountevent v WHERE v.account_id = f.account_id AND v.kind = %(to_event)s AND v.occurred_at > f.began_at) AS reached_at
            FROM froms f JOIN accounts_account a ON a.id = f.account_id WHERE NOT a.excluded AND {conditions.sql})
        {_counted(question)}"""
    return fetch(sql, conditions.values)
