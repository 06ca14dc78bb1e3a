"""Orders and contracts: other people's worked cases by formula and through an import, refunds, currencies, groups."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import Account, Transaction
from metrics.formulas.averages import Contract, annualised_contract_value, average_order_value, contract_value_per_new_customer
from metrics.kpis.engine import WrongQuestion
from tests.metrics.support_rows import account, ask, groups, load
from tests.shared_data import cases, dataset

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def utc(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"


def orders(*rows, key="acme", **fields):
    """Orders of one account: (day, amount, further columns)."""
    account(key)
    first = Transaction.objects.count()
    load("transactions", [{"external_id": f"x{first + number}", "account": key, "occurred_at": at, "amount": str(amount), **fields, **(more[0] if more else {})}
                          for number, (at, amount, *more) in enumerate(rows)])  # fmt: skip


def contracts(rows):
    """One account and contract each: (day, total, years, fees, account)."""
    for number, (at, total, years, fees, key) in enumerate(rows):
        account(key)
        load(
            "transactions",
            [{"external_id": f"c{number}", "account": key, "occurred_at": at, "amount": str(total), "kind": "contract", "contract_years": str(years), "one_time_fees": str(fees)}],
        )


@pytest.mark.parametrize("case", cases("aov"))
def test_aov_cases(case):
    given, expected = case["input"], case["expected"]
    if "dataset" not in given:
        assert float(average_order_value(revenue=Decimal(given["revenue"]), orders=given["orders"])) == pytest.approx(expected, abs=case["tolerance"])
        return
    rows = dataset(given["dataset"])
    load("accounts", [{"external_id": key, "name": key, "business_model": "ecommerce"} for key in dict.fromkeys(str(row["customer"]) for row in rows)])
    load("transactions", [{"external_id": str(n), "account": str(row["customer"]), "occurred_at": row["date"], "amount": str(row["amount"])} for n, row in enumerate(rows)])
    got = ask("aov", start=given["period"][0], end=given["period"][1])
    assert float(got["value"]) == pytest.approx(expected["aov"], abs=case["tolerance"])
    assert (got["parts"]["orders"], float(got["parts"]["revenue"])) == (expected["orders"], pytest.approx(expected["revenue"], abs=case["tolerance"]))


def test_what_counts_as_revenue_of_an_order():
    orders(
        ("2024-06-01", 130, {"tax": "20", "shipping": "10"}),  # the first moment of the period
        ("2024-06-10", 60, {"refunded_amount": "20", "refunded_at": "2024-06-20"}),  # given back in part
        ("2024-06-11", 1000, {"status": "refunded", "refunded_at": "2024-06-12"}),  # wholly, inside: in neither
        ("2024-06-12", 500, {"status": "cancelled"}),
        ("2024-06-12", 500, {"status": "failed"}),
        ("2024-06-12", 500, {"kind": "invoice"}),
        ("2024-07-01", 700),  # belongs to July
    )
    got = ask("aov")
    assert (got["value"], got["numerator"], got["denominator"]) == ("70", "140", "2")
    assert got["parts"] == {"revenue": "140", "orders": 2, "refunded": "1020", "customers": 1}


def test_a_later_refund_does_not_change_a_closed_period():
    orders(("2024-06-11", 100, {"status": "refunded", "refunded_at": "2024-07-01"}))
    assert ask("aov")["value"] == "100"
    assert ask("aov", end="2024-07-02")["value"] is None


def test_orders_in_another_currency_take_the_rate_of_their_day_and_one_without_a_rate_makes_it_null():
    load("exchange_rates", [{"currency": "GBP", "day": "2024-06-01", "rate": "1.20"}, {"currency": "GBP", "day": "2024-06-15", "rate": "1.50"}])
    orders(("2024-06-10", 100), ("2024-06-20", 100), currency="GBP")
    assert ask("aov")["value"] == "135"
    orders(("2024-06-20", 100), currency="CHF")
    got = ask("aov")
    assert (got["value"], got["numerator"], got["missing"], got["interval_95"]) == (None, None, ["CHF"], None)


def test_groups_scope_and_excluded_accounts():
    account("acme", country="TR"), account("zeta", country="DE")
    orders(("2024-06-10", 10), ("2024-06-11", 20))
    orders(("2024-06-10", 100), key="zeta")
    got = ask("aov", by="country")
    assert (got["value"], groups(got)) == ("43.3333333333", {"DE": "100", "TR": "15"})
    # s = 7.0710678..., t(0.975, 1) = 12.7062047362
    assert [float(edge) for edge in got["groups"][1]["interval_95"]] == [pytest.approx(15 - 63.531023681), pytest.approx(15 + 63.531023681)]
    assert ask("aov", filters={"country": "DE"})["value"] == "100"
    assert ask("aov", accounts=[Account.objects.get(external_id="acme").pk])["value"] == "15"
    Account.objects.filter(external_id="acme").update(excluded=True)
    assert ask("aov")["value"] == "100"


def test_over_nothing_it_is_null_with_counts_of_nothing():
    got = ask("aov")
    assert (got["value"], got["numerator"], got["denominator"], got["unit"], got["currency"]) == (None, "0", "0", "money", "EUR")


@pytest.mark.parametrize("case", cases("acv"))
def test_acv_cases(case):
    given, expected = case["input"], case["expected"]
    rows = [(Decimal(entry["total"]), Decimal(entry["years"]), Decimal(entry.get("one_time_fees", 0))) for entry in given["contracts"] for _ in range(entry.get("count", 1))]
    year = given.get("year", 1)
    if case["variant"] == "annualised":
        by_formula = annualised_contract_value([Contract(total + fees, years, fees) for total, years, fees in rows], year)
    else:
        by_formula = contract_value_per_new_customer(total=sum(total for total, *_rest in rows), new_customers=given["new_customers"])
    assert float(by_formula) == pytest.approx(expected, abs=case["tolerance"])
    contracts([("2024-06-10", total + fees, years, fees, f"a{number}") for number, (total, years, fees) in enumerate(rows)])
    got = ask("acv", case["variant"], params={"year": str(year)})
    assert float(got["value"]) == pytest.approx(expected, abs=case["tolerance"])


def test_a_renewal_brings_value_but_no_new_customer():
    contracts([("2023-01-10", 500, 1, 0, "old"), ("2024-06-10", 300, 1, 0, "old"), ("2024-06-11", 700, 2, 100, "new")])
    got = ask("acv")
    assert (got["value"], got["denominator"], got["flags"]) == ("1000", "1", ["mixed_terms"])
    assert got["parts"] == {"contracts": 2, "total_value": "1000", "one_time_fees": "100", "new_customers": 1, "annualised": "300"}
    assert ask("acv", "annualised")["value"] == "300"
    # only the contract of two years runs in its second
    assert ask("acv", "annualised", params={"year": "2"})["numerator"] == "300"
    assert ask("acv", "annualised", params={"year": "3"})["value"] is None


def test_orders_are_no_contracts_and_cancelled_contracts_count_nowhere():
    orders(("2024-06-10", 100))
    contracts([("2024-06-10", 500, 1, 0, "acme")])
    Transaction.objects.filter(external_id="c0").update(status="cancelled")
    assert ask("acv")["value"] is None
    assert ask("aov")["value"] == "100"


def test_a_wrong_year_is_refused():
    with pytest.raises(WrongQuestion, match="year"):
        ask("acv", "annualised", params={"year": "0"})
