"""Cohort retention: who of those that came in a month was still there. Definitions: `docs/metrics.md`, cohorts.

Cells look on to what is known now (or at the as-of instant); a cell that is not over is null.
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.earning import earners, earning_ranges
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, WrongQuestion, add_months
from metrics.kpis.revenue import MICROS, amount_column
from metrics.kpis.shoppers import completed
from metrics.ledger.cohorts import active_rows
from metrics.ledger.statements import fetch_in_two
from surveys.scoring import wilson_interval

Figures = dict[str | None, Figure]
MOST_PERIODS = 120
# digits in which sums of the database are added up
_EXACT = 60
_MONTH = "date_trunc('month', {at} AT TIME ZONE %(zone)s)"
# the months of the question: those whose first day lies in the period
_ASKED = "(m.month AT TIME ZONE %(zone)s) >= %(t0)s AND (m.month AT TIME ZONE %(zone)s) < %(t1)s"


def _month_end(k: int) -> str:
    """SQL: the end of the cohort's month + k, as an instant."""
    return f"((m.month + make_interval(months => {k + 1})) AT TIME ZONE %(zone)s)"


def cohort_retention(question: Question, by: str | None) -> Figures:
    """The share of the cohorts' customers that is there in cell `k`, over the cohorts that have the cell; all cells beside it.

    Raises WrongQuestion for more than 120 cells, or a `k` outside them.
    """
    variant, params = question.variant, question.params
    periods = 0 if variant == "retained_at_day_n" else params["periods"]
    k = 0 if variant == "retained_at_day_n" else params["k"]
    if periods > MOST_PERIODS:
        raise WrongQuestion(f"cohort_retention: periods={periods} cannot be used: expected at most {MOST_PERIODS}.")
    if k > periods:
        raise WrongQuestion(f"cohort_retention: k={k} cannot be used: expected one of the cells 0 to {periods}.")
    rows = _ROWS[variant](question, by, periods)
    figures: Figures = {key: _figure(question, found, k, periods) for key, found in rows.items()}
    if by is None:
        figures.setdefault(None, _figure(question, [], k, periods))
    return figures


Row = tuple[dt.date, int, Any, list[Any], list[str]]


def _figure(question: Question, rows: list[Row], k: int, periods: int) -> Figure:
    """One group's table. A row is cohort, accounts, size (accounts or money), what each cell holds, currencies without a rate."""
    money = question.variant == "mrr_at_period_end"
    table, missing = [], sorted({currency for row in rows for currency in row[4]})
    for cohort, _accounts, size, active, _missing in sorted(rows):
        over = [_is_over(question, cohort, cell) for cell in range(periods + 1)]
        held = [amount if done else None for amount, done in zip(active, over, strict=True)]
        table.append({"cohort": f"{cohort:%Y-%m}", "size": size, "active": held, "cells": [None if amount is None else ratio(amount, size) for amount in held]})
    columns = [[(row["active"][cell], row["size"]) for row in table if row["active"][cell] is not None] for cell in range(periods + 1)]
    average = [ratio(sum(active for active, _size in column), sum(size for _active, size in column)) for column in columns]
    active, size = sum(held for held, _size in columns[k]), sum(held for _active, held in columns[k])
    flags = ["settles_later"] if any(None in row["active"][: k + 1] for row in table) else []
    shape = {"rows": table, "average": average}
    value = None if missing else average[k]
    return Figure(
        value=value, numerator=active if columns[k] else None, denominator=size if columns[k] else None, parts={"cohorts": len(rows), "accounts": sum(row[1] for row in rows)},
        interval=None if money or not columns[k] or value is None else wilson_interval(active, size), flags=flags, missing=missing, shape=shape,
    )  # fmt: skip


def _is_over(question: Question, cohort: dt.date, cell: int) -> bool:
    """Whether the time that a cell looks at lies behind the horizon."""
    end = add_months(cohort, cell + 1)
    if question.variant == "retained_at_day_n":
        end = add_months(cohort, 1) + dt.timedelta(days=question.params["n_days"])
    return dt.datetime.combine(end, dt.time(), tzinfo=question.zone).astimezone(dt.UTC) <= question.horizon


def _grouped(found: list[tuple[Any, ...]], money: bool = False) -> dict[str | None, list[Row]]:
    """Rows of a statement (key, month, accounts, size, currencies, cells …) by group."""
    rows: dict[str | None, list[Row]] = {}
    for key, month, accounts, size, missing, *cells in found:
        held = [(cell or Decimal(0)) / MICROS for cell in cells] if money else list(cells)
        rows.setdefault(key, []).append((month.date(), accounts, (size or Decimal(0)) / MICROS if money else size, held, list(missing or [])))
    return rows


def _active(question: Question, by: str | None, periods: int) -> dict[str | None, list[Row]]:
    """Accounts with MRR > 0 at the end of each month."""
    known = active_rows(question, by, periods)
    if known is not None:
        return known
    sql, values = _paying(question, by)
    cells = "".join(f", count(*) FILTER (WHERE m.earns @> {_month_end(cell)})" for cell in range(periods + 1))
    return _grouped(fetch(f"{sql} SELECT m.key, m.month, count(*), count(*), NULL::text[]{cells} FROM months m WHERE {_ASKED} GROUP BY 1, 2", values))


def _revenue(question: Question, by: str | None, periods: int) -> dict[str | None, list[Row]]:
    """MRR at the end of each month against the first MRR of the cohort's accounts, at the rate of their first day.

    Each stretch in which a span earns is counted where it begins and where it ends among the ends of months; the cells are what has come up to them.
    """
    sql, values = earners(question, by, halved=True)
    amount = amount_column(question.params)
    first = question.start.astimezone(question.zone).date().replace(day=1)
    months = max(1, _months_between(first, question.until.astimezone(question.zone).date()) + 1)
    count = months + periods + 1
    found = fetch_in_two(
        f"""{sql}, ends AS (
            SELECT array_agg((%(first)s::timestamp + make_interval(months => place)) AT TIME ZONE %(zone)s ORDER BY place) AS at FROM generate_series(0, %(count)s - 1) place),
        spans AS MATERIALIZED (
            SELECT e.key, e.account_id, {_MONTH.format(at="e.first_at")} AS month, s.currency, {earning_ranges(question.params)} AS earns, e.first_at,
                   {amount} * CASE WHEN s.currency = %(reporting)s THEN 1 ELSE (
                       SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = s.currency AND (x.day::timestamp AT TIME ZONE %(zone)s) <= e.first_at
                       ORDER BY x.day DESC LIMIT 1) END AS worth
            FROM earners e JOIN accounts_subscription s ON s.account_id = e.account_id WHERE {amount} > 0 AND s.start < %(known)s),
        cohorts AS (
            SELECT m.key, m.month, count(DISTINCT m.account_id), sum(m.worth) FILTER (WHERE lower(m.earns) = m.first_at),
                   array_agg(DISTINCT m.currency) FILTER (WHERE m.worth IS NULL), NULL::integer, NULL::integer FROM spans m WHERE {_ASKED} GROUP BY 1, 2),
        held AS (
            SELECT m.key, m.month, 0, sum(m.worth), NULL::varchar[], width_bucket(lower(r), (SELECT at FROM ends)) AS since,
                   CASE WHEN upper(r) IS NULL THEN %(count)s ELSE width_bucket(upper(r), (SELECT at FROM ends)) END AS upto
            FROM spans m, unnest(m.earns) r WHERE m.worth IS NOT NULL AND {_ASKED} GROUP BY 1, 2, 6, 7)
        SELECT * FROM cohorts UNION ALL SELECT * FROM held WHERE since < upto""",
        {**values, "reporting": question.currency, "first": first, "count": count},
    )
    tables: dict[tuple[str | None, dt.date], _Table] = {}
    with localcontext(prec=_EXACT):
        for key, month, accounts, worth, missing, since, upto in found:
            table = tables.setdefault((key, month.date()), _Table([Decimal(0)] * (count + 1)))
            if since is None:
                table.accounts, table.size, table.missing = table.accounts + accounts, table.size + (worth or 0), table.missing | set(missing or ())
                continue
            table.changes[since] += worth
            table.changes[upto] -= worth
    rows: dict[str | None, list[Row]] = {}
    for (key, cohort), table in tables.items():
        with localcontext(prec=_EXACT):
            levels = list(itertools.accumulate(table.changes))
        place = _months_between(first, cohort) + 1
        rows.setdefault(key, []).append((cohort, table.accounts, table.size / MICROS, [level / MICROS for level in levels[place : place + periods + 1]], sorted(table.missing)))
    return rows


@dataclass
class _Table:
    """What is known of one cohort: by what its MRR changes before each end of a month, in millionths."""

    changes: list[Decimal]
    accounts: int = 0
    size: Decimal = Decimal(0)
    missing: set[str] = field(default_factory=set)


def _months_between(first: dt.date, last: dt.date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def _paying(question: Question, by: str | None) -> tuple[str, dict[str, Any]]:
    """A WITH clause that ends in `months(account_id, key, earns, month)`: who earned, by the month of their first MRR."""
    sql, values = earners(question, by)
    return f"{sql}, months AS (SELECT account_id, key, earns, {_MONTH.format(at='first_at')} AS month FROM earners)", values


def _buying(question: Question, by: str | None) -> tuple[str, dict[str, Any]]:
    """A WITH clause that ends in `months(account_id, key, bought, month)`: a row for each account and month with a completed order."""
    conditions = Conditions({"t0": question.start, "t1": question.until, "known": question.horizon, "zone": str(question.zone)})
    at = "greatest(%(t0)s, o.first_at)"
    narrow(question, conditions, (ACCOUNT_SQL,), at)
    group = expression(by, (ACCOUNT_SQL,), at) if by else "NULL::text"
    sql = f"""
        WITH orders AS (
            SELECT x.account_id, {_MONTH.format(at="x.occurred_at")} AS bought, min(x.occurred_at) OVER (PARTITION BY x.account_id) AS first_at
            FROM accounts_transaction x WHERE x.occurred_at < %(known)s AND {completed("%(known)s")}),
        months AS (
            SELECT o.account_id, {group} AS key, o.bought, {_MONTH.format(at="o.first_at")} AS month
            FROM (SELECT DISTINCT * FROM orders) o JOIN accounts_account a ON a.id = o.account_id WHERE NOT a.excluded AND {conditions.sql})"""
    return sql, conditions.values


def _bought(question: Question, by: str | None, periods: int) -> dict[str | None, list[Row]]:
    """Accounts with a completed order in each month, by the month of their first."""
    sql, values = _buying(question, by)
    cells = "".join(f", count(DISTINCT m.account_id) FILTER (WHERE {_bought_in(cell)})" for cell in range(periods + 1))
    return _grouped(
        fetch(f"{sql} SELECT m.key, m.month, count(DISTINCT m.account_id), count(DISTINCT m.account_id), NULL::text[]{cells} FROM months m WHERE {_ASKED} GROUP BY 1, 2", values)
    )


def _bought_in(cell: int) -> str:
    """SQL: whether the order's month is the cohort's month + the cell."""
    return f"m.bought = m.month + make_interval(months => {cell})"


def cohort_accounts(question: Question, cell: int) -> list[tuple[int, bool]]:
    """Every account of the question's cohorts, and whether it was there in the cell: by the statements that count it.

    For the variants `active_at_period_end` and `bought_in_period`.
    """
    if question.variant == "bought_in_period":
        sql, values = _buying(question, None)
        return fetch(f"{sql} SELECT m.account_id, bool_or({_bought_in(cell)}) FROM months m WHERE {_ASKED} GROUP BY 1 ORDER BY 1", values)
    sql, values = _paying(question, None)
    return fetch(f"{sql} SELECT m.account_id, m.earns @> {_month_end(cell)} FROM months m WHERE {_ASKED} ORDER BY 1", values)


def _retained(question: Question, by: str | None, _periods: int) -> dict[str | None, list[Row]]:
    """Accounts that had not ended by n days after they signed up: some service, trials included, goes on after that instant.

    Who has no service but orders ends where the account is said to have churned.
    """
    params = question.params
    conditions = Conditions({"t0": question.start, "t1": question.until, "known": question.horizon, "zone": str(question.zone), "days": params["n_days"]})
    at = "greatest(%(t0)s, u.signed_up)"
    narrow(question, conditions, (ACCOUNT_SQL,), at)
    group = expression(by, (ACCOUNT_SQL,), at) if by else "NULL::text"
    end = "least(s.end, s.cancelled_at)" if params["cancellation"] == "at_cancellation" else "s.end"
    return _grouped(
        fetch(
            f"""WITH served AS (
                SELECT s.account_id, min(s.start) AS since, min(greatest(s.start, coalesce(s.trial_until, s.start))) FILTER (WHERE {amount_column(params)} > 0) AS paid_from,
                       range_agg(CASE WHEN {end} IS NULL OR {end} > s.start THEN tstzmultirange(tstzrange(s.start, {end}, '[)')) ELSE '{{}}'::tstzmultirange END) AS service
                FROM accounts_subscription s WHERE s.start < %(known)s GROUP BY s.account_id),
            bought AS (SELECT x.account_id, min(x.occurred_at) AS first_at FROM accounts_transaction x WHERE x.occurred_at < %(known)s AND {completed("%(known)s")} GROUP BY 1),
            signed AS (
                SELECT a.id AS account_id, coalesce(a.signed_up_at, v.paid_from, b.first_at) AS signed_up, v.service, v.since, a.churned_at
                FROM accounts_account a LEFT JOIN served v ON v.account_id = a.id LEFT JOIN bought b ON b.account_id = a.id
                WHERE NOT a.excluded AND (v.account_id IS NOT NULL OR b.account_id IS NOT NULL)),
            months AS (
                SELECT {group} AS key, u.*, {_MONTH.format(at="u.signed_up")} AS month,
                       ((u.signed_up AT TIME ZONE %(zone)s + make_interval(days => %(days)s)) AT TIME ZONE %(zone)s) AS looked_at
                FROM signed u JOIN accounts_account a ON a.id = u.account_id WHERE u.signed_up < %(known)s AND {conditions.sql})
            SELECT m.key, m.month, count(*), count(*), NULL::text[],
                   count(*) FILTER (WHERE CASE WHEN m.service IS NULL THEN m.churned_at IS NULL OR m.churned_at > m.looked_at
                                              ELSE m.service @> m.looked_at OR m.since > m.looked_at END)
            FROM months m WHERE {_ASKED} GROUP BY 1, 2""",
            conditions.values,
        )
    )


_ROWS = {"active_at_period_end": _active, "bought_in_period": _bought, "retained_at_day_n": _retained, "mrr_at_period_end": _revenue}
