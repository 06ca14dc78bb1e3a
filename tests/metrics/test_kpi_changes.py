"""Churn by day, by event and by reason, and the log of movements: worked cases, and that log and bridge agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, ExchangeRate, Subscription, Transaction
from metrics.formulas.daily import daily_sum, start_plus_new_churn
from metrics.kpis.engine import WrongQuestion
from tests.metrics.support_rows import account, ask, load
from tests.shared_data import cases

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def utc(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"


def spans(*rows):
    """Monthly spans: (account, start, end, amount, further columns)."""
    for key in dict.fromkeys(row[0] for row in rows):
        account(key)
    first = Subscription.objects.count()
    load("subscriptions", [{"external_id": f"s{first + number}", "account": key, "start": start, "end": end, "amount": str(amount), **(more[0] if more else {})}
                           for number, (key, start, end, amount, *more) in enumerate(rows)])  # fmt: skip


def of(case_list, variant):
    return [case for case in case_list if not case.values[0] or case.values[0]["variant"] == variant]


def parts(told, *names):
    return {name: told["parts"][name] for name in names}


def by_key(told, name):
    return {group["key"]: group["parts"][name] for group in told["groups"]}


@pytest.mark.parametrize("case", of(cases("logo_churn"), "stripe_start_plus_new"))
def test_start_plus_new_cases(case):
    start, last = dt.date(2024, 6, 1), dt.date(2024, 7, 1)

    def on(text):
        return None if text is None else (last + dt.timedelta(days=int(text.removeprefix("day")))).isoformat()

    assert on(case["input"]["period"][0]) == start.isoformat()
    spans(*((row["account"], on(row["start"]), on(row["end"]), 10) for row in case["input"]["subscriptions"]))
    period = {"start": on(case["input"]["period"][0]), "end": on(case["input"]["period"][1])}
    told, expected = ask("logo_churn", "stripe_start_plus_new", **period), case["expected"]
    assert float(told["value"]) == pytest.approx(expected["stripe_start_plus_new"], abs=case["tolerance"])
    assert told["parts"]["churn_events"] == expected["churned"]
    assert float(ask("logo_churn", **period)["value"]) == pytest.approx(expected["start_of_period"], abs=case["tolerance"])
    assert float(start_plus_new_churn(churn_events=1, start=3, new=1)) == expected["stripe_start_plus_new"]


def test_who_leaves_twice_counts_twice_and_who_came_and_left_counts_as_new():
    spans(("twice", "2024-01-01", "2024-06-05", 10), ("twice", "2024-06-10", "2024-06-20", 10), ("short", "2024-06-08", "2024-06-12", 10), ("stays", "2024-01-01", None, 10))
    told = ask("logo_churn", "stripe_start_plus_new")
    # three events; two customers at the start and one new
    assert (told["value"], told["numerator"], told["denominator"], told["parts"]["new"]) == ("1", "3", "3", 1)
    assert parts(ask("logo_churn"), "churned", "churn_events", "new") == {"churned": 1, "churn_events": 3, "new": 0}


@pytest.mark.parametrize("case", of(cases("gross_mrr_churn"), "daily_sum"))
def test_daily_sum_cases(case):
    days = [(Decimal(day["mrr_start"]), Decimal(min(day["mrr_start"], day["mrr_end"]))) for day in case["input"]["days"]]
    assert float(daily_sum(days)) == pytest.approx(case["expected"], abs=case["tolerance"])
    (at_start, kept), *_rest = days
    spans(("acme", "2024-01-01", "2024-06-10", at_start), ("acme", "2024-06-10", None, kept))
    assert float(ask("gross_mrr_churn", "daily_sum")["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])


def test_sums_over_days():
    spans(
        ("a", "2024-01-01", "2024-06-10", 100), ("b", "2024-01-01", "2024-06-20", 100), ("c", "2024-01-01", None, 200),
        ("d", "2024-06-05", None, 100),  # new: 500 from the 6th
        ("a", "2024-06-15", None, 100),  # back: 500 again
        ("c", "2024-06-25", None, 100),  # more
    )  # fmt: skip
    # 10 June: 100 of 500; 20 June: 100 of 500
    assert ask("gross_mrr_churn", "daily_sum")["value"] == "0.4"
    # less the return of 100 of 400 on the 15th, and 100 of 400 more on the 25th
    assert ask("net_mrr_churn", "daily_sum")["value"] == "-0.1"
    # customers: one of four, one of four
    told = ask("logo_churn", "daily_sum")
    assert (told["value"], told["denominator"], told["interval_95"]) == ("0.5", None, None)
    assert ask("logo_churn", "daily_sum", start="2023-06-01", end="2023-07-01")["value"] is None
    # nobody at the start of the only day on which anything happened
    assert ask("gross_mrr_churn", "daily_sum", start="2024-01-01", end="2024-01-02")["value"] is None
    assert ask("gross_mrr_churn", "daily_sum", start="2024-01-01", end="2024-01-03")["value"] == "0"


def test_shops_leave_on_the_day_their_window_is_over():
    for key in ("one", "two"):
        account(key, business_model="ecommerce")
    rows = [("one", "2024-01-10"), ("two", "2024-05-10")]
    load("transactions", [{"external_id": key, "account": key, "occurred_at": at, "amount": "5"} for key, at in rows])
    told = ask("logo_churn", "daily_sum", start="2024-07-01", end="2024-08-01")
    assert (told["value"], told["parts"]["churn_events"], told["parts"]["voluntary"]) == ("0.5", 1, 1)
    assert {group["key"]: group["value"] for group in ask("logo_churn", start="2024-07-01", end="2024-08-01", by="reason")["groups"]} == {"inactivity": "0.5"}


@pytest.mark.parametrize("case", of(cases("mrr_movements"), "event_log"))
def test_event_log_cases(case):
    open_spans = {}
    for event in case["input"]["events"]:
        if event["type"] == "start":
            open_spans[event["subscription"]] = {"external_id": event["subscription"], "account": event["account"], "start": event["at"], "end": None,
                                                 "amount": str(event["amount"]), "interval": event["interval"]}  # fmt: skip
        else:
            open_spans[event["subscription"]]["end"] = event["at"]
    account("Syncalytics")
    load("subscriptions", list(open_spans.values()))
    told = ask("mrr_movements", "event_log", start="2023-01-01", end="2024-04-01")
    found = [(row["movement"], float(row["amount"])) for row in told["rows"]]
    assert found == [(kind, pytest.approx(amount, abs=case["tolerance"])) for kind, amount in case["expected"]["movements"]]
    assert [row["account"] for row in told["rows"]] == ["Syncalytics"] * 5
    january = ask("mrr_movements", start="2023-01-01", end="2023-02-01")["parts"]
    assert (january["new"], january["expansion"], january["contraction"]) == ("166.666667", "0", "0")


def test_changes_within_an_hour_are_one():
    spans(
        ("acme", "2024-01-01", "2024-06-10T10:00Z", 100),
        ("acme", "2024-06-10T10:45Z", None, 150),
        ("zeta", "2024-01-01", "2024-06-10T10:00Z", 100),
        ("zeta", "2024-06-10T11:01Z", None, 150),
    )
    told = ask("mrr_movements", "event_log")
    assert [(row["account"], row["movement"], row["amount"]) for row in told["rows"]] == [
        ("acme", "expansion", "50"), ("zeta", "churned", "100"), ("zeta", "reactivation", "150"),
    ]  # fmt: skip
    assert told["rows"][0]["occurred_at"] == "2024-06-10T10:00:00+00:00"
    assert parts(told, "customers_start", "customers_reactivated", "customers_churned", "customers_end") == {
        "customers_start": 2, "customers_reactivated": 1, "customers_churned": 1, "customers_end": 2,
    }  # fmt: skip


def test_why_customers_were_lost():
    spans(
        ("chose", "2024-01-01", "2024-06-10", 100, {"end_reason": "too_expensive", "voluntary": "true"}),
        ("failed", "2024-01-01", None, 30, {"past_due_since": "2024-06-01", "unpaid_at": "2024-06-15"}),
        ("paused", "2024-01-01", None, 7, {"paused_from": "2024-06-20"}),
        ("silent", "2024-01-01", "2024-06-20", 3),
        ("less", "2024-01-01", "2024-06-20", 60), ("less", "2024-06-20", None, 50),
        ("stays", "2024-01-01", None, 800),
    )  # fmt: skip
    lost = ask("customers_lost", by="reason")
    assert {group["key"]: group["value"] for group in lost["groups"]} == {"too_expensive": "1", "payment_failure": "1", "pause": "1", None: "1"}
    assert parts(lost, "voluntary", "involuntary") == {"voluntary": 3, "involuntary": 1}
    rate = ask("logo_churn", by="reason")
    assert {(group["key"], group["numerator"], group["denominator"]) for group in rate["groups"]} == {
        (key, "1", "6") for key in ("too_expensive", "payment_failure", "pause", None)
    }
    moved = ask("mrr_movements", by="reason")
    assert by_key(moved, "churned") == {"too_expensive": "100", "payment_failure": "30", "pause": "7", None: "3"}
    assert sum(Decimal(group["value"]) for group in moved["groups"]) == Decimal(moved["value"]) == -150
    assert by_key(ask("mrr_movements", "event_log", by="reason"), "churned") == by_key(moved, "churned")
    churn = ask("gross_mrr_churn", by="reason")
    # what has no reason, and the contraction of ten
    assert {group["key"]: group["value"] for group in churn["groups"]} == {"too_expensive": "0.1", "payment_failure": "0.03", "pause": "0.007", None: "0.013"}
    with pytest.raises(WrongQuestion, match="reason"):
        ask("gross_mrr_churn", "daily_sum", by="reason")


def test_a_product_added_by_a_customer_is_expansion_in_the_log_too():
    spans(("acme", "2024-01-01", None, 100, {"product": "Plan"}), ("acme", "2024-06-10", "2024-06-20", 30, {"product": "Add-on"}))
    told = {group["key"]: group for group in ask("mrr_movements", "event_log", by="product")["groups"]}
    assert parts(told["Add-on"], "expansion", "contraction", "new", "churned") == {"expansion": "30", "contraction": "30", "new": "0", "churned": "0"}
    assert told["Plan"]["rows"] == []


def test_a_customer_in_a_currency_without_a_rate_is_still_a_customer():
    spans(("acme", "2024-01-01", "2024-06-10", 100, {"currency": "CHF"}))
    assert (ask("logo_churn")["value"], ask("gross_mrr_churn")["value"], ask("gross_mrr_churn", "daily_sum")["missing"]) == ("1", None, ["CHF"])
    log = ask("mrr_movements", "event_log")
    assert (log["value"], log["missing"]) == (None, ["CHF"])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 400), st.integers(1, 200), st.integers(1, 10**6), st.sampled_from(["EUR", "GBP"]), st.sampled_from([None, "pause", "unpaid", "trial"])
        ),
        max_size=9,
    ),
    window=st.tuples(st.integers(0, 450), st.integers(1, 200)),
)
def test_the_log_comes_to_the_same_sum_as_the_bridge(db, history, window):
    Subscription.objects.all().delete()
    Account.objects.all().delete()
    ExchangeRate.objects.all().delete()
    first = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
    for index in range(20):
        ExchangeRate.objects.create(currency="GBP", day=(first + dt.timedelta(days=40 * index - 60)).date(), rate=Decimal("1.1") + Decimal(index) / 64)
    people = [Account.objects.create(external_id=f"h{index}", name="x") for index in range(4)]
    for who, start, length, amount, currency, trouble in history:
        begin = first + dt.timedelta(days=start, hours=start % 24)
        middle = begin + dt.timedelta(days=length / 2)
        terms = {"pause": {"paused_from": middle, "paused_until": middle + dt.timedelta(days=length / 4)}, "unpaid": {"unpaid_at": middle}, "trial": {"trial_until": middle}}
        Subscription.objects.create(
            account=people[who], start=begin, end=begin + dt.timedelta(days=length), amount=Decimal(amount) / 100, currency=currency, **terms.get(trouble, {})
        )
    start = first + dt.timedelta(days=window[0])
    period = {"start": start.isoformat(), "end": (start + dt.timedelta(days=window[1])).isoformat()}
    log, net = ask("mrr_movements", "event_log", **period), ask("mrr_movements", **period)["parts"]
    told = {name: Decimal(log["parts"][name]) for name in ("new", "expansion", "contraction", "churned", "reactivation")}
    assert told["new"] + told["expansion"] - told["contraction"] - told["churned"] + told["reactivation"] == pytest.approx(Decimal(net["net_new"]), abs=Decimal("1e-6"))
    counts = log["parts"]
    assert counts["customers_start"] + counts["customers_new"] + counts["customers_reactivated"] - counts["customers_churned"] == counts["customers_end"]
    lost = ask("customers_lost", by="reason", **period)
    assert sum(int(group["value"]) for group in lost["groups"]) == net["customers_churned"]


def test_an_order_given_back_in_full_by_amount_keeps_no_customer():
    shop = account("shop", business_model="ecommerce")
    Transaction.objects.create(account=shop, occurred_at="2024-05-01T00:00Z", amount=Decimal(50), refunded_amount=Decimal(50), refunded_at="2024-06-10T00:00Z", currency="EUR")
    told = ask("churn_by_inactivity")
    assert (told["numerator"], told["denominator"]) == ("1", "1")
