"""Revenue per customer and conversion of trials: worked cases by formula and through an import, months cut short, trials that are none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import Account
from metrics.formulas.averages import conversion_rate, revenue_per_customer
from metrics.kpis.engine import WrongQuestion
from tests.metrics.support_rows import account, ask, groups, load
from tests.shared_data import cases, dataset

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def utc(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"


def spans(*rows):
    """Monthly spans: (account, start, end, amount, further columns)."""
    for key in dict.fromkeys(row[0] for row in rows):
        account(key)
    load("subscriptions", [{"external_id": f"s{number}-{key}", "account": key, "start": start, "end": end, "amount": str(amount), **(more[0] if more else {})}
                           for number, (key, start, end, amount, *more) in enumerate(rows)])  # fmt: skip


@pytest.mark.parametrize("case", [case for kpi in ("arpa", "arpu") for case in cases(kpi) if not case.values[0] or case.values[0]["variant"] != "closing"])
def test_arpu_cases(case):
    given, expected = case["input"], case["expected"]
    if "dataset" not in given:
        assert float(revenue_per_customer(revenue=Decimal(given["revenue"]), customers=given["customers"])) == expected
        return
    rows = dataset(given["dataset"])
    load("accounts", [{"external_id": str(key), "name": str(key)} for key in dict.fromkeys(row["account"] for row in rows)])
    load(
        "subscriptions",
        [{"external_id": f"r{number}", "account": str(row["account"]), "start": row["start"], "end": row["end"], "amount": str(row["mrr"])} for number, row in enumerate(rows)],
    )
    start, end = given["period"]
    assert float(ask("arpa", start=start, end=end)["value"]) == pytest.approx(expected["arpa_closing"], abs=case["tolerance"])
    assert float(ask("arpu", start=start, end=end)["value"]) == pytest.approx(expected["arpu_average_start_end"], abs=case["tolerance"])


def test_a_month_partly_inside_counts_by_its_days():
    spans(("acme", "2024-01-01", None, 100), ("zeta", "2024-06-20", None, 60))
    # 16 to 30 June: closing MRR 160 x 15 / 30; 1 to 15 July: 160 x 15 / 31
    got = ask("arpu", start="2024-06-16", end="2024-07-16")
    assert Decimal(got["numerator"]) == pytest.approx(Decimal(80) + Decimal(160 * 15) / 31, abs=Decimal("1e-8"))
    assert (got["parts"]["customers_start"], got["parts"]["customers_end"], got["parts"]["customers_average"], got["denominator"]) == (1, 2, "1.5", "1.5")
    assert ask("arpu", "revenue_per_customer", start="2024-06-16", end="2024-07-16")["denominator"] == "2"


def test_a_year_is_the_sum_of_its_months():
    spans(("acme", "2024-01-10", "2024-04-01", 100))
    # in force at the ends of January, February and March
    assert ask("arpu", start="2024-01-01", end="2025-01-01")["numerator"] == "300"


def test_shops_count_by_their_orders_and_subscribers_by_their_months():
    spans(("acme", "2024-01-01", None, 100))
    account("shop", business_model="ecommerce")
    load("transactions", [{"external_id": "o1", "account": "shop", "occurred_at": "2024-06-05", "amount": "80", "refunded_amount": "30", "refunded_at": "2024-06-06"}])
    got = ask("arpu")
    assert got["parts"] == {"revenue": "150", "revenue_subscription": "100", "revenue_ecommerce": "50", "customers_start": 1, "customers_end": 2, "customers_average": "1.5"}
    assert (got["value"], groups(ask("arpu", by="business_model"))) == ("100", {"ecommerce": "100", "subscription": "100"})


def test_revenue_in_a_currency_without_a_rate_is_null():
    spans(("acme", "2024-01-01", None, 100, {"currency": "CHF"}))
    got = ask("arpu")
    assert (got["value"], got["missing"], got["parts"]["revenue"]) == (None, ["CHF"], None)


def test_without_customers_it_is_null():
    assert (ask("arpu")["value"], ask("arpu")["denominator"]) == (None, "0")


def trial(key, begins, paid_from=None, ends=None):
    """A trial by its span; paid from a day on, or over at another without having paid."""
    if paid_from:
        spans((key, begins, None, 50, {"trial_until": paid_from}))
    else:
        spans((key, begins, ends, 50, {"trial_until": ends, "status": "trialing"}))


@pytest.mark.parametrize("case", cases("conversion_rate"))
def test_conversion_cases(case):
    given = case["input"]
    assert float(conversion_rate(converted=given["of_which_paid"], started=given["trials_started"])) == case["expected"]
    keys = [f"a{number}" for number in range(given["trials_started"])]
    load("accounts", [{"external_id": key, "name": key, "trial_started_at": "2024-06-03"} for key in keys])
    load("subscriptions", [{"external_id": f"s{key}", "account": key, "start": "2024-06-17", "amount": "10"} for key in keys[: given["of_which_paid"]]])
    got = ask("conversion_rate", case["variant"])
    assert (float(got["value"]), got["flags"]) == (case["expected"], ["settles_later"])


def test_a_trial_of_the_period_converts_whenever_it_pays_until_now():
    trial("early", "2024-05-20", paid_from="2024-06-10")  # converts in June, begun in May
    trial("late", "2024-06-20", paid_from="2024-07-10")  # begun in June, converts in July
    trial("lost", "2024-06-01", ends="2024-06-15")
    trial("next", "2024-07-01", paid_from="2024-07-15")
    got = ask("conversion_rate")
    assert (got["value"], got["parts"]) == ("0.5", {"started": 2, "converted": 1, "open": 0})
    seen = ask("conversion_rate", as_of="2024-07-01")
    assert (seen["value"], seen["parts"]) == ("0", {"started": 2, "converted": 0, "open": 1})
    same = ask("conversion_rate", "same_period")
    assert (same["numerator"], same["denominator"], same["flags"], same["interval_95"]) == ("1", "2", [], None)


def test_what_is_no_trial():
    spans(("payer", "2024-01-01", None, 100), ("payer", "2024-06-05", None, 30, {"trial_until": "2024-06-19"}))  # a trial of an add-on
    spans(("twice", "2024-03-01", "2024-03-15", 50, {"trial_until": "2024-03-15"}))
    load("subscriptions", [{"external_id": "again", "account": "twice", "start": "2024-06-05", "amount": "50", "trial_until": "2024-06-19"}])  # the first trial was in March
    spans(("plain", "2024-06-05", None, 100))  # paid at once
    assert ask("conversion_rate")["denominator"] == "0"
    assert ask("conversion_rate")["value"] is None
    march = ask("conversion_rate", start="2024-03-01", end="2024-04-01")
    assert (march["value"], march["numerator"]) == ("1", "1")


def test_the_account_s_own_start_of_the_trial_wins():
    account("acme", trial_started_at="2024-06-02T00:00Z")
    spans(("acme", "2024-07-02", None, 50, {"trial_until": "2024-07-16"}))
    assert ask("conversion_rate")["parts"] == {"started": 1, "converted": 1, "open": 0}
    assert ask("conversion_rate", start="2024-07-01", end="2024-08-01")["denominator"] == "0"


def test_within_days_leaves_late_payers_out_and_young_periods_null():
    trial("quick", "2024-06-01", paid_from="2024-06-15")
    trial("slow", "2024-06-01", paid_from="2024-06-16")
    got = ask("conversion_rate", params={"within_days": "14"})
    assert (got["value"], got["flags"]) == ("0.5", [])
    young = ask("conversion_rate", params={"within_days": "14"}, as_of="2024-07-14")
    assert (young["value"], young["flags"], young["interval_95"]) == (None, ["settles_later"], None)
    assert ask("conversion_rate", params={"within_days": "14"}, as_of="2024-07-15")["value"] == "0.5"


def test_an_interval_of_wilson_groups_and_scope():
    trial("acme", "2024-06-01", paid_from="2024-06-15")
    trial("zeta", "2024-06-01", ends="2024-06-15")
    Account.objects.filter(external_id="zeta").update(country="TR")
    got = ask("conversion_rate", by="country")
    # one of two: (0.5 + z²/4 ± z sqrt(1/8 + z²/16)) / (1 + z²/2)
    assert [round(float(edge), 4) for edge in got["interval_95"]] == [0.0945, 0.9055]
    assert groups(got) == {None: "1", "TR": "0"}
    assert ask("conversion_rate", accounts=[Account.objects.get(external_id="zeta").pk])["denominator"] == "1"


def events(*rows):
    load("events", [{"account": key, "kind": kind, "occurred_at": at, "dedupe_key": f"{number}"} for number, (key, kind, at) in enumerate(rows)])


def test_a_funnel_asks_who_came_to_the_second_event_after_the_first():
    for key in ("one", "two", "three"):
        account(key)
    events(
        ("one", "onboarding.completed", "2024-06-05"), ("one", "purchase.completed", "2024-07-20"),
        ("two", "purchase.completed", "2024-06-01"), ("two", "onboarding.completed", "2024-06-06"),  # before, not after
        ("three", "onboarding.completed", "2024-05-31"), ("three", "purchase.completed", "2024-06-07"),  # begun in May
    )  # fmt: skip
    steps = {"from_event": "onboarding.completed", "to_event": "purchase.completed"}
    got = ask("conversion_rate", "funnel", params=steps)
    assert (got["value"], got["numerator"], got["denominator"]) == ("0.5", "1", "2")
    assert ask("conversion_rate", "funnel", params={**steps, "within_days": "30"})["value"] == "0"


@pytest.mark.parametrize(
    ("params", "said"),
    [({}, "from_event is missing"), ({"from_event": "trial.started"}, "to_event is missing"), ({"from_event": "moon.rose", "to_event": "trial.ended"}, "moon.rose")],
)
def test_a_funnel_without_its_events_is_refused(params, said):
    with pytest.raises(WrongQuestion, match=said):
        ask("conversion_rate", "funnel", params=params)
