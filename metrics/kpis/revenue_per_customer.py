"""ARPU: what a customer brings over a period. Definitions: `docs/metrics.md`, recurring revenue."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from decimal import Decimal

from metrics.formulas.averages import average_customers, revenue_per_customer
from metrics.kpis.bridge import Bridge, bridges
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.earning import earners, earning_ranges
from metrics.kpis.figure import Figure
from metrics.kpis.orders import PAID_ORDER, TRANSACTION_RATE, kept_by, net_of
from metrics.kpis.question import Question, add_months, pieces
from metrics.kpis.revenue import MICROS, amount_column
from metrics.kpis.shoppers import FIRST_ORDERS, Shoppers, shoppers

Figures = dict[str | None, Figure]


@dataclass
class Revenue:
    """Revenue of one group over the period, in the reporting currency."""

    subscription: Decimal = Decimal(0)
    ecommerce: Decimal = Decimal(0)
    missing: set[str] = field(default_factory=set)


def month_shares(question: Question) -> list[tuple[dt.datetime, Decimal]]:
    """The months of the period up to what is known: (end of the part inside, days inside / days of the month)."""
    if question.until <= question.start:
        return []
    shares = []
    for left, right in pieces(replace(question, end=question.until), "month"):
        # wall clocks of the zone, so that a day of 23 hours is a day
        begin, end = (moment.astimezone(question.zone).replace(tzinfo=None) for moment in (left, right))
        month = begin.date().replace(day=1)
        inside = Decimal((end - begin) // dt.timedelta(microseconds=1)) / 86_400_000_000
        shares.append((right, inside / (add_months(month, 1) - month).days))
    return shares


def _revenues(question: Question, by: str | None) -> dict[str | None, Revenue]:
    """Revenue by group: closing MRR of each month for subscription accounts, completed orders net of refunds for e-commerce accounts."""
    found: dict[str | None, Revenue] = {}
    with_earners, values = earners(question, by, model="subscription")
    shares = month_shares(question)
    sql = f"""{with_earners},
        moments AS (SELECT * FROM unnest(%(at)s::timestamptz[], %(share)s::numeric[]) AS m (t, share)),
        spans AS (
            SELECT e.key, s.currency, {amount_column(question.params)} AS micros, m.share, CASE WHEN s.currency = %(reporting)s THEN 1 ELSE (
                       SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = s.currency AND (x.day::timestamp AT TIME ZONE %(zone)s) < m.t
                       ORDER BY x.day DESC LIMIT 1) END AS rate
            FROM earners e JOIN accounts_subscription s ON s.account_id = e.account_id JOIN moments m ON s.start < m.t AND {earning_ranges(question.params)} @> m.t
            WHERE {amount_column(question.params)} > 0)
        SELECT key, coalesce(sum(micros * share * rate), 0), array_agg(DISTINCT currency) FILTER (WHERE rate IS NULL) FROM spans GROUP BY key"""
    bound = {**values, "at": [at for at, _share in shares], "share": [share for _at, share in shares], "reporting": question.currency}
    for key, micros, missing in fetch(sql, bound):
        revenue = found.setdefault(key, Revenue())
        revenue.subscription = micros / MICROS
        revenue.missing |= set(missing or [])
    conditions = Conditions({"t0": question.start, "t1": question.until, "reporting": question.currency, "zone": str(question.zone)})
    at = "greatest(%(t0)s, f.first_at)"
    narrow(question, conditions, (ACCOUNT_SQL,), at)
    group = expression(by, (ACCOUNT_SQL,), at) if by else "NULL::text"
    sql = f"""
        WITH {FIRST_ORDERS},
        orders AS (
            SELECT {group} AS key, x.currency, {net_of("%(t1)s")} AS net, {TRANSACTION_RATE} AS rate
            FROM accounts_transaction x JOIN accounts_account a ON a.id = x.account_id JOIN firsts f ON f.account_id = x.account_id
            WHERE NOT a.excluded AND a.business_model = 'ecommerce' AND {PAID_ORDER} AND {kept_by("%(t1)s")}
              AND x.occurred_at >= %(t0)s AND x.occurred_at < %(t1)s AND {conditions.sql})
        SELECT key, coalesce(sum(net * rate), 0), array_agg(DISTINCT currency) FILTER (WHERE rate IS NULL) FROM orders GROUP BY key"""
    for key, net, missing in fetch(sql, conditions.values):
        revenue = found.setdefault(key, Revenue())
        revenue.ecommerce = net
        revenue.missing |= set(missing or [])
    return found


def arpu(question: Question, by: str | None) -> Figures:
    """Revenue of the period / customers, on average of start and end, or (`revenue_per_customer`) at the end.

    Of subscription accounts the closing MRR of each month is its revenue, of a month only partly inside
    by its days; of e-commerce accounts their completed orders net of refunds. Each account counts by its
    own business.
    """
    revenues, books, shops = _revenues(question, by), bridges(question, by, model="subscription"), shoppers(question, by)
    figures: Figures = {}
    for key in dict.fromkeys([*books, *shops, *revenues]):
        revenue, book, shop = revenues.get(key) or Revenue(), books.get(key) or Bridge(), shops.get(key) or Shoppers()
        start, end = book.customers_start + shop.customers_start, book.customers_end + shop.customers_end
        average = average_customers(start=start, end=end)
        missing = sorted(revenue.missing)
        total = None if missing else revenue.subscription + revenue.ecommerce
        over = average if question.variant == "average_start_end" else end
        figures[key] = Figure(
            value=None if total is None else revenue_per_customer(revenue=total, customers=over), numerator=total, denominator=over,
            parts={
                "revenue": total, "revenue_subscription": None if missing else revenue.subscription, "revenue_ecommerce": None if missing else revenue.ecommerce,
                "customers_start": start, "customers_end": end, "customers_average": average,
            },
            missing=missing,
        )  # fmt: skip
    return figures
