"""MRR at an instant: other people's worked cases and every convention, through the database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from accounts.models import Account, ExchangeRate, Subscription
from metrics.kpis.engine import answer
from tests.shared_data import cases, dataset

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def day(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def span(account, start, end=None, amount=100, **terms):
    return Subscription.objects.create(account=account, start=day(start), end=day(end) if end else None, amount=Decimal(str(amount)), **{"currency": "EUR", **terms})


def mrr(at, **more):
    return answer(name="mrr", start="2000-01-01", end=at, now=NOW, **more)


@pytest.mark.parametrize("case", cases("mrr"))
def test_mrr_cases(case):
    given = case["input"]
    if "dataset" in given:
        for row in dataset(given["dataset"]):
            account, _ = Account.objects.get_or_create(external_id=row["account"], defaults={"name": row["account"]})
            span(account, row["start"], row["end"], row["mrr"])
        value = mrr(given["instant"])["value"]
    else:
        for index, group in enumerate(given["subscriptions"]):
            for number in range(group["count"]):
                account = Account.objects.create(external_id=f"{index}-{number}", name="x")
                span(account, "2024-01-01", None, group["amount"], interval=group["interval"], status=group.get("status", "active"))
        value = mrr("2024-06-01")["value"]
    assert float(value) == pytest.approx(case["expected"], abs=case["tolerance"] or 1e-9)


def test_a_yearly_500_is_quantised_once(cast):
    span(cast.boga, "2024-01-01", None, 500, interval="year")
    assert mrr("2024-06-01")["value"] == "41.666667"


@pytest.mark.parametrize(("at", "value"), [("2024-01-01", "0"), ("2024-01-02", "100"), ("2024-02-01", "100"), ("2024-02-02", "0")])
def test_the_state_at_an_instant_is_the_left_limit(cast, at, value):
    span(cast.boga, "2024-01-01", "2024-02-01")
    assert mrr(at)["value"] == value


@pytest.mark.parametrize(
    ("terms", "values"),
    [
        # what each convention gives at 1 February, 1 March, 1 April, 1 May
        ({"trial_until": day("2024-02-15"), "status": "trialing"}, ["0", "100", "100", "100"]),
        ({"status": "trialing"}, ["0", "0", "0", "0"]),
        ({"paused_from": day("2024-02-15"), "paused_until": day("2024-03-15")}, ["100", "0", "100", "100"]),
        ({"status": "paused"}, ["0", "0", "0", "0"]),
        ({"past_due_since": day("2024-02-15"), "status": "past_due"}, ["100", "100", "100", "100"]),
        ({"past_due_since": day("2024-02-15"), "unpaid_at": day("2024-03-15")}, ["100", "100", "0", "0"]),
        ({"status": "unpaid"}, ["0", "0", "0", "0"]),
        ({"cancelled_at": day("2024-02-15")}, ["100", "100", "100", "100"]),
    ],
)
def test_default_conventions(cast, terms, values):
    span(cast.boga, "2024-01-10", None, **terms)
    assert [mrr(at)["value"] for at in ("2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01")] == values


def test_the_other_conventions_by_parameter(cast):
    span(cast.boga, "2024-01-10", None, 100, cancelled_at=day("2024-02-15"))
    span(cast.boga, "2024-01-10", None, 10, paused_from=day("2024-02-15"))
    span(cast.boga, "2024-01-10", None, 1, past_due_since=day("2024-02-15"))
    span(cast.boga, "2024-01-10", None, 1000, discount_percent=10)
    span(cast.boga, "2024-01-10", None, 10000, discount_percent=10, discount_forever=True)
    assert mrr("2024-03-20")["value"] == "10001"
    assert mrr("2024-03-20", params={"cancellation": "at_cancellation"})["value"] == "9901"
    assert mrr("2024-03-20", params={"pause": "keeps"})["value"] == "10011"
    assert mrr("2024-03-20", params={"delinquency_days": "30"})["value"] == "10000"
    assert mrr("2024-03-20", params={"discount": "forever_only"})["value"] == "10101"


def test_customers_pay_while_accounts_and_subscriptions_are_in_force(cast):
    span(cast.boga, "2024-01-01", None, 100)
    span(cast.boga, "2024-01-01", None, 50)
    span(cast.north, "2024-01-01", None, 0, status="trialing")
    assert mrr("2024-02-01")["parts"] == {"customers": 1, "subscriptions": 3, "accounts": 2, "past_due": "0"}


def test_money_is_converted_by_the_last_rate_before_the_instant(cast):
    span(cast.north, "2024-01-01", None, 100, currency="GBP")
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2024, 1, 1), rate=Decimal("1.10"))
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2024, 3, 1), rate=Decimal("1.20"))
    assert mrr("2024-03-01")["value"] == "110"
    assert mrr("2024-03-02")["value"] == "120"


def test_a_currency_without_a_rate_makes_the_figure_null_and_is_named(cast):
    span(cast.boga, "2024-01-01", None, 100)
    span(cast.north, "2024-01-01", None, 100, currency="GBP")
    got = mrr("2024-03-01")
    assert (got["value"], got["missing"]) == (None, ["GBP"])
    groups = {group["key"]: group["value"] for group in mrr("2024-03-01", by="currency")["groups"]}
    assert groups == {"EUR": "100", "GBP": None}


def test_excluded_accounts_and_the_scope_of_the_asker(cast):
    span(cast.boga, "2024-01-01", None, 100)
    span(cast.north, "2024-01-01", None, 7)
    assert mrr("2024-03-01", accounts=[cast.north.pk])["value"] == "7"
    Account.objects.filter(pk=cast.boga.pk).update(excluded=True)
    assert mrr("2024-03-01")["value"] == "7"


def test_groups_add_up_to_the_total(cast):
    span(cast.boga, "2024-01-01", None, 100, product="Fleet")
    span(cast.boga, "2024-01-01", None, 30, product="")
    span(cast.north, "2024-01-01", None, 7, product="Fleet")
    got = mrr("2024-03-01", by="product")
    assert {group["key"]: group["value"] for group in got["groups"]} == {"Fleet": "107", None: "30"}
    assert sum(Decimal(group["value"]) for group in got["groups"]) == Decimal(got["value"])


def test_a_period_that_reaches_into_the_future_is_computed_to_now(cast):
    span(cast.boga, "2024-01-01", "2026-06-01")
    got = answer(name="mrr", start="2026-01-01", end="2027-01-01", now=day("2026-02-01"))
    assert (got["value"], got["partial"]) == ("100", True)


def test_arpa_carries_the_interval_of_a_mean(cast):
    span(cast.boga, "2024-01-01", None, 100)
    span(cast.north, "2024-01-01", None, 300)
    got = answer(name="arpa", start="2000-01-01", end="2024-03-01", now=NOW)
    assert got["value"] == "200"
    # two values: s = 141.42..., t(0.975, 1) = 12.7062..., half width t * s / sqrt(2) = 1270.62...
    low, high = (Decimal(edge) for edge in got["interval_95"])
    assert (high - low) / 2 == pytest.approx(Decimal("1270.620473617"), abs=Decimal("1e-5"))
