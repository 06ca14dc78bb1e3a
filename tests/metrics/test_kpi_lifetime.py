"""Cohorts, tenure and lifetime value: worked cases of other people against the formulas and through the database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils.timezone import now as clock
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account, Subscription, Transaction
from metrics.formulas import lifetime_value as formulas
from metrics.formulas.survival import kaplan_meier
from metrics.kpis.engine import answer
from metrics.kpis.lifetime_value import months_within
from metrics.kpis.question import WrongQuestion
from metrics.models import Assumption
from tests.metrics.test_kpi_mrr import NOW
from tests.shared_data import cases, dataset

MONTH = dt.timedelta(seconds=2_629_800)  # 30.4375 days


def ask(name, start, end, variant=None, *, now=NOW, **more):
    return answer(name=name, variant=variant, start=start, end=end, now=now, **more)


def day(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def of_case(case, field):
    return Decimal(str(case["input"][field]))


def curve_of(case):
    return kaplan_meier((Decimal(tenure), churned, 1 - churned) for tenure, churned in zip(case["input"]["tenures"], case["input"]["churned"], strict=True))


def near(case):
    return Decimal(str(max(case["tolerance"], 1e-9)))


@pytest.mark.parametrize("case", cases("tenure_survival"))
def test_cases_of_survival_against_the_formula(case):
    curve = curve_of(case)
    for time, expected in case["expected"]["survival"].items():
        assert curve.at(int(time)) == pytest.approx(Decimal(str(expected)), abs=near(case))
    assert curve.median == case["expected"]["median"]


def worth(case):
    """The value of a case by the formula of its variant, from the finished inputs it gives."""
    given, variant = case["input"], case["variant"]
    share = of_case(case, "gross_margin") if "gross_margin" in given else Decimal(1)
    if "tenures" in given:
        curve, arpa = curve_of(case), of_case(case, "arpa")
        if variant == "survival_rmst":
            return formulas.over_tenure(arpa=arpa, survival=curve, horizon=of_case(case, "horizon"), margin=share)
        return formulas.over_months(arpa=arpa, survival=curve, months=given["months"], margin=share)
    if variant == "retention_discount":
        return formulas.discounted(margin_value=of_case(case, "margin_value"), retention=of_case(case, "retention"), discount=of_case(case, "discount"))
    if variant.startswith("arpa"):
        return formulas.over_churn(arpa=of_case(case, "arpa"), churn=of_case(case, "churn"), margin=share)
    months = of_case(case, "lifespan_months") if "lifespan_months" in given else 12 * of_case(case, "lifespan_years")
    if "customers" in given:
        spends = [Decimal(str(one["spend_per_visit"])) * Decimal(str(one["visits_per_week"])) * given["weeks_per_year"] / 12 for one in given["customers"]]
        return formulas.over_lifespan(monthly_value=formulas.mean(spends), lifespan_months=months, margin=share)
    monthly = of_case(case, "monthly_value") if "monthly_value" in given else of_case(case, "order_value") * of_case(case, "orders_per_month")
    return formulas.over_lifespan(monthly_value=monthly, lifespan_months=months, margin=share)


@pytest.mark.parametrize("case", cases("clv"))
def test_cases_of_lifetime_value_against_the_formulas(case):
    expected = case["expected"]
    if isinstance(expected, dict):
        if "expected_tenure" in expected:
            assert curve_of(case).mean_within(of_case(case, "horizon")) == pytest.approx(Decimal(str(expected["expected_tenure"])), abs=near(case))
        expected = expected["clv"]
    found = worth(case)
    assert found is None if expected is None else found == pytest.approx(Decimal(str(expected)), abs=near(case))


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=40))
def test_a_curve_falls_from_one_and_without_censoring_is_the_share_that_is_left(rows):
    curve = kaplan_meier((Decimal(time), int(ended), int(not ended)) for time, ended in rows)
    levels = [Decimal(1), *(step.survival for step in curve.steps)]
    assert levels == sorted(levels, reverse=True)
    for step in curve.steps:
        assert step.low is None or 0 <= step.low <= step.survival <= step.high <= 1
    assert curve.mean_within(Decimal(61)) <= 61
    everybody = kaplan_meier((Decimal(time), 1, 0) for time, _ended in rows)
    for month in range(61):
        assert everybody.at(month) == pytest.approx(Decimal(sum(time > month for time, _ended in rows)) / len(rows), abs=Decimal("1e-20"))


def of_tenures(tenures, churned, until, length=MONTH):
    """One account for each tenure, ended or still there at `until`."""
    for number, (tenure, gone) in enumerate(zip(tenures, churned, strict=True)):
        account = Account.objects.create(external_id=f"t{number}", name="x")
        start = until - 40 * length if gone else until - tenure * length
        Subscription.objects.create(account=account, start=start, end=start + tenure * length if gone else None, amount=100, currency="EUR")


@pytest.mark.django_db
@pytest.mark.parametrize("case", [case for case in cases("clv") if "tenures" in case.values[0].get("input", {})])
def test_cases_of_value_from_survival_through_the_database(case):
    given = case["input"]
    of_tenures(given["tenures"], given["churned"], day("2024-01-01"))
    horizon = given.get("horizon") or given["months"]
    got = ask("clv", "2023-01-01", "2024-01-01", case["variant"], params={"horizon_months": str(horizon), "margin": str(given["gross_margin"]), "arpa": str(given["arpa"])})
    assert float(got["value"]) == pytest.approx(case["expected"]["clv"], abs=1e-6)
    if "expected_tenure" in case["expected"]:
        assert float(got["parts"]["expected_tenure"]) == pytest.approx(case["expected"]["expected_tenure"], abs=1e-6)
    assert got["flags"] == []


@pytest.mark.django_db
@pytest.mark.parametrize("case", cases("tenure_survival"))
def test_cases_of_survival_through_the_database(case):
    until = day("2024-03-01")
    for number, (tenure, gone) in enumerate(zip(case["input"]["tenures"], case["input"]["churned"], strict=True)):
        account = Account.objects.create(external_id=f"t{number}", name="x")
        months = 2024 * 12 + 2 - tenure
        start, end = (day("2020-03-01"), day(f"{2020 + (2 + tenure) // 12}-{(2 + tenure) % 12 + 1:02}-01")) if gone else (day(f"{months // 12}-{months % 12 + 1:02}-01"), None)
        Subscription.objects.create(account=account, start=start, end=end, amount=100, currency="EUR")
    got = ask("tenure_survival", "2024-01-01", until.date().isoformat(), params={"time": "whole_months"})
    curve = {float(time): float(level) for time, level in got["curve"]}
    for time, expected in case["expected"]["survival"].items():
        assert curve[float(time)] == pytest.approx(expected, abs=1e-6)
    assert float(got["median"]) == case["expected"]["median"]
    assert got["parts"]["subjects"] == len(case["input"]["tenures"])


@pytest.mark.django_db
def test_a_short_gap_does_not_end_a_tenure_and_a_return_after_a_long_one_is_no_new_subject(cast):
    for start, end in (("2023-01-01", "2023-03-01"), ("2023-03-31", "2023-06-01"), ("2023-09-01", None)):
        Subscription.objects.create(account=cast.boga, start=day(start), end=day(end) if end else None, amount=100, currency="EUR")
    got = ask("tenure_survival", "2023-01-01", "2024-01-01", params={"time": "days"})
    assert (got["parts"]["subjects"], got["parts"]["ended"]) == (1, 1)
    assert got["curve"] == [["0", "1"], [str((day("2023-06-01") - day("2023-01-01")).days), "0"]]
    shorter = ask("tenure_survival", "2023-01-01", "2024-01-01", params={"time": "days", "gap_days": "29"})
    assert shorter["curve"][-1] == [str((day("2023-03-01") - day("2023-01-01")).days), "0"]


@pytest.mark.django_db
@pytest.mark.parametrize("case", cases("cohort_retention"))
def test_cases_of_cohorts_through_the_database(case):
    name = case["input"]["dataset"]
    for row in dataset(name):
        key = row.get("account") or row["customer"]
        account, _ = Account.objects.get_or_create(external_id=key, defaults={"name": key, "business_model": "ecommerce" if name == "cdnow_60" else "subscription"})
        if name == "cdnow_60":
            Transaction.objects.create(account=account, occurred_at=day(row["date"]), amount=Decimal(str(row["amount"])), currency="EUR")
        else:
            end = day(row["end"]) if row["end"] else None
            Subscription.objects.create(account=account, start=day(row["start"]), end=end, amount=Decimal(str(row["mrr"])), currency="EUR")
    first = dt.date.fromisoformat(case["input"]["cohort"])
    last = (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    got = ask("cohort_retention", first.isoformat(), last.isoformat(), case["variant"], params={"periods": str(case["input"]["offsets"][-1])})
    (row,) = got["rows"]
    assert (row["cohort"], row["size"], row["active"]) == (f"{first:%Y-%m}", case["expected"]["size"], case["expected"]["active"])
    assert [float(cell) for cell in row["cells"]] == pytest.approx(case["expected"]["share"], abs=case["tolerance"])
    assert got["value"] == row["cells"][1]
    if name == "cdnow_60":
        assert ask("cohort_retention", first.isoformat(), last.isoformat())["variant"] == "bought_in_period"


@pytest.mark.django_db
def test_a_cell_that_is_not_over_is_null_and_the_average_leaves_it_out(cast):
    for account, start in ((cast.boga, "2024-01-10"), (cast.north, "2024-02-10")):
        Subscription.objects.create(account=account, start=day(start), end=day("2024-03-15") if account == cast.boga else None, amount=100, currency="EUR")
    got = ask("cohort_retention", "2024-01-01", "2024-03-01", params={"periods": "3", "k": "2"}, as_of="2024-04-01")
    assert [row["active"] for row in got["rows"]] == [[1, 1, 0, None], [1, 1, None, None]]
    assert (got["value"], got["denominator"], got["average"]) == ("0", "1", ["1", "1", "0", None])
    assert got["flags"] == ["settles_later"]


@pytest.mark.django_db
def test_who_ended_by_the_thirtieth_day_after_signing_up_is_not_retained(cast):
    for account, end in ((cast.boga, "2024-01-31"), (cast.north, "2024-02-01")):
        Account.objects.filter(pk=account.pk).update(signed_up_at=day("2024-01-01"))
        Subscription.objects.create(account=account, start=day("2024-01-01"), end=day(end), amount=100, currency="EUR")
    got = ask("cohort_retention", "2024-01-01", "2024-02-01", "retained_at_day_n", now=day("2024-04-01"))
    assert (got["numerator"], got["denominator"], got["rows"][0]["cells"]) == ("1", "2", ["0.5"])
    early = ask("cohort_retention", "2024-01-01", "2024-02-01", "retained_at_day_n", now=day("2024-04-01"), as_of="2024-02-10")
    assert (early["value"], early["rows"][0]["cells"]) == (None, [None])


@pytest.mark.django_db
def test_revenue_cohorts_follow_the_money_and_may_exceed_one(cast):
    Subscription.objects.create(account=cast.boga, start=day("2024-01-10"), end=day("2024-02-10"), amount=100, currency="EUR")
    Subscription.objects.create(account=cast.boga, start=day("2024-02-10"), amount=150, currency="EUR")
    got = ask("cohort_retention", "2024-01-01", "2024-02-01", "mrr_at_period_end", params={"periods": "1"})
    assert got["rows"] == [{"cohort": "2024-01", "size": "100", "active": ["100", "150"], "cells": ["1", "1.5"]}]
    assert (got["value"], got["interval_95"]) == ("1.5", None)


@pytest.mark.django_db
def test_value_by_churn_reads_the_closed_months_and_says_when_it_is_revenue(cast):
    for number in range(10):
        account = Account.objects.create(external_id=f"v{number}", name="x")
        # one of ten leaves in March, so that the mean of six months is a sixtieth
        Subscription.objects.create(account=account, start=day("2023-01-01"), end=day("2024-03-15") if number == 0 else None, amount=100, currency="EUR")
    got = ask("clv", "2024-01-01", "2024-04-10")
    assert (got["variant"], float(got["parts"]["churn"]), got["flags"]) == ("arpa_margin_over_churn", pytest.approx(1 / 60), ["revenue_not_profit"])
    assert float(got["value"]) == pytest.approx(6000)
    Assumption.objects.create(name="margin", value="0.8")
    with_margin = ask("clv", "2024-01-01", "2024-04-10")
    assert (float(with_margin["value"]), with_margin["flags"]) == (pytest.approx(4800), [])
    assert float(ask("clv", "2024-01-01", "2024-04-10", params={"churn": "0.05", "margin": "1"})["value"]) == pytest.approx(2000)
    assert ask("clv", "2024-01-01", "2024-04-10", "arpa_over_churn", params={"churn": "0"})["value"] is None


@pytest.mark.django_db
@pytest.mark.parametrize("case", [case for case in cases("clv") if "customers" in case.values[0].get("input", {})])
def test_value_over_a_lifespan_is_the_mean_of_what_each_customer_spends(case):
    for number, customer in enumerate(case["input"]["customers"]):
        account = Account.objects.create(external_id=f"s{number}", name="x", business_model="ecommerce")
        # a year of spending in one order a month
        monthly = Decimal(str(customer["spend_per_visit"])) * Decimal(str(customer["visits_per_week"])) * 52 / 12
        for month in range(1, 13):
            Transaction.objects.create(account=account, occurred_at=day(f"2023-{month:02}-15"), amount=round(monthly, 6), currency="EUR")
    got = ask("clv", "2023-01-01", "2024-01-01", params={"lifespan_months": str(12 * case["input"]["lifespan_years"]), "margin": "1"})
    assert got["variant"] == "value_x_lifespan"
    assert float(got["value"]) == pytest.approx(case["expected"], abs=0.001)
    assert (got["parts"]["orders_per_month"], got["parts"]["churn"]) == ("1", None)


@pytest.mark.django_db
def test_two_kinds_of_business_are_not_pooled(cast):
    Account.objects.filter(pk=cast.north.pk).update(business_model="ecommerce")
    Subscription.objects.create(account=cast.boga, start=day("2024-01-10"), amount=100, currency="EUR")
    Transaction.objects.create(account=cast.north, occurred_at=day("2024-01-20"), amount=50, currency="EUR")
    got = ask("cohort_retention", "2024-01-01", "2024-02-01", by="business_model")
    assert ("mixed_business_models" in got["flags"], got["parts"]["accounts"]) == (True, 1)
    assert {group["key"]: group["parts"]["accounts"] for group in got["groups"]} == {"subscription": 1, "ecommerce": 1}


@pytest.mark.django_db
def test_a_cohort_of_too_many_cells_is_refused_by_name():
    with pytest.raises(WrongQuestion, match="periods=121"):
        ask("cohort_retention", "2024-01-01", "2024-02-01", params={"periods": "121"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("start", "end", "months"), [("2024-01-01", "2024-03-01", 2), ("2024-01-16", "2024-02-01", Decimal(16) / 31), ("2023-12-31", "2024-01-02", Decimal(2) / 31)]
)
def test_part_months_count_by_their_days(start, end, months):
    from metrics.kpis.engine import ask as question_of

    assert months_within(question_of(name="clv", start=start, end=end, now=clock())) == months
