"""The MRR bridge between two instants, per account and set-wise: what most revenue figures are made of.

Point to point: opening and closing MRR of each account are compared, however long the period is.
Movements are valued at the rates of the opening; what the rates did to the closing book is `fx`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, localcontext
from typing import Any

from metrics.kpis.dimensions import ACCOUNT_SQL, SPAN_SQL, Conditions, Tables, expression, fetch, narrow
from metrics.kpis.question import Question
from metrics.kpis.readings import read_once
from metrics.kpis.revenue import MICROS, amount_column, in_force, paying
from metrics.ledger.statements import HALF, fetch_in_two

TABLES: Tables = (ACCOUNT_SQL, SPAN_SQL)
SUBSCRIPTION = "subscription"
# digits in which sums of the database are added up
_EXACT = 60
_NOTHING = Decimal(0)
# of a bridge, so many fields are money; the ones after are counts
_MONEY = 8


@dataclass
class Bridge:
    """Opening to closing of one group. Money in units of the reporting currency; counts are accounts."""

    opening: Decimal = Decimal(0)
    new: Decimal = Decimal(0)
    expansion: Decimal = Decimal(0)
    contraction: Decimal = Decimal(0)
    churned: Decimal = Decimal(0)
    reactivation: Decimal = Decimal(0)
    fx: Decimal = Decimal(0)
    closing: Decimal = Decimal(0)
    transient_accounts: int = 0
    customers_start: int = 0
    customers_new: int = 0
    customers_reactivated: int = 0
    customers_churned: int = 0
    customers_end: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def net_new(self) -> Decimal:
        """Closing less opening less the effect of exchange rates."""
        return self.closing - self.opening - self.fx


def _at(sql: str, name: str) -> str:
    """A fragment of `revenue` at another bound instant."""
    return sql.replace("%(t)s", f"%({name})s")


# of a row of `bridge_sql`; money in millionths
BRIDGE_COLUMNS = ("key", *(column.name for column in fields(Bridge)))


def rate_at(name: str) -> str:
    """SQL: the last rate of span `s`'s currency before a bound instant; 1 for the reporting currency."""
    return (
        "CASE WHEN s.currency = %(reporting)s THEN 1 ELSE (SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = s.currency "
        f"AND (x.day::timestamp AT TIME ZONE %(zone)s) < %({name})s ORDER BY x.day DESC LIMIT 1) END"
    )


def first_earning(params: Mapping[str, Any]) -> str:
    """SQL: the moment after which span `s` earns for the first time, by the four conventions; NULL for one that never does. Binds: %(n)s days past due if asked."""
    ends = ["s.end", "coalesce(s.unpaid_at, CASE WHEN s.status = 'unpaid' THEN s.start END)"]
    if params["cancellation"] == "at_cancellation":
        ends.append("s.cancelled_at")
    if params["delinquency_days"] is not None:
        ends.append("coalesce(s.past_due_since, CASE WHEN s.status = 'past_due' THEN s.start END) + make_interval(days => %(n)s)")
    begin, end = "greatest(s.start, s.trial_until)", f"least({', '.join(ends)})"
    paused = ""
    if params["pause"] == "zero":
        pause = "coalesce(s.paused_from, CASE WHEN s.status = 'paused' THEN s.start END)"
        covers = f"{pause} <= {begin} AND (s.paused_until IS NULL OR s.paused_until > greatest({begin}, {pause}))"
        paused = f"WHEN {covers} THEN CASE WHEN {end} IS NULL OR s.paused_until < {end} THEN s.paused_until END "
    return f"CASE WHEN (s.status = 'trialing' AND s.trial_until IS NULL) OR {end} <= {begin} THEN NULL {paused}ELSE {begin} END"


def bridges(question: Question, by: str | None, *, model: str | None = None) -> dict[str | None, Bridge]:
    """The bridge of every group from the start of the period to its end (or as far as is known).

    `model` keeps the accounts of one business model; without it every account with spans is in.

    A group in which nobody paid at the start, at the end or for the first time in between is left out.
    By a dimension of spans (product, kind, currency) the comparison is per account and value. An account
    is in the group it was in at the start; a new one in that of its first day.
    """
    known = question.known("bridges", by, model)
    if known is None and model == SUBSCRIPTION and not _has_others(question):
        model = None
    return dict(_bridges(question, by, model) if known is None else known)


@read_once()
def _has_others(question: Question) -> bool:
    """Whether there is anybody who does not subscribe."""
    return bool(fetch("SELECT EXISTS (SELECT 1 FROM accounts_account a WHERE a.business_model <> %(model)s AND NOT a.excluded)", {"model": SUBSCRIPTION})[0][0])


def bridge_sql(question: Question, by: str | None, model: str | None, *, extra: str = "") -> tuple[str, Conditions]:
    """The select of bridges, for `fetch_in_two`: a row a group and half, in the columns of `BRIDGE_COLUMNS`; and what it binds.

    `extra` is a further condition over a span `s` and its account `a`; it may name `t0` and `t1`.
    """
    params = question.params
    conditions = Conditions(
        {"whole": by is None, "t0": question.start, "t1": question.until, "n": params["delinquency_days"], "reporting": question.currency, "zone": str(question.zone)}
    )  # fmt: skip
    at = "greatest(%(t0)s, coalesce(f.first_at, %(t0)s))"
    narrow(question, conditions, TABLES, at)
    if extra:
        conditions.parts.append(extra)
    if model is not None:
        conditions.parts.append(f"a.business_model = {conditions.bind(model)}")
    group = expression(by, TABLES, at) if by else "NULL::text"
    amount = amount_column(params)
    sql = f"""
        WITH firsts AS (
            SELECT s.account_id, min({first_earning(params)}) AS first_at FROM accounts_subscription s WHERE {amount} > 0 AND s.{HALF} GROUP BY s.account_id),
        spans AS (
            SELECT s.account_id, {group} AS key, s.currency, f.first_at,
                   CASE WHEN {_at(in_force(params), "t0")} AND {_at(paying(params), "t0")} THEN {amount} ELSE 0 END AS before,
                   CASE WHEN {_at(in_force(params), "t1")} AND {_at(paying(params), "t1")} THEN {amount} ELSE 0 END AS after,
                   {rate_at("t0")} AS rate0, {rate_at("t1")} AS rate1
            FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id LEFT JOIN firsts f ON f.account_id = s.account_id
            WHERE NOT a.excluded AND {amount} > 0 AND s.start < %(t1)s AND (s.end IS NULL OR s.end >= %(t0)s) AND s.{HALF} AND {conditions.sql}),
        books AS (
            SELECT key, account_id, min(first_at) AS first_at, bool_or(before > 0) AS was, bool_or(after > 0) AS still,
                   coalesce(sum(before * coalesce(rate0, rate1)), 0) AS opening, coalesce(sum(after * coalesce(rate0, rate1)), 0) AS closing,
                   coalesce(sum(after * rate1), 0) AS valued
            FROM spans GROUP BY key, account_id),
        -- by product an existing customer's further product is expansion, one dropped by a customer who stays contraction
        accounts AS (SELECT *, bool_or(was) OVER w AS held_before, bool_or(still) OVER w AS held_after FROM books WINDOW w AS (PARTITION BY account_id)),
        -- hardly ever a row; asked of each group, of which there may be as many as accounts
        lacking AS MATERIALIZED (
            SELECT key, array_agg(DISTINCT currency ORDER BY currency) AS currencies FROM spans
            WHERE (before > 0 AND rate0 IS NULL) OR (after > 0 AND rate1 IS NULL) GROUP BY key)
        SELECT b.key,
               sum(opening), sum(closing) FILTER (WHERE NOT held_before AND first_at >= %(t0)s),
               sum(closing - opening) FILTER (WHERE held_before AND closing > opening), sum(opening - closing) FILTER (WHERE held_after AND closing < opening),
               sum(opening) FILTER (WHERE was AND NOT held_after), sum(closing) FILTER (WHERE NOT held_before AND first_at < %(t0)s),
               sum(valued - closing), sum(valued),
               count(*) FILTER (WHERE NOT held_before AND NOT held_after AND first_at >= %(t0)s AND first_at < %(t1)s), count(*) FILTER (WHERE was),
               count(*) FILTER (WHERE NOT held_before AND still AND first_at >= %(t0)s), count(*) FILTER (WHERE NOT held_before AND still AND first_at < %(t0)s),
               count(*) FILTER (WHERE was AND NOT held_after), count(*) FILTER (WHERE still),
               (SELECT l.currencies FROM lacking l WHERE l.key IS NOT DISTINCT FROM b.key)
        FROM accounts b GROUP BY b.key HAVING %(whole)s OR bool_or(was OR still OR (first_at >= %(t0)s AND first_at < %(t1)s))"""
    return sql, conditions


@read_once()
def _bridges(question: Question, by: str | None, model: str | None) -> dict[str | None, Bridge]:
    sql, conditions = bridge_sql(question, by, model)
    # of a large base there are two rows a group, each about half of its accounts; by account there is one, and a hundred thousand groups
    told: dict[str | None, tuple[list[Any], list[str]]] = {}
    for key, *figures, missing in fetch_in_two(sql, conditions.values):
        half = told.get(key)
        told[key] = (figures, missing or []) if half is None else (_added(half[0], figures), half[1] + (missing or []))
    found = {key: _bridge(figures, missing) for key, (figures, missing) in told.items()}
    if by is None and not found:
        found[None] = Bridge()
    return found


def _bridge(figures: list[Any], missing: list[str]) -> Bridge:
    values: list[Any] = [*(value / MICROS if value else _NOTHING for value in figures[:_MONEY]), *figures[_MONEY:], sorted(set(missing))]
    return Bridge(*values)


def _added(half: list[Any], other: list[Any]) -> list[Any]:
    """The figures of two halves of a group, added up to the last digit."""
    with localcontext(prec=_EXACT):
        return [(one or 0) + (two or 0) for one, two in zip(half, other, strict=True)]


def stayed(question: Question, by: str | None) -> dict[str | None, tuple[int, int]]:
    """`customers_start` and `customers_churned` of the bridges alone, by a dimension of accounts; a group without customers at the start is left out."""
    params = question.params
    conditions = Conditions({"t0": question.start, "t1": question.until, "n": params["delinquency_days"], "zone": str(question.zone)})
    narrow(question, conditions, (ACCOUNT_SQL,), "%(t0)s")
    pays, amount = f"{in_force(params)} AND {paying(params)}", amount_column(params)
    sql = f"""
        WITH paid AS (
            SELECT s.account_id, bool_or({_at(pays, "t1")}) AS still FROM accounts_subscription s
            WHERE {amount} > 0 AND s.start < %(t1)s AND (s.end IS NULL OR s.end >= %(t0)s) GROUP BY s.account_id HAVING bool_or({_at(pays, "t0")}))
        SELECT {expression(by, (ACCOUNT_SQL,), "%(t0)s") if by else "NULL::text"} AS key, count(*), count(*) FILTER (WHERE NOT p.still)
        FROM paid p JOIN accounts_account a ON a.id = p.account_id WHERE NOT a.excluded AND {conditions.sql} GROUP BY 1"""
    return {key: (customers, churned) for key, customers, churned in fetch(sql, conditions.values)}
