"""MRR at an instant, set-wise, with the four conventions. Definitions: `docs/metrics.md`, recurring revenue."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from metrics.kpis.dimensions import ACCOUNT_SQL, SPAN_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.readings import read_once

MICROS = Decimal(1_000_000)


def in_force(params: dict[str, Any] | Any) -> str:
    """SQL: whether span `s` is in force at the instant, trials and unpaid ones included.

    State at an instant is the left limit: started before it, not ended before it. Binds: %(t)s.
    """
    end = "least(s.end, s.cancelled_at)" if params["cancellation"] == "at_cancellation" else "s.end"
    return f"s.start < %(t)s AND ({end} IS NULL OR {end} >= %(t)s)"


def paying(params: dict[str, Any] | Any) -> str:
    """SQL: whether a span in force counts as MRR at the instant. Binds: %(t)s, and %(n)s days past due if asked.

    A status without its date holds from the start of the span.
    """
    parts = [
        "s.status <> 'trialing' OR s.trial_until IS NOT NULL",
        "s.trial_until IS NULL OR s.trial_until < %(t)s",
        "coalesce(s.unpaid_at, CASE WHEN s.status = 'unpaid' THEN s.start END) IS NULL OR coalesce(s.unpaid_at, s.start) >= %(t)s",
    ]
    if params["pause"] == "zero":
        pause_from = "coalesce(s.paused_from, CASE WHEN s.status = 'paused' THEN s.start END)"
        parts.append(f"{pause_from} IS NULL OR {pause_from} >= %(t)s OR s.paused_until < %(t)s")
    if params["delinquency_days"] is not None:
        since = "coalesce(s.past_due_since, CASE WHEN s.status = 'past_due' THEN s.start END)"
        parts.append(f"{since} IS NULL OR {since} + make_interval(days => %(n)s) >= %(t)s")
    return " AND ".join(f"({part})" for part in parts)


def amount_column(params: dict[str, Any] | Any) -> str:
    """The stored monthly amount for the asked treatment of discounts."""
    return "s.mrr_forever_micros" if params["discount"] == "forever_only" else "s.mrr_micros"


# the last rate before the instant; the reporting currency is its own unit
RATE = (
    "CASE WHEN s.currency = %(reporting)s THEN 1 ELSE (SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = s.currency "
    "AND (x.day::timestamp AT TIME ZONE %(zone)s) < %(rate_at)s ORDER BY x.day DESC LIMIT 1) END"
)


def mrr_bindings(question: Question, at: dt.datetime) -> dict[str, Any]:
    """What the fragments above bind."""
    return {"t": at, "n": question.params["delinquency_days"], "reporting": question.currency, "zone": str(question.zone), "rate_at": at}


def mrr(question: Question, by: str | None, *, spread: bool = False) -> dict[str | None, Figure]:
    """MRR at the end of the period, per group; without `by` one group under None.

    `subscriptions` and `accounts` count what is in force, trials included; `customers` pay. With
    `spread` the sum of squares over the accounts comes along, for the interval of their mean.
    """
    known = question.known("mrr", by)
    figures: dict[str | None, Figure] = {}
    for key, micros, customers, subscriptions, accounts, overdue, squares, missing in _rows(question, by) if known is None else known:
        total = None if missing else micros / MICROS
        parts = {"customers": int(customers), "subscriptions": int(subscriptions), "accounts": int(accounts), "past_due": overdue / MICROS}
        figures[key] = Figure(value=total, numerator=total, parts=parts, missing=list(missing or []), shape={"squares": squares / MICROS / MICROS} if spread else {})
    if by is None and not figures:
        nothing = {"customers": 0, "subscriptions": 0, "accounts": 0, "past_due": Decimal(0)}
        figures[None] = Figure(value=Decimal(0), numerator=Decimal(0), parts=nothing)
    return figures


@read_once()
def _rows(question: Question, by: str | None) -> list[tuple[Any, ...]]:
    """Group, millionths, customers, subscriptions, accounts, millionths past due, sum of squares, currencies without a rate."""
    spans, values = _spans(question, by)
    sql = f"""
        WITH spans AS ({spans}),
        per_account AS (
            SELECT key, account_id, sum(micros * rate) AS micros, count(DISTINCT subscription) AS subscriptions,
                   sum(micros * rate) FILTER (WHERE is_past_due) AS past_due,
                   bool_or(micros > 0) AS pays
            FROM spans GROUP BY key, account_id),
        -- apart from the sums, since looking it up group by group reads all spans for each
        lacking AS (SELECT key, array_agg(DISTINCT currency ORDER BY currency) AS currencies FROM spans WHERE rate IS NULL AND micros > 0 GROUP BY key),
        summed AS (
            SELECT key, coalesce(sum(micros), 0) AS micros, count(*) FILTER (WHERE pays) AS customers, sum(subscriptions) AS subscriptions, count(*) AS accounts,
                   coalesce(sum(past_due), 0) AS past_due, coalesce(sum(micros * micros) FILTER (WHERE pays), 0) AS squares
            FROM per_account GROUP BY key)
        SELECT p.key, p.micros, p.customers, p.subscriptions, p.accounts, p.past_due, p.squares, l.currencies
        FROM summed p LEFT JOIN lacking l ON coalesce(l.key, '') = coalesce(p.key, '') AND (l.key IS NULL) = (p.key IS NULL)"""
    return fetch(sql, values)


def _spans(question: Question, by: str | None) -> tuple[str, dict[str, Any]]:
    """The spans in force at the end of the period with their group, amount and rate, and what the statement binds."""
    params, tables = question.params, (ACCOUNT_SQL, SPAN_SQL)
    conditions = Conditions(mrr_bindings(question, question.until))
    group = expression(by, tables, "%(t)s") if by else "NULL::text"
    narrow(question, conditions, tables, "%(t)s")
    sql = f"""
        SELECT {group} AS key, s.account_id, s.subscription, s.currency,
               CASE WHEN {paying(params)} AND {amount_column(params)} > 0 THEN {amount_column(params)} ELSE 0 END AS micros,
               coalesce(s.past_due_since, CASE WHEN s.status = 'past_due' THEN s.start END) < %(t)s AS is_past_due,
               {RATE} AS rate
        FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id
        WHERE NOT a.excluded AND {in_force(params)} AND {conditions.sql}"""
    return sql, conditions.values


def mrr_of_accounts(question: Question) -> tuple[dict[int, Decimal | None], list[str]]:
    """MRR at the end of the period of every account with anything in force, as `mrr` by account has it: None where a currency has no rate; and those currencies."""
    spans, values = _spans(question, None)
    sql = f"""
        WITH spans AS ({spans})
        SELECT account_id, coalesce(sum(micros * rate), 0), array_agg(DISTINCT currency) FILTER (WHERE rate IS NULL AND micros > 0) FROM spans GROUP BY account_id"""
    found: dict[int, Decimal | None] = {}
    missing: set[str] = set()
    for account, micros, currencies in fetch(sql, values):
        found[account] = None if currencies else micros / MICROS
        missing.update(currencies or ())
    return found, sorted(missing)
