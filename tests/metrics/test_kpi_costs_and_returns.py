"""Cost of keeping customers and the return on it: worked cases by formula, by parameters and through an import."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import Account
from metrics.formulas.averages import cost_per_customer
from metrics.formulas.returns import Return, customer_months, gain, total_cost
from metrics.kpis.engine import WrongQuestion
from metrics.models import Assumption
from tests.metrics.support_rows import account, ask, groups, load
from tests.shared_data import cases

pytestmark = pytest.mark.django_db
LENGTHS = {"month": 1, "quarter": 3, "year": 12, "3_years": 36, "5_years": 60, "10_years": 120}


@pytest.fixture(autouse=True)
def utc(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"


def payers(*keys, start="2024-01-01", end=None, amount=100, **fields):
    for key in keys:
        account(key, **fields)
    load("subscriptions", [{"external_id": f"s{key}{start}", "account": key, "start": start, "end": end, "amount": str(amount)} for key in keys])


def costs(*rows):
    """(category, amount, further columns) of June 2024."""
    load("costs", [{"external_id": f"c{number}", "category": category, "amount": str(amount), "start": "2024-06-01", **(more[0] if more else {})}
                   for number, (category, amount, *more) in enumerate(rows)])  # fmt: skip


@pytest.mark.parametrize("case", cases("crc"))
def test_crc_cases(case):
    given = case["input"]
    customers = given.get("customers", given.get("retained_customers"))
    assert float(cost_per_customer(cost=Decimal(given["total_cost"]), customers=customers)) == pytest.approx(case["expected"], abs=case["tolerance"])
    # a hundredth of the customers at a hundredth of the cost
    payers(*(f"a{number}" for number in range(customers // 100)))
    costs(("team", given["total_cost"] // 100))
    assert float(ask("crc", case["variant"])["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])


def test_each_line_counts_once_in_the_sum_and_in_each_of_its_categories():
    payers("acme", "zeta")
    costs(("team", 100), ("training", 60, {"tags": "tools"}), ("support", 30, {"tags": "team"}), ("quality", 999))
    got = ask("crc")
    assert (got["value"], got["numerator"], got["denominator"]) == ("95", "190", "2")
    assert got["parts"] == {
        "cost": "190", "cost_team": "130", "cost_programme": "0", "cost_onboarding": "0", "cost_training": "60", "cost_tools": "60", "cost_marketing": "0",
        "customers": 2, "retained_customers": 2,
    }  # fmt: skip
    assert groups(ask("crc", by="category")) == {"team": "65", "training": "30"}
    assert ask("crc", filters={"category": "tools"})["numerator"] == "60"


def test_a_line_is_spread_over_its_days_and_one_without_an_end_over_its_month():
    payers("acme")
    load("costs", [{"external_id": "open", "category": "team", "amount": "300", "start": "2024-06-20"},
                   {"external_id": "long", "category": "tools", "amount": "600", "start": "2024-06-21", "end": "2024-07-11"}])  # fmt: skip
    # the month of its start wholly, ten of twenty days of the other
    assert ask("crc")["numerator"] == "600"
    assert ask("crc", start="2024-06-01", end="2024-06-11")["numerator"] == "100"


def test_customers_at_the_end_and_those_kept_from_the_start():
    payers("stays", "leaves", start="2024-01-01")
    Account.objects.get(external_id="leaves").subscriptions.update(end="2024-06-10T00:00Z")
    payers("comes", start="2024-06-15")
    costs(("team", 120))
    assert (ask("crc")["value"], ask("crc")["denominator"]) == ("60", "2")
    kept = ask("crc", "per_retained_customer")
    assert (kept["value"], kept["denominator"], kept["parts"]["customers"]) == ("120", "1", 2)


def test_by_segment_own_costs_and_the_share_of_those_without_one():
    load("accounts", [{"external_id": key, "name": key, "segment": "vip" if key == "a1" else "base", "segment_from": "2024-01-01"} for key in ("a1", "a2", "a3", "a4")])
    payers("a1", "a2", "a3", "a4")
    costs(("team", 400), ("programme", 50, {"segment": "vip"}))
    assert groups(ask("crc", by="segment")) == {"vip": "150", "base": "100"}
    assert ask("crc", segment="vip")["value"] == "150"
    # who sees one of the three others has a third of their share
    assert ask("crc", accounts=[Account.objects.get(external_id="a2").pk])["numerator"] == "100"


def test_costs_over_nobody_and_costs_without_a_rate():
    costs(("team", 100))
    assert (ask("crc")["value"], ask("crc")["numerator"]) == (None, "100")
    payers("acme")
    costs(("team", 100, {"currency": "CHF", "external_id": "chf"}))
    got = ask("crc")
    assert (got["value"], got["missing"], got["parts"]["cost"]) == (None, ["CHF"], None)


@pytest.mark.parametrize("case", cases("cx_roi"))
def test_cx_roi_cases(case):
    given, expected = case["input"], case["expected"]
    variant = "simple" if case["variant"] == "roi_ratio" else case["variant"]
    params = {"k": ",".join(map(str, given["k"])), "margin": "1", **{name: str(given[name]) for name in ("arpa", "programme_cost_per_month", "team_cost_per_month")}}
    rows = {(row["k"], row["months"]): row for row in ask("cx_roi", variant, params=params)["rows"]}
    assert list(rows) == [(k, months) for k in given["k"] for months in LENGTHS.values()], "k outside, months inside"
    per_month = Decimal(given["programme_cost_per_month"] + given["team_cost_per_month"])
    for name, by_k in expected.items():
        for k, by_length in by_k.items():
            for length, value in by_length.items():
                months = LENGTHS[length]
                line = Return(int(k), months, gain(variant, k=int(k), months=months, worth=Decimal(given["arpa"])), total_cost(months=months, per_month=per_month))
                found = rows[int(k), months][name]
                for figure in (getattr(line, name), found):
                    assert (None if figure is None else float(figure)) == (None if value is None else pytest.approx(value, abs=case["tolerance"])), (name, k, length)


def test_customer_months_of_each_way():
    assert [customer_months(way, 3, Decimal("0.5")) for way in ("simple", "cumulative", "cumulative_with_churn")] == [3, 6, Decimal("4.25")]
    assert customer_months("cumulative_with_churn", 12, Decimal(0)) == 78
    assert customer_months("cumulative_with_churn", 3, None) is None


def test_what_is_not_given_comes_from_the_period():
    payers("acme", "zeta", start="2023-06-01", amount=150)
    payers("gone", start="2023-06-01", end="2024-06-10", amount=150)
    Assumption.objects.create(name="margin", value=Decimal("0.8"))
    costs(("team", 100), ("programme", 10), ("tools", 20), ("marketing", 30, {"tags": "tools"}), ("training", 999))
    got = ask("cx_roi")
    assert got["parts"] == {
        "arpa": "150", "margin": "0.8", "churn": "0.0555555555556", "programme_cost_per_month": "60", "team_cost_per_month": "100", "one_off_cost": "0",
        "customers_lost_per_month": "1",
    }  # fmt: skip
    # churn: one of three in the last of six months; one customer more a month for a year: 150 x 0.8 x 12 = 1440, cost 160 x 12 = 1920
    assert (got["numerator"], got["denominator"], got["value"], got["unit"], got["flags"]) == ("-480", "1920", "-0.25", "ratio", [])
    assert got["loss"][0] == {"months": 1, "amount": "120"}
    assert ask("cx_roi", start="2024-05-01", end="2024-07-01")["parts"]["team_cost_per_month"] == "50"


def test_without_a_margin_it_speaks_of_revenue_and_one_off_costs_count_once():
    payers("acme")
    got = ask("cx_roi", params={"k": "2", "months": "3,6", "one_off_cost": "100", "programme_cost_per_month": "50"})
    assert got["flags"] == ["revenue_not_profit"]
    # twelve months are not asked for: the first length is the figure; 2 x 100 x 3 = 600, 3 x 50 + 100 = 250
    assert (got["numerator"], got["denominator"], got["value"]) == ("350", "250", "1.4")
    assert [row["multiple"] for row in got["rows"]] == ["2.4", "3"]


def test_without_customers_there_is_no_return():
    got = ask("cx_roi", "cumulative_with_churn", params={"team_cost_per_month": "10"})
    assert (got["value"], got["parts"]["arpa"], got["parts"]["churn"], got["rows"][0]["gain"]) == (None, None, None, None)


def test_groups_by_segment():
    load("accounts", [{"external_id": key, "name": key, "segment": key, "segment_from": "2024-01-01"} for key in ("vip", "base")])
    payers("vip", amount=300)
    payers("base", amount=100)
    costs(("team", 100))
    told = {group["key"]: (group["parts"]["arpa"], group["parts"]["team_cost_per_month"]) for group in ask("cx_roi", by="segment")["groups"]}
    assert told == {"vip": ("300", "50"), "base": ("100", "50")}


@pytest.mark.parametrize("params", [{"k": "0"}, {"k": "1,x"}, {"months": "1300"}, {"churn": "2"}, {"margin": "80"}, {"k": ""}])
def test_wrong_parameters_are_refused(params):
    with pytest.raises(WrongQuestion, match=next(iter(params))):
        ask("cx_roi", params=params)


def test_the_churn_is_the_mean_of_the_monthly_rates_of_subscribers_and_shops_together():
    payers("acme", "zeta", start="2023-06-01")
    payers("gone", start="2023-06-01", end="2024-05-31")
    for key in ("shop", "idle"):
        account(key, business_model="ecommerce")
    load("transactions", [{"external_id": f"{key}{at}", "account": key, "occurred_at": at, "amount": "9"}
                          for key, at in (("shop", "2023-11-05"), ("shop", "2024-04-01"), ("idle", "2023-10-31"))])  # fmt: skip
    months = [ask("logo_churn", start=f"2024-0{month}-01", end=f"2024-0{month + 1}-01") for month in range(1, 7)]
    assert [month["numerator"] for month in months] == ["0", "0", "0", "1", "1", "0"], "idle lapses in April, gone ends in May"
    expected = sum(Decimal(month["value"]) for month in months) / 6
    assert Decimal(ask("cx_roi")["parts"]["churn"]) == pytest.approx(expected, abs=Decimal("1e-11"))
    assert ask("cx_roi", start="2024-04-01", end="2024-06-01")["parts"]["customers_lost_per_month"] == "1"
    by_model = ask("cx_roi", accounts=[Account.objects.get(external_id="idle").pk], start="2024-04-01", end="2024-05-01")
    assert (by_model["parts"]["customers_lost_per_month"], by_model["parts"]["arpa"]) == ("1", None)
