"""Customers without a contract: active by orders in a window. Definitions: `docs/metrics.md`, churn by inactivity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from metrics.kpis.assumptions import activity_months
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.orders import PAID_ORDER, kept_by
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.readings import read_once


def completed(at: str) -> str:
    """SQL: whether transaction `x` is a completed order as seen at an instant (SQL): paid, and not wholly paid back."""
    return f"{PAID_ORDER} AND {kept_by(at)}"


@dataclass
class Shoppers:
    """Counts of e-commerce customers over a period."""

    customers_start: int = 0
    churned: int = 0
    new: int = 0
    reactivated: int = 0
    customers_end: int = 0
    lapse_events: int = 0


def window_of(question: Question, conditions: Conditions) -> str:
    """SQL: how long an order keeps a customer. Raises WrongQuestion when both kinds of window are given."""
    months, days = question.params.get("window_months"), question.params.get("window_days")
    if months is not None and days is not None:
        raise WrongQuestion("Give window_months or window_days, not both.")
    if days is not None:
        return f"make_interval(days => {conditions.bind(days)})"
    return f"make_interval(months => {conditions.bind(months or activity_months())})"


def visits(question: Question, conditions: Conditions) -> str:
    """SQL: (account_id, active) of e-commerce accounts, the ranges of time in which an order keeps them. Binds the end of the period as t1, and the zone."""
    window = window_of(question, conditions)
    return f"""SELECT x.account_id, range_agg(tstzrange(x.occurred_at, ((x.occurred_at AT TIME ZONE %(zone)s + {window}) AT TIME ZONE %(zone)s), '(]')) AS active
        FROM accounts_transaction x JOIN accounts_account a ON a.id = x.account_id
        WHERE a.business_model = 'ecommerce' AND x.occurred_at < %(t1)s AND {completed("%(t1)s")} GROUP BY x.account_id"""


# who ever bought, and when first: where an account that came in the period is counted; binds the end of the period as t1
FIRST_ORDERS = f"firsts AS (SELECT x.account_id, min(x.occurred_at) AS first_at FROM accounts_transaction x WHERE {PAID_ORDER} AND x.occurred_at < %(t1)s GROUP BY x.account_id)"


def shoppers(question: Question, by: str | None, *, everybody: bool = False) -> dict[str | None, Shoppers]:
    """Who was active at the start and at the end: at least one completed order in [t - W, t).

    `everybody` looks at every account that has orders, otherwise at accounts whose business is e-commerce.
    Raises WrongQuestion when both kinds of window are given.
    """
    known = None if everybody else question.known("shoppers", by)
    return dict(_counted(question, by, everybody) if known is None else known)


@read_once("window_months", "window_days")
def _counted(question: Question, by: str | None, everybody: bool) -> dict[str | None, Shoppers]:
    conditions = Conditions({"t0": question.start, "t1": question.until, "zone": str(question.zone)})
    window, at = window_of(question, conditions), "greatest(%(t0)s, f.first_at)"
    narrow(question, conditions, (ACCOUNT_SQL,), at)
    group = expression(by, (ACCOUNT_SQL,), at) if by in ACCOUNT_SQL else "NULL::text"

    def began(at: str) -> str:
        # months are counted in the organisation's zone, as calendars do
        return f"((({at}) AT TIME ZONE %(zone)s - {window}) AT TIME ZONE %(zone)s)"

    sql = f"""
        WITH {FIRST_ORDERS},
        orders AS (
            SELECT x.account_id, {group} AS key,
                   bool_or({completed("%(t0)s")} AND x.occurred_at >= {began("%(t0)s")} AND x.occurred_at < %(t0)s) AS before,
                   bool_or({completed("%(t1)s")} AND x.occurred_at >= {began("%(t1)s")} AND x.occurred_at < %(t1)s) AS after,
                   min(x.occurred_at) FILTER (WHERE {completed("%(t1)s")}) AS first_at
            FROM accounts_transaction x JOIN accounts_account a ON a.id = x.account_id JOIN firsts f ON f.account_id = x.account_id
            WHERE NOT a.excluded AND x.occurred_at < %(t1)s {"" if everybody else "AND a.business_model = 'ecommerce'"} AND {conditions.sql}
            GROUP BY 1, 2),
        gaps AS (
            SELECT x.account_id, x.occurred_at, lead(x.occurred_at) OVER (PARTITION BY x.account_id ORDER BY x.occurred_at) AS following
            FROM accounts_transaction x WHERE {completed("%(t1)s")} AND x.occurred_at < %(t1)s AND x.account_id IN (SELECT account_id FROM orders)),
        lapses AS (
            SELECT account_id, count(*) AS events FROM (
                SELECT account_id, following, ((occurred_at AT TIME ZONE %(zone)s + {window}) AT TIME ZONE %(zone)s) AS lapsed_at FROM gaps) g
            WHERE lapsed_at >= %(t0)s AND lapsed_at < %(t1)s AND (following IS NULL OR following > lapsed_at) GROUP BY account_id)
        SELECT o.key, count(*) FILTER (WHERE before), count(*) FILTER (WHERE before AND NOT after), count(*) FILTER (WHERE NOT before AND after AND first_at >= %(t0)s),
               count(*) FILTER (WHERE NOT before AND after AND first_at < %(t0)s), count(*) FILTER (WHERE after), coalesce(sum(l.events), 0)
        FROM orders o LEFT JOIN lapses l ON l.account_id = o.account_id GROUP BY o.key"""
    found = {key: Shoppers(*(int(count) for count in counts)) for key, *counts in fetch(sql, conditions.values)}
    if by is None and not found:
        found[None] = Shoppers()
    return found


def lapsed(question: Question, by: str | None, months: Sequence[tuple[dt.datetime, dt.datetime]]) -> list[dict[str | None, tuple[int, int]]]:
    """Of each of some months that follow one another: (lost, active at its start) by group, over every account that has orders.

    The same as `churned` and `customers_start` of `shoppers` with `everybody`, by one pass over the orders. A group is
    left out of a month at whose start none of it was active.
    Raises WrongQuestion when both kinds of window are given.
    """
    if not months:
        return []
    conditions = Conditions({"zone": str(question.zone), "last": len(months)})
    window = window_of(question, conditions)
    instants = conditions.bind([begin for begin, _end in months] + [months[-1][1]])
    narrow(question, conditions, (ACCOUNT_SQL,), "e.at")
    group = expression(by, (ACCOUNT_SQL,), "e.at") if by in ACCOUNT_SQL else "NULL::text"
    sql = f"""
        WITH edges AS MATERIALIZED (
            SELECT turn, at, ((at AT TIME ZONE %(zone)s - {window}) AT TIME ZONE %(zone)s) AS since FROM unnest({instants}::timestamptz[]) WITH ORDINALITY AS u (at, turn)),
        active AS (
            SELECT DISTINCT x.account_id, e.turn FROM accounts_transaction x JOIN edges e ON x.occurred_at >= e.since AND x.occurred_at < e.at
            WHERE {completed("e.at")} AND x.occurred_at >= (SELECT min(since) FROM edges)),
        following AS (SELECT account_id, turn, lead(turn) OVER (PARTITION BY account_id ORDER BY turn) IS NOT DISTINCT FROM turn + 1 AS still FROM active)
        SELECT {group} AS key, e.turn, count(*) FILTER (WHERE NOT f.still), count(*)
        FROM following f JOIN edges e ON e.turn = f.turn JOIN accounts_account a ON a.id = f.account_id
        WHERE e.turn <= %(last)s AND NOT a.excluded AND {conditions.sql} GROUP BY 1, 2"""
    found: list[dict[str | None, tuple[int, int]]] = [{} for _ in months]
    for key, turn, lost, at_start in fetch(sql, conditions.values):
        found[turn - 1][key] = lost, at_start
    return found
