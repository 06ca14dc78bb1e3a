"""Orders: completed ones and what they brought. Definitions: `docs/metrics.md`, orders and contracts."""

from __future__ import annotations

from decimal import Decimal

from metrics.formulas.averages import average_order_value
from metrics.formulas.intervals import mean_interval
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question

Figures = dict[str | None, Figure]

# the rate in force when it happened; the reporting currency is its own unit
TRANSACTION_RATE = (
    "CASE WHEN x.currency = %(reporting)s THEN 1 ELSE (SELECT r.rate FROM accounts_exchangerate r WHERE r.currency = x.currency "
    "AND (r.day::timestamp AT TIME ZONE %(zone)s) <= x.occurred_at ORDER BY r.day DESC LIMIT 1) END"
)
# orders and one-time purchases that were paid; whether they were given back depends on the instant
PAID_ORDER = "x.kind IN ('order', 'one_time') AND x.status NOT IN ('failed', 'cancelled')"


def refunded_by(at: str) -> str:
    """SQL: what of transaction `x` had been paid back before an instant (SQL); a refund without a date, at once."""
    whole = "CASE WHEN x.status = 'refunded' THEN coalesce(x.refunded_amount, x.amount) ELSE coalesce(x.refunded_amount, 0) END"
    return f"CASE WHEN x.refunded_at IS NULL OR x.refunded_at < {at} THEN {whole} ELSE 0 END"


def kept_by(at: str) -> str:
    """SQL: whether transaction `x` was not wholly paid back before an instant (SQL)."""
    return f"NOT ({refunded_by(at)} >= x.amount AND (x.status = 'refunded' OR coalesce(x.refunded_amount, 0) > 0) AND (x.refunded_at IS NULL OR x.refunded_at < {at}))"


def net_of(at: str) -> str:
    """SQL: what transaction `x` brought, without tax and shipping, less what had been paid back before an instant (SQL)."""
    return f"(x.amount - coalesce(x.tax, 0) - coalesce(x.shipping, 0) - {refunded_by(at)})"


def aov(question: Question, by: str | None) -> Figures:
    """Completed revenue net of refunds / completed orders of the period.

    An order wholly paid back before the end leaves both; a later refund changes nothing of a closed
    period. Money is converted by the rate in force at each order.
    """
    conditions = Conditions({"s": question.start, "e": question.until, "reporting": question.currency, "zone": str(question.zone)})
    narrow(question, conditions, (ACCOUNT_SQL,), "x.occurred_at")
    group = expression(by, (ACCOUNT_SQL,), "x.occurred_at") if by else "NULL::text"
    sql = f"""
        WITH orders AS (
            SELECT {group} AS key, x.account_id, x.currency, {net_of("%(e)s")} AS net, {refunded_by("%(e)s")} AS refunded, {kept_by("%(e)s")} AS kept, {TRANSACTION_RATE} AS rate
            FROM accounts_transaction x JOIN accounts_account a ON a.id = x.account_id
            WHERE NOT a.excluded AND {PAID_ORDER} AND x.occurred_at >= %(s)s AND x.occurred_at < %(e)s AND {conditions.sql})
        SELECT key, coalesce(sum(net * rate) FILTER (WHERE kept), 0), coalesce(sum(net * rate * net * rate) FILTER (WHERE kept), 0), count(*) FILTER (WHERE kept),
               coalesce(sum(refunded * rate), 0), count(DISTINCT account_id) FILTER (WHERE kept),
               array_agg(DISTINCT currency ORDER BY currency) FILTER (WHERE rate IS NULL)
        FROM orders GROUP BY key"""
    figures: Figures = {}
    for key, revenue, squares, orders, refunded, customers, missing in fetch(sql, conditions.values):
        figures[key] = _figure(revenue, squares, orders, refunded, customers, list(missing or []))
    if by is None and not figures:
        figures[None] = _figure(Decimal(0), Decimal(0), 0, Decimal(0), 0, [])
    return figures


def _figure(revenue: Decimal, squares: Decimal, orders: int, refunded: Decimal, customers: int, missing: list[str]) -> Figure:
    total = None if missing else revenue
    return Figure(
        value=None if total is None else average_order_value(revenue=total, orders=orders),
        numerator=total,
        denominator=orders,
        parts={"revenue": total, "orders": orders, "refunded": None if missing else refunded, "customers": customers},
        interval=None if missing else mean_interval(count=orders, total=revenue, squares=squares),
        missing=missing,
    )
