"""Movements, churn and retention: worked cases of other people through the database, and the identities that must hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from accounts.models import Account, ExchangeRate, Subscription, Transaction
from metrics.kpis.engine import answer
from tests.shared_data import cases

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def day(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def span(account, start, end=None, amount=100, **terms):
    return Subscription.objects.create(account=account, start=day(start), end=day(end) if end else None, amount=Decimal(str(amount)), **{"currency": "EUR", **terms})


def ask(name, start, end, variant=None, **more):
    return answer(name=name, variant=variant, start=start, end=end, now=NOW, **more)


def money(value):
    return None if value is None else float(value)


def bridge_of(given_parts):
    """Accounts whose spans make exactly these parts of a bridge between 1 February and 1 March."""
    parts = {name: Decimal(str(value)) for name, value in given_parts.items() if isinstance(value, (int, float))}
    numbers = iter(range(1000))

    def account():
        return Account.objects.create(external_id=f"b{next(numbers)}", name="x")

    opening = parts.get("opening", Decimal(0))
    for name, first, second in (
        ("churned", lambda v: v, None), ("contraction", lambda v: 2 * v, lambda v: v), ("expansion", lambda v: v, lambda v: 2 * v), ("new", None, lambda v: v), ("reactivation", None, lambda v: v),
    ):  # fmt: skip
        value = parts.get(name, Decimal(0))
        if not value:
            continue
        one = account()
        if name == "reactivation":
            span(one, "2023-01-01", "2023-06-01", value)
        if first:
            span(one, "2024-01-01", "2024-02-10", first(value))
            opening -= first(value)
        if second:
            span(one, "2024-02-10", None, second(value))
    if opening > 0:
        span(account(), "2024-01-01", None, opening)
    return opening


@pytest.mark.parametrize(
    "case", [case for kpi in ("gross_mrr_churn", "net_mrr_churn", "grr", "nrr", "quick_ratio") for case in cases(kpi) if {"churned"} & set(case.values[0].get("input", {}))]
)
def test_cases_with_parts(case):
    left = bridge_of(case["input"])
    if "opening" in case["input"]:
        assert left >= 0, "the parts fit into the opening"
    expected, got = case["expected"], ask(case["kpi"], "2024-02-01", "2024-03-01", case["variant"])
    if isinstance(expected, dict):
        assert money(got["parts"]["net_new"]) == expected["net_new"]
        expected = expected["quick_ratio"]
    assert money(got["value"]) == (None if expected is None else pytest.approx(expected, abs=max(case["tolerance"], 1e-9)))


def test_a_quick_ratio_without_losses_is_null_and_says_so(cast):
    span(cast.boga, "2024-02-10")
    got = ask("quick_ratio", "2024-02-01", "2024-03-01")
    assert (got["value"], got["flags"]) == (None, ["no_losses"])


@pytest.mark.parametrize(
    ("spans", "movement"),
    [
        ([("2024-01-01", "2024-02-10"), ("2024-02-10", None)], {}),  # cancelled and resubscribed the same day
        ([("2024-01-01", "2024-02-10"), ("2024-02-20", None)], {}),  # gone and back inside the period
        ([("2024-02-05", "2024-02-20")], {"transient_accounts": 1}),
        ([("2024-01-01", "2024-02-01")], {"churned": "100", "customers_churned": 1}),  # an end on the first is a movement of that month
        ([("2024-01-01", "2024-03-01")], {}),  # and one on the next first is not
        ([("2024-02-01", None)], {"new": "100", "customers_new": 1}),
        ([("2023-01-01", "2023-02-01"), ("2024-02-20", None)], {"reactivation": "100", "customers_reactivated": 1}),
        ([("2024-02-02", "2024-02-03"), ("2024-02-10", None)], {"new": "100", "customers_new": 1}),  # lapsed and back in its first period
    ],
)
def test_consequences_of_point_to_point(cast, spans, movement):
    for start, end in spans:
        span(cast.boga, start, end)
    parts = ask("mrr_movements", "2024-02-01", "2024-03-01")["parts"]
    quiet = {
        "new": "0",
        "expansion": "0",
        "contraction": "0",
        "churned": "0",
        "reactivation": "0",
        "customers_new": 0,
        "customers_reactivated": 0,
        "customers_churned": 0,
        "transient_accounts": 0,
    }
    assert {name: parts[name] for name in quiet} == {**quiet, **movement}


def test_currency_drift_is_fx_and_never_a_movement(cast):
    span(cast.north, "2024-01-01", None, 100, currency="GBP")
    for on, rate in ((dt.date(2024, 1, 1), "1.10"), (dt.date(2024, 2, 15), "1.20")):
        ExchangeRate.objects.create(currency="GBP", day=on, rate=Decimal(rate))
    parts = ask("mrr_movements", "2024-02-01", "2024-03-01")["parts"]
    assert (parts["opening"], parts["fx"], parts["closing"], parts["expansion"]) == ("110", "10", "120", "0")


def test_a_product_added_by_a_customer_is_expansion_of_that_product(cast):
    span(cast.boga, "2024-01-01", None, 100, product="Plan")
    span(cast.boga, "2024-02-10", None, 30, product="Add-on")
    groups = {group["key"]: group["parts"] for group in ask("mrr_movements", "2024-02-01", "2024-03-01", by="product")["groups"]}
    assert (groups["Add-on"]["expansion"], groups["Add-on"]["new"]) == ("30", "0")


def test_inactivity_churn_of_shops(cast):
    Account.objects.update(business_model="ecommerce")

    def order(account, at, **more):
        Transaction.objects.create(account=account, occurred_at=day(at), amount=Decimal(50), currency="EUR", **more)

    order(cast.boga, "2024-01-10")
    order(cast.north, "2024-01-10")
    order(cast.north, "2024-06-30")
    got = ask("churn_by_inactivity", "2024-06-01", "2024-08-01")
    assert got["parts"] == {"customers_start": 2, "churned": 1, "lapse_events": 1, "customers_end": 1, "rate": "0.5"}
    churn = ask("logo_churn", "2024-06-01", "2024-08-01")
    assert (churn["numerator"], churn["denominator"]) == ("1", "2")


def test_cancelled_and_refunded_orders_are_no_activity(cast):
    for status in ("cancelled", "failed", "refunded"):
        Transaction.objects.create(account=cast.boga, occurred_at=day("2024-05-01"), amount=Decimal(50), currency="EUR", status=status)
    assert ask("churn_by_inactivity", "2024-06-01", "2024-08-01")["value"] is None
