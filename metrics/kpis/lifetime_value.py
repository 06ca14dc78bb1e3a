"""Customer lifetime value in all its variants. Definitions: `docs/metrics.md`, value."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from metrics.formulas import lifetime_value as formulas
from metrics.formulas.numbers import ratio
from metrics.formulas.survival import Survival
from metrics.kpis.assumptions import discount_rate, lifespan_months, margin
from metrics.kpis.bridge import bridges, stayed
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.orders import TRANSACTION_RATE, net_of
from metrics.kpis.question import Question, add_months
from metrics.kpis.retention import arpa as arpa_figures
from metrics.kpis.shoppers import completed, lapsed
from metrics.kpis.tenure import survivals
from metrics.ledger.prepare import with_bridges

Figures = dict[str | None, Figure]
Numbers = dict[str | None, Decimal | None]
PARTS = ("arpa", "margin", "churn", "lifespan_months", "expected_tenure", "horizon_months", "order_value", "orders_per_month", "retention", "discount_rate")


def clv(question: Question, by: str | None) -> Figures:
    """Lifetime value by the variant asked for; the parts it does not use are null."""
    figures = _BY_VARIANT[question.variant](question, by)
    if by is None:
        figures.setdefault(None, Figure(None, parts=dict.fromkeys(PARTS)))
    return figures


def _figure(question: Question, value: Decimal | None, *, missing: list[str] | None = None, with_margin: bool = True, **parts: Any) -> Figure:
    flags = margin(question)[1] if with_margin else ["revenue_not_profit"]
    shown = None if missing else value
    return Figure(value=shown, numerator=shown, parts={**dict.fromkeys(PARTS), **parts}, flags=flags, missing=missing or [])


def closed_months(question: Question, count: int) -> list[tuple[dt.datetime, dt.datetime]]:
    """The last `count` calendar months of the zone that are over by the end of the period, the earliest first."""
    first = question.until.astimezone(question.zone).date().replace(day=1)
    if first.year <= 2 + count // 12:
        # so early that the calendar has no such months
        return []

    def begins(month: int) -> dt.datetime:
        return dt.datetime.combine(add_months(first, month), dt.time(), tzinfo=question.zone).astimezone(dt.UTC)

    return [(begins(-back), begins(1 - back)) for back in range(count, 0, -1)]


def _monthly(question: Question, by: str | None, *, inactivity: bool = False) -> Numbers:
    """The mean of the monthly rates at which customers leave, over the last closed months that have one."""
    rates: dict[str | None, list[Decimal | None]] = {}
    months = closed_months(question, question.params["churn_months"])
    if inactivity:
        for counts in lapsed(question, by, months):
            for key, (lost, at_start) in counts.items():
                rates.setdefault(key, []).append(ratio(lost, at_start))
    else:
        for month in with_bridges([question.between(start, end) for start, end in months], by):
            for key, book in bridges(month, by).items():
                rates.setdefault(key, []).append(ratio(book.customers_churned, book.customers_start))
    return {key: formulas.mean(found) for key, found in rates.items()}


@dataclass(frozen=True)
class _Given:
    """ARPA of every group: the one that was given, or that of the closing book."""

    values: Numbers
    missing: dict[str | None, list[str]]


def _arpa(question: Question, by: str | None) -> _Given:
    figures = arpa_figures(question, by)
    given = question.params["arpa"]
    if given is not None:
        return _Given(dict.fromkeys(figures, given), {})
    return _Given({key: figure.value for key, figure in figures.items()}, {key: figure.missing for key, figure in figures.items() if figure.missing})


def _over_churn(question: Question, by: str | None) -> Figures:
    share = Decimal(1) if question.variant == "arpa_over_churn" else margin(question)[0]
    arpa, given = _arpa(question, by), question.params["churn"]
    churn = {} if given is not None else _monthly(question, by)
    figures: Figures = {}
    for key, value in arpa.values.items():
        rate = churn.get(key) if given is None else given
        worth = formulas.over_churn(arpa=value, churn=rate, margin=share)
        shown = {"margin": share} if question.variant == "arpa_margin_over_churn" else {}
        figures[key] = _figure(
            question, worth, missing=arpa.missing.get(key), with_margin=question.variant == "arpa_margin_over_churn",
            arpa=value, churn=rate, lifespan_months=formulas.lifespan_of(rate), **shown,
        )  # fmt: skip
    return figures


def _discounted(question: Question, by: str | None) -> Figures:
    share, discount = margin(question)[0], discount_rate(question)
    arpa, given = _arpa(question, by), question.params["retention"]
    kept: Numbers = {}
    if given is None:
        year = question.between(_a_year_before(question), question.until)
        kept = {key: ratio(at_start - churned, at_start) for key, (at_start, churned) in stayed(year, by).items()}
    figures: Figures = {}
    for key, value in arpa.values.items():
        retention = kept.get(key) if given is None else given
        worth = formulas.discounted(margin_value=None if value is None else 12 * value * share, retention=retention, discount=discount)
        figures[key] = _figure(question, worth, missing=arpa.missing.get(key), arpa=value, margin=share, retention=retention, discount_rate=discount)
    return figures


def _a_year_before(question: Question) -> dt.datetime:
    local = question.until.astimezone(question.zone)
    return dt.datetime.combine(add_months(local.date(), -12), local.time(), tzinfo=question.zone).astimezone(dt.UTC)


def _survival(question: Question, by: str | None) -> Figures:
    share, arpa, asked = margin(question)[0], _arpa(question, by), question.params["horizon_months"]
    curves = survivals(question, by, time="whole_months" if question.params["time"] == "whole_months" else "exact_months")
    whole = question.variant == "survival_monthly_sum"
    figures: Figures = {}
    for key, value in arpa.values.items():
        curve = curves.get(key, Survival())
        longest = curve.longest
        horizon = None if longest is None else longest if asked is None else min(Decimal(asked), longest)
        if whole and longest is not None and horizon is not None:
            # the sum is over whole months; one that was asked for and begins within the longest tenure counts
            horizon = horizon.to_integral_value(ROUND_FLOOR)
        if horizon is None:
            figures[key] = _figure(question, None, missing=arpa.missing.get(key), arpa=value, margin=share)
            continue
        worth = (
            formulas.over_months(arpa=value, survival=curve, months=int(horizon), margin=share)
            if whole
            else formulas.over_tenure(arpa=value, survival=curve, horizon=horizon, margin=share)
        )
        expected = curve.sum_within(int(horizon)) if whole else curve.mean_within(horizon)
        figures[key] = _figure(question, worth, missing=arpa.missing.get(key), arpa=value, margin=share, expected_tenure=expected, horizon_months=horizon)
    return figures


def _over_lifespan(question: Question, by: str | None) -> Figures:
    share, given = margin(question)[0], lifespan_months(question)
    churn = {} if given is not None else _monthly(question, by, inactivity=True)
    figures: Figures = {}
    for key, (spent, order_value, orders_per_month, missing) in _spending(question, by).items():
        lifespan = formulas.lifespan_of(churn.get(key)) if given is None else given
        worth = formulas.over_lifespan(monthly_value=spent, lifespan_months=lifespan, margin=share)
        figures[key] = _figure(
            question, worth, missing=missing, margin=share, churn=churn.get(key), lifespan_months=lifespan, order_value=order_value, orders_per_month=orders_per_month
        )
    return figures


def months_within(question: Question) -> Decimal:
    """The calendar months of the period, a month only partly inside by its days."""
    start, end = question.start.astimezone(question.zone), question.until.astimezone(question.zone)
    month, total = start.date().replace(day=1), Decimal(0)
    while month <= end.date():
        following = add_months(month, 1)
        left = max(start.replace(tzinfo=None), dt.datetime.combine(month, dt.time()))
        right = min(end.replace(tzinfo=None), dt.datetime.combine(following, dt.time()))
        if right > left:
            total += Decimal((right - left) // dt.timedelta(seconds=1)) / ((following - month).days * 86400)
        month = following
    return total


def _spending(question: Question, by: str | None) -> dict[str | None, tuple[Decimal | None, Decimal | None, Decimal | None, list[str]]]:
    """Of each group: what a customer spends in a month (the mean of their own), the value of an order, orders a month and customer."""
    conditions = Conditions({"t0": question.start, "t1": question.until, "zone": str(question.zone), "reporting": question.currency})
    narrow(question, conditions, (ACCOUNT_SQL,), "%(t0)s")
    group = expression(by, (ACCOUNT_SQL,), "%(t0)s") if by else "NULL::text"
    sql = f"""
        WITH orders AS (
            SELECT x.account_id, {group} AS key, x.currency,
                   {net_of("%(t1)s")} * {TRANSACTION_RATE} AS worth
            FROM accounts_transaction x JOIN accounts_account a ON a.id = x.account_id
            WHERE NOT a.excluded AND x.occurred_at >= %(t0)s AND x.occurred_at < %(t1)s AND {completed("%(t1)s")} AND {conditions.sql}),
        customers AS (SELECT key, account_id, sum(worth) AS spent, count(*) AS orders FROM orders GROUP BY 1, 2)
        SELECT c.key, avg(c.spent), sum(c.spent), sum(c.orders), count(*),
               (SELECT array_agg(DISTINCT o.currency ORDER BY o.currency) FROM orders o WHERE o.worth IS NULL AND o.key IS NOT DISTINCT FROM c.key)
        FROM customers c GROUP BY c.key"""
    months = months_within(question)
    found: dict[str | None, tuple[Decimal | None, Decimal | None, Decimal | None, list[str]]] = {}
    for key, mean, total, orders, customers, missing in fetch(sql, conditions.values):
        spent = None if mean is None or not months else Decimal(mean) / months
        order_value = None if total is None else ratio(Decimal(total), int(orders))
        found[key] = spent, order_value, None if not months else Decimal(int(orders)) / customers / months, list(missing or [])
    return found


_BY_VARIANT = {
    "arpa_margin_over_churn": _over_churn,
    "arpa_over_churn": _over_churn,
    "value_x_lifespan": _over_lifespan,
    "retention_discount": _discounted,
    "survival_rmst": _survival,
    "survival_monthly_sum": _survival,
}
