"""When an account earned: the ranges of time in which it had MRR > 0, worked out by the database as multiranges.

A range is open at its beginning and closed at its end, which is the left limit of the conventions:
an account earns at `t` where it began before `t` and had not ended before `t`.
"""

from __future__ import annotations

from typing import Any

from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, narrow
from metrics.kpis.question import Question
from metrics.kpis.revenue import amount_column
from metrics.ledger.statements import HALF


def earning_ranges(params: dict[str, Any] | Any) -> str:
    """SQL: the ranges in which span `s` counts as MRR, by the four conventions. Binds: %(n)s days past due if asked."""
    ends = ["s.end", "coalesce(s.unpaid_at, CASE WHEN s.status = 'unpaid' THEN s.start END)"]
    if params["cancellation"] == "at_cancellation":
        ends.append("s.cancelled_at")
    if params["delinquency_days"] is not None:
        ends.append("coalesce(s.past_due_since, CASE WHEN s.status = 'past_due' THEN s.start END) + make_interval(days => %(n)s)")
    begin, end = "greatest(s.start, coalesce(s.trial_until, s.start))", f"least({', '.join(ends)})"
    earns = (
        f"CASE WHEN s.status = 'trialing' AND s.trial_until IS NULL THEN '{{}}'::tstzmultirange "
        f"WHEN {end} IS NULL OR {end} > {begin} THEN tstzmultirange(tstzrange({begin}, {end}, '(]')) ELSE '{{}}'::tstzmultirange END"
    )
    if params["pause"] != "zero":
        return earns
    pause = "coalesce(s.paused_from, CASE WHEN s.status = 'paused' THEN s.start END)"
    return f"({earns}) - CASE WHEN {pause} IS NULL OR s.paused_until <= {pause} THEN '{{}}'::tstzmultirange ELSE tstzmultirange(tstzrange({pause}, s.paused_until, '(]')) END"


def earners(question: Question, by: str | None, *, model: str | None = None, halved: bool = False) -> tuple[str, dict[str, Any]]:
    """A WITH clause that ends in `earners(account_id, key, earns, first_at)`, and what it binds.

    Holds every account in question that ever earned before the horizon. `earns` is the multirange of the
    account over all its spans; `key` the group by a dimension of accounts, taken at the start of the
    period or, for those that came later, when they began. Binds %(t0)s, %(t1)s (end, or what is known of
    it), %(known)s (the horizon) and %(zone)s. `halved` is for `fetch_in_two`.
    """
    params = question.params
    conditions = Conditions({"t0": question.start, "t1": question.until, "known": question.horizon, "n": params["delinquency_days"], "zone": str(question.zone)})
    at = "greatest(%(t0)s, e.first_at)"
    narrow(question, conditions, (ACCOUNT_SQL,), at)
    if model is not None:
        conditions.parts.append(f"a.business_model = {conditions.bind(model)}")
    group = expression(by, (ACCOUNT_SQL,), at) if by else "NULL::text"
    sql = f"""
        WITH ranges AS (
            SELECT s.account_id, range_agg({earning_ranges(params)}) AS earns FROM accounts_subscription s
            WHERE {amount_column(params)} > 0 AND s.start < %(known)s {f"AND s.{HALF}" if halved else ""} GROUP BY s.account_id),
        firsts AS (SELECT account_id, earns, lower(earns) AS first_at FROM ranges WHERE NOT isempty(earns) AND lower(earns) < %(known)s),
        earners AS (
            SELECT e.account_id, {group} AS key, e.earns, e.first_at FROM firsts e JOIN accounts_account a ON a.id = e.account_id
            WHERE NOT a.excluded AND {conditions.sql})"""
    return sql, conditions.values
