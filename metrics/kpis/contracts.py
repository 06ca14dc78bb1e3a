"""Contracts signed, as they were signed. Definitions: `docs/metrics.md`, orders and contracts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from metrics.formulas.averages import contract_value_per_new_customer
from metrics.formulas.intervals import mean_interval
from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.orders import TRANSACTION_RATE, kept_by
from metrics.kpis.question import Question

Figures = dict[str | None, Figure]


def acv(question: Question, by: str | None) -> Figures:
    """Value of the contracts signed in the period / new customers; `annualised`: the mean yearly value of a contract.

    A contract without a term is one of a year. A new customer is an account whose first contract was
    signed in the period. Failed, cancelled and wholly refunded contracts are none.
    """
    conditions = Conditions({"s": question.start, "e": question.until, "reporting": question.currency, "zone": str(question.zone), "before": question.params["year"] - 1})
    narrow(question, conditions, (ACCOUNT_SQL,), "x.occurred_at")
    group = expression(by, (ACCOUNT_SQL,), "x.occurred_at") if by else "NULL::text"
    signed = f"x.kind = 'contract' AND x.status NOT IN ('failed', 'cancelled') AND {kept_by('%(e)s')}"
    in_year = "years > %(before)s AND years > 0"
    sql = f"""
        WITH firsts AS (
            SELECT DISTINCT ON (x.account_id) x.account_id, x.id FROM accounts_transaction x
            WHERE {signed} AND x.occurred_at < %(e)s ORDER BY x.account_id, x.occurred_at, x.id),
        contracts AS (
            SELECT {group} AS key, x.currency, x.amount, coalesce(x.one_time_fees, 0) AS fees, coalesce(x.contract_years, 1) AS years, {TRANSACTION_RATE} AS rate,
                   f.id = x.id AS is_first
            FROM accounts_transaction x JOIN accounts_account a ON a.id = x.account_id JOIN firsts f ON f.account_id = x.account_id
            WHERE NOT a.excluded AND {signed} AND x.occurred_at >= %(s)s AND x.occurred_at < %(e)s AND {conditions.sql}),
        valued AS (SELECT *, amount * rate AS total, CASE WHEN years > 0 THEN (amount - fees) * rate / years END AS yearly FROM contracts)
        SELECT key, count(*), coalesce(sum(total), 0), coalesce(sum(fees * rate), 0), count(*) FILTER (WHERE is_first), bool_or(years <> 1),
               count(*) FILTER (WHERE {in_year}), coalesce(sum(yearly) FILTER (WHERE {in_year}), 0), coalesce(sum(yearly * yearly) FILTER (WHERE {in_year}), 0),
               array_agg(DISTINCT currency ORDER BY currency) FILTER (WHERE rate IS NULL)
        FROM valued GROUP BY key"""
    figures: Figures = {key: _figure(question.variant, *row) for key, *row in fetch(sql, conditions.values)}
    if by is None and not figures:
        figures[None] = _figure(question.variant, 0, Decimal(0), Decimal(0), 0, False, 0, Decimal(0), Decimal(0), None)
    return figures


def _figure(variant: str, contracts: int, total: Decimal, fees: Decimal, new: int, mixed: bool, running: int, yearly: Decimal, squares: Decimal, missing: Any) -> Figure:
    annualised = None if missing else ratio(yearly, running)
    parts: dict[str, Any] = {"contracts": contracts, "total_value": total, "one_time_fees": fees, "new_customers": new, "annualised": annualised}
    if missing:
        parts.update(total_value=None, one_time_fees=None)
    figure = Figure(value=annualised, numerator=None if missing else yearly, denominator=running, parts=parts, flags=["mixed_terms"] if mixed else [], missing=list(missing or []))
    if variant == "annualised":
        figure.interval = None if missing else mean_interval(count=running, total=yearly, squares=squares)
    else:
        figure.numerator, figure.denominator = (None if missing else total), new
        figure.value = None if missing else contract_value_per_new_customer(total=total, new_customers=new)
    return figure
