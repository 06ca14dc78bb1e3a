"""Worked cases of other people about revenue and customers: their rows through an import, the database and the engine.

The two tables of the cases are loaded once for all the cases that rest on them; cases that give counts or
finished parts are turned into rows that have them.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from django.db import transaction

from metrics.formulas.retention import annualised_from_days, annualised_from_month
from tests.metrics.support_rows import account, ask, load
from tests.shared_data import all_cases, dataset

# what the cases call the parts; None is the value itself
PARTS = {
    "opening_mrr": "opening", "closing_mrr": "closing", "rate": None, "nrr": None, "aov": None, "arpa_closing": None, "size": None, "active": None, "share": None,
    "arpu_average_start_end": None,
}  # fmt: skip
# the call that answers each label (catalogue.md, section 4)
CALLS = {"bridge": "net_per_account", "closing_and_average": "closing", "window_days": "window", "roi_ratio": "simple"}


def of_tables():
    return [case for case in all_cases() if "dataset" in case.values[0].get("input", {})]


def shaped(*names):
    """The cases that give exactly these inputs (some may be missing)."""
    kpis = {
        "logo_churn", "customer_retention_rate", "mrr_movements", "nrr", "grr", "gross_mrr_churn", "net_mrr_churn", "quick_ratio", "arpa", "arr", "mrr",
    }  # fmt: skip
    return [case for case in all_cases() if case.values[0].get("kpi") in kpis and names[0] in case.values[0]["input"] and set(case.values[0]["input"]) <= set(names)]


@pytest.fixture(scope="module")
def tables(django_db_setup, django_db_blocker):
    """Both tables, loaded once; taken back when the module is done."""
    with django_db_blocker.unblock(), transaction.atomic():
        spans, orders = dataset("dbt_mrr_playbook"), dataset("cdnow_60")
        load("accounts", [{"external_id": f"s{key}", "name": key} for key in dict.fromkeys(str(row["account"]) for row in spans)])
        load(
            "subscriptions",
            [{"external_id": f"s{n}", "account": f"s{row['account']}", "start": row["start"], "end": row["end"], "amount": str(row["mrr"])} for n, row in enumerate(spans)],
        )
        load("accounts", [{"external_id": f"o{key}", "name": key, "business_model": "ecommerce"} for key in dict.fromkeys(str(row["customer"]) for row in orders)])
        load("transactions", [{"external_id": f"o{n}", "account": f"o{row['customer']}", "occurred_at": row["date"], "amount": str(row["amount"])} for n, row in enumerate(orders)])
        yield
        transaction.set_rollback(True)


def close_to(expected, case):
    return None if expected is None else pytest.approx(expected, abs=max(case["tolerance"], 1e-9))


def number(text):
    return None if text is None else float(text)


def check(told, expected, case):
    """Every number of the case against the answer."""
    if not isinstance(expected, dict):
        assert number(told["value"]) == close_to(expected, case)
        return
    for name, value in expected.items():
        part = PARTS.get(name, name)
        assert number(told["value"] if part is None else told["parts"][part]) == close_to(value, case), name


@pytest.mark.parametrize("case", of_tables())
def test_cases_that_rest_on_a_table(case, tables):
    given, expected, kpi = case["input"], case["expected"], case["kpi"]
    variant = CALLS.get(case["variant"], case["variant"])
    # the tables hold subscriptions and orders of different years: each case is about one of them
    params: dict[str, str] = {}
    if kpi == "cohort_retention":
        start, periods = given["cohort"], str(given["offsets"][-1])
        end = (dt.date.fromisoformat(start) + dt.timedelta(days=31)).replace(day=1).isoformat()
        told = ask(kpi, variant, start=start, end=end, params={"periods": periods})
        (row,) = told["rows"]
        found = [Decimal(row["cells"][k]) for k in given["offsets"]]
        assert row["size"] == expected["size"]
        assert [float(share) for share in found] == [close_to(share, case) for share in expected["share"]]
        assert [round(share * row["size"]) for share in found] == expected["active"]
        return
    if "window_days" in given:
        params["window_days"] = str(given["window_days"])
    if "instant" in given:
        check(ask("mrr", start="2017-01-01", end=given["instant"]), expected, case)
        return
    start, end = given["period"]
    if kpi == "arpa":
        check(ask("arpa", "closing", start=start, end=end), expected["arpa_closing"], case)
        check(ask("arpu", "average_start_end", start=start, end=end), expected["arpu_average_start_end"], case)
        return
    check(ask(kpi, variant, start=start, end=end, params=params), expected, case)


def spans(*rows):
    """Spans through an import: (account, start, end, amount, further columns)."""
    for key in dict.fromkeys(row[0] for row in rows):
        account(key)
    if rows:
        load("subscriptions", [{"external_id": f"x{n}", "account": key, "start": start, "end": end, "amount": str(amount), **(more[0] if more else {})}
                               for n, (key, start, end, amount, *more) in enumerate(rows)])  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("case", shaped("customers_start", "churned", "cancelled", "of_which_joined_in_period", "new", "customers_end"))
def test_cases_that_count_customers(case):
    """So many customers, of whom so many leave and so many come, made smaller where both can be divided."""
    given = case["input"]
    joined_and_left = given.get("of_which_joined_in_period", 0)
    lost = given["churned"] if "churned" in given else given.get("cancelled", 0) - joined_and_left
    if "customers_end" in given:
        lost = given["customers_start"] + given["new"] - given["customers_end"]
    there, new = given["customers_start"], given.get("new", 0)
    by = math.gcd(there, lost, new, joined_and_left)
    rows = [(f"c{n}", "2024-01-01", "2024-06-15" if n < lost // by else None, 10) for n in range(there // by)]
    rows += [(f"n{n}", "2024-06-10", None, 10) for n in range(new // by)] + [(f"b{n}", "2024-06-10", "2024-06-20", 10) for n in range(joined_and_left // by)]
    spans(*rows)
    check(ask(case["kpi"], case["variant"]), case["expected"], case)


@pytest.mark.django_db
@pytest.mark.parametrize("case", [case for case in shaped("subscriptions", "period") if case.values[0]["kpi"] == "logo_churn" and not case.values[0]["input"]["subscriptions"]])
def test_nobody_at_the_start_is_no_rate(case):
    assert ask("logo_churn")["value"] is case["expected"]


@pytest.mark.django_db
@pytest.mark.parametrize("case", [*shaped("monthly_rate"), *shaped("rate", "days")])
def test_cases_that_make_a_year_of_a_rate(case):
    given = case["input"]
    if "monthly_rate" in given:
        assert float(annualised_from_month(Decimal(str(given["monthly_rate"])))) == close_to(case["expected"], case)
        rate, end, annualise = given["monthly_rate"], "2024-07-01", "months"
    else:
        assert float(annualised_from_days(Decimal(str(given["rate"])), Decimal(given["days"]))) == close_to(case["expected"], case)
        rate, end, annualise = given["rate"], (dt.date(2024, 6, 1) + dt.timedelta(days=given["days"])).isoformat(), "days"
    spans(*((f"c{n}", "2024-01-01", "2024-06-15" if n == 0 else None, 10) for n in range(round(1 / rate))))
    told = ask("logo_churn", "start_of_period", end=end, params={"annualise": annualise})
    assert number(told["value"]) == close_to(case["expected"], case)
    assert number(told["parts"]["rate"]) == rate


@pytest.mark.django_db
@pytest.mark.parametrize("case", [*shaped("mrr_by_account"), *shaped("mrr", "customers"), *shaped("mrr")])
def test_cases_that_tell_what_each_account_pays(case):
    given = case["input"]
    if "mrr_by_account" in given:
        rows = [(f"a{key}", "2024-01-01", None, amount) for key, amount in given["mrr_by_account"].items()]
    else:
        others = given.get("customers", 1) - 1
        rows = [("first", "2024-01-01", None, Decimal(str(given["mrr"])) - others), *((f"o{n}", "2024-01-01", None, 1) for n in range(others))]
    spans(*rows)
    check(ask(case["kpi"], case["variant"]), case["expected"], case)


@pytest.mark.django_db
@pytest.mark.parametrize("case", [*shaped("opening", "closing"), *shaped("opening", "new", "expansion", "reactivation", "contraction", "churned"),
                                  *shaped("new", "expansion", "contraction", "churned"), *shaped("gained", "lost")])  # fmt: skip
def test_cases_that_tell_the_parts_of_a_bridge(case):
    """Accounts whose spans make exactly these parts in June 2024."""
    given = case["input"]
    if isinstance(given.get("opening"), dict):
        rows = [(key, "2024-01-01", "2024-06-10", amount) for key, amount in given["opening"].items()]
        rows += [(key, "2024-06-10", None, amount) for key, amount in given["closing"].items()]
    else:
        rows = _bridge({"new": given["gained"], "churned": given["lost"]} if "gained" in given else given)
    spans(*rows)
    expected, variant = case["expected"], CALLS.get(case["variant"], case["variant"])
    told = ask(case["kpi"], variant)
    if not isinstance(expected, dict):
        check(told, expected, case)
        return
    beside = {"quick_ratio_with_reactivation": ("quick_ratio", "with_reactivation"), "quick_ratio": ("quick_ratio", "standard"), "grr": ("grr", "standard")}
    for name, value in expected.items():
        check(ask(*beside[name]) if name in beside else told, value if name in beside else {name: value}, case)


def _bridge(parts):
    """Spans that make these parts; what is left of the opening is one account that stays as it is."""
    given = {name: Decimal(str(value)) for name, value in parts.items()}
    rows, opening = [], given.get("opening", Decimal(0))
    for name, before, after in (("churned", 1, 0), ("contraction", 2, 1), ("expansion", 1, 2), ("new", 0, 1), ("reactivation", 0, 1)):
        value = given.get(name, Decimal(0))
        if not value:
            continue
        if name == "reactivation":
            rows.append((name, "2023-01-01", "2023-06-01", value))
        if before:
            rows.append((name, "2024-01-01", "2024-06-10", before * value))
            opening -= before * value
        if after:
            rows.append((name, "2024-06-10", None, after * value))
    return [*rows, ("stays", "2024-01-01", None, opening)] if opening > 0 else rows


@pytest.mark.django_db
@pytest.mark.parametrize("case", [case for case in all_cases() if case.values[0].get("kpi") == "churn_by_cancellation"])
def test_a_cancellation_is_churn_when_the_service_ends_or_when_notice_is_given(case):
    start, cancel = case["input"]["events"]
    plan = case["input"]["plan"]
    spans(("acme", start["at"], cancel["paid_through"], plan["amount"], {"interval": plan["interval"], "cancelled_at": cancel["at"]}))
    for cancellation, expected in case["expected"].items():
        params = {"cancellation": cancellation}
        series = ask("mrr_movements", start="2023-03-01", end="2023-06-01", interval="day", params=params)["series"]
        assert [piece["start"] for piece in series if Decimal(piece["parts"]["churned"]) > 0] == [expected["churn_date"]]
        assert ask("mrr", start="2023-03-01", end=expected["churn_date"], params=params)["value"] == str(plan["amount"])


@pytest.mark.django_db
@pytest.mark.parametrize("case", [case for case in shaped("subscriptions") if case.values[0]["kpi"] == "mrr"])
def test_cases_that_list_subscriptions(case):
    rows = [
        (f"g{n}", "2024-01-01", None, group["amount"], {"interval": group["interval"], "status": group.get("status", "active")})
        for n, group in enumerate(case["input"]["subscriptions"])
        for _ in range(group["count"])
    ]
    spans(*rows)
    assert number(ask("mrr")["value"]) == pytest.approx(case["expected"], abs=case["tolerance"] or 1e-9)


@pytest.mark.django_db
@pytest.mark.parametrize("case", [case for case in all_cases() if case.values[0].get("kpi") in {"nps", "csat", "ces"} and {"scores", "score_counts", "responses"} & set(case.values[0]["input"])
                                  and "satisfied" not in case.values[0]["input"]])  # fmt: skip
def test_cases_that_list_answers(case):
    given, kpi = case["input"], case["kpi"]
    low, high = given.get("scale", [1 if case["variant"] == "nps_1_10" else 0, 10])
    scores = given.get("scores", [int(score) for score, count in given.get("score_counts", {}).items() for _ in range(count)])
    rows = [{"score": str(score), "answered_at": "2024-06-03T10:00:00Z"} for score in scores]
    rows = rows or [{"score": str(row["score"]), "answered_at": row["at"], "account": "acme", "contact_email": f"{row['contact']}@acme.test"} for row in given.get("responses", [])]
    account()
    if rows:
        load("responses", [{"external_id": f"r{n}", "kind": kpi, "scale_min": str(low), "scale_max": str(high), **row} for n, row in enumerate(rows)])
    expected = case["expected"]
    if "responses" in given:
        start, end = given["period"]
        latest = ask(kpi, start=start, end=end)
        assert (number(latest["value"]), latest["parts"]["respondents"]) == (expected["nps"], expected["respondents"])
        assert number(ask(kpi, start=start, end=end, params={"answers": "all_responses"})["value"]) == expected["nps_all_responses"]
        return
    told = ask(kpi, case["variant"])
    assert number(told["value"]) == close_to(expected["csat"] if isinstance(expected, dict) else expected, case)
