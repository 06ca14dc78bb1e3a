"""Bad input of revenue: named, refused or flagged at every door, and nothing half written; a wrong question never gets a number."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.actions.subscriptions import create_subscription
from accounts.models import AccountEvent, CostEntry, ExchangeRate, ImportBatch, Subscription, SubscriptionChange, Transaction
from config.imports import load_rows
from metrics.kpis.engine import WrongQuestion, answer
from tests.api_client import ApiClient

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SPAN = {"account": "boga", "start": "2025-01-01", "amount": "10"}
ORDER = {"account": "boga", "occurred_at": "2025-01-05", "amount": "5"}
COST = {"category": "team", "start": "2025-01-01", "amount": "5"}
FAULTS = [
    # kind, columns that are wrong, the column that is named, words of the reason
    ("subscriptions", {"end": "2024-12-31"}, "end", "before it starts"),
    ("subscriptions", {"quantity": "-1"}, "quantity", "outside"),
    ("subscriptions", {"interval_count": "0"}, "interval_count", "outside"),
    ("subscriptions", {"currency": "EURO"}, "currency", "EURO"),
    ("subscriptions", {"amount": "99999999999999"}, "amount", "more than can be kept"),
    ("subscriptions", {"start": "2025-13-01"}, "start", "no date"),
    ("subscriptions", {"paused_until": "2025-02-01"}, "paused_until", "no start"),
    ("transactions", {"amount": "-5"}, "amount", "below 0"),
    ("transactions", {"refunded_amount": "-1"}, "refunded_amount", "below 0"),
    ("transactions", {"refunded_amount": "6", "refunded_at": "2025-02-01"}, "refunded_amount", "more was given back"),
    ("transactions", {"refunded_amount": "5", "refunded_at": "2025-01-04"}, "refunded_at", "before it was paid"),
    ("transactions", {"tax": "-1"}, "tax", "below 0"),
    ("transactions", {"kind": "contract", "contract_years": "0"}, "contract_years", "more than 0"),
    ("transactions", {"kind": "contract", "one_time_fees": "6"}, "one_time_fees", "between 0 and the amount"),
    ("costs", {"end": "2025-01-01"}, "end", "after it starts"),
    ("exchange_rates", {"currency": "USD", "day": "2025-01-01", "rate": "-1"}, "rate", "more than 0"),
]


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Subscription, SubscriptionChange, Transaction, CostEntry, ExchangeRate, AccountEvent, ImportBatch))


@pytest.mark.parametrize(("kind", "wrong", "column", "words"), FAULTS, ids=[f"{kind}-{'-'.join(wrong)}" for kind, wrong, *_rest in FAULTS])
def test_a_file_with_one_bad_row_is_refused_by_row_and_column_and_nothing_of_it_is_written(cast, kind, wrong, column, words):
    good = {"subscriptions": SPAN, "transactions": ORDER, "costs": COST, "exchange_rates": {}}[kind]
    both = [{**good, "external_id": "good"}, {**good, "external_id": "bad", **wrong}] if good else [{"currency": "GBP", "day": "2025-01-01", "rate": "1"}, wrong]
    # what the good row leaves open is as it is by default
    usual = {"quantity": "1", "interval_count": "1", "currency": "EUR", "kind": "plan" if kind == "subscriptions" else "order"}
    both[0] = {**{name: usual.get(name) for name in both[1]}, **both[0]}
    before, faults = rows(), []
    report = load_rows(kind, both, now=NOW, listener=faults.append)
    assert (report.refused, report.created, rows()) == (True, 0, before)
    assert [(fault.row, fault.column, words in fault.reason) for fault in faults] == [(3, column, True)]


@pytest.mark.parametrize(
    ("path", "wrong", "field"),
    [
        ("subscriptions", {"quantity": "-1"}, "quantity"),
        ("subscriptions", {"amount": "99999999999999"}, "amount"),
        ("subscriptions", {"end": "2024-12-31T00:00:00Z"}, None),
        ("subscriptions", {"currency": "EURO"}, "currency"),
        ("transactions", {"amount": "-5"}, "amount"),
        ("transactions", {"refunded_amount": "6"}, "refunded_amount"),
        ("transactions", {"refunded_at": "2025-01-04T00:00:00Z"}, "refunded_at"),
        ("transactions", {"contract_years": "-1"}, "contract_years"),
    ],
)
def test_the_api_refuses_the_same_and_names_the_field(cast, path, wrong, field):
    good = {**(SPAN if path == "subscriptions" else ORDER)}
    name = "start" if path == "subscriptions" else "occurred_at"
    before = rows()
    told = ApiClient(cast.ada).post(f"/{path}/", {**good, name: f"{good[name]}T00:00:00Z", **wrong})
    assert told.status_code == 400, told.content
    assert field is None or [fault["field"] for fault in told.json()["errors"]] == [field]
    assert rows() == before


def test_the_administration_asks_the_same_of_a_form(cast):
    with pytest.raises(ValidationError, match="below 0"):
        Transaction(account=cast.boga, occurred_at=NOW, amount=Decimal(-5), currency="EUR").full_clean()
    with pytest.raises(ValidationError, match="below 0"):
        Subscription(account=cast.boga, start=NOW, amount=Decimal(5), quantity=Decimal(-1), currency="EUR").full_clean()


def test_overlapping_spans_are_refused_at_every_door_also_when_two_arrive_at_once(cast):
    base = {"account": cast.boga, "subscription": "S", "currency": "EUR", "amount": Decimal(5)}
    create_subscription(fields={**base, "start": NOW, "end": NOW + dt.timedelta(days=30)}, actor=None, now=NOW)
    before = rows()
    with pytest.raises(IntegrityError), transaction.atomic():
        create_subscription(fields={**base, "start": NOW + dt.timedelta(days=29)}, actor=None, now=NOW)
    faults: list = []
    spans = [{"external_id": key, "account": "north", "subscription": "T", "start": start, "amount": "5"} for key, start in (("a", "2025-01-01"), ("b", "2025-02-01"))]
    assert load_rows("subscriptions", spans, now=NOW, listener=faults.append).refused
    assert ["overlaps" in fault.reason for fault in faults] == [True]
    assert rows() == before


def test_what_is_accepted_and_never_counts_is_counted_as_a_warning(cast):
    spans = [
        {"external_id": "credit", "amount": "-10", "end": None, "unpaid_at": None},
        {"external_id": "empty", "amount": "10", "end": "2025-01-01", "unpaid_at": None},
        {"external_id": "over", "amount": "10", "end": None, "unpaid_at": "2024-06-01"},
    ]
    report = load_rows("subscriptions", [{**SPAN, **span} for span in spans], now=NOW)
    assert (report.created, report.warnings) == (3, {"empty_spans": 1, "over_before_start": 1, "spans_below_zero": 1})
    told = answer(name="mrr", start="2025-01-01", end="2025-06-01", now=NOW)
    assert (told["value"], told["parts"]["customers"]) == ("0", 0)
    parts = answer(name="mrr_movements", start="2024-12-01", end="2025-06-01", now=NOW)["parts"]
    assert [parts[name] for name in ("opening", "new", "contraction", "churned", "closing", "transient_accounts")] == ["0", "0", "0", "0", "0", 0]
    report = load_rows("costs", [{**COST, "external_id": "c", "amount": "-5"}], now=NOW)
    assert report.warnings == {"costs_below_zero": 1}


@pytest.mark.parametrize("name", ["mrr", "arr", "mrr_movements", "arpa", "grr", "nrr", "gross_mrr_churn", "net_mrr_churn", "quick_ratio"])
def test_a_currency_without_a_rate_makes_the_figure_nothing_and_is_named(cast, name):
    for key, currency in (("eur", "EUR"), ("zzz", "ZZZ")):
        Subscription.objects.create(account=cast.boga, external_id=key, start=dt.datetime(2024, 1, 1, tzinfo=dt.UTC), amount=10, currency=currency)
    for more in ({}, {"interval": "month"}, {"by": "segment"}):
        told = answer(name=name, start="2025-01-01", end="2025-04-01", now=NOW, **more)
        found = told.get("series") or told.get("groups") or [told]
        assert [(piece["value"], piece["missing"]) for piece in found] == [(None, ["ZZZ"])] * len(found), more


def test_a_missing_rate_is_named_on_the_page_and_by_the_command(cast, client):
    Subscription.objects.create(account=cast.boga, start=dt.datetime(2024, 1, 1, tzinfo=dt.UTC), amount=10, currency="ZZZ")
    out = io.StringIO()
    call_command("kpi", "mrr", "--start", "2025-01-01", "--end", "2025-04-01", stdout=out)
    assert (json.loads(out.getvalue())["value"], json.loads(out.getvalue())["missing"]) == (None, ["ZZZ"])
    client.force_login(cast.ada)
    page = client.get(reverse("metrics:kpi", args=["mrr"]), {"start": "2025-01-01", "end": "2025-04-01"})
    assert "ZZZ" in page.content.decode()


WRONG = [
    ({"variant": "lucky"}, "standard"),
    ({"segment": "gold"}, "vip"),
    ({"filters": {"segment": "gold"}}, "vip"),
    ({"filters": {"segment": ["vip", "gold"]}}, "gold"),
    ({"filters": {"business_model": "barter"}}, "ecommerce"),
    ({"filters": {"lifecycle_stage": "nowhere"}}, "churned"),
    ({"filters": {"kind": "seat"}}, "seats"),
    ({"filters": {"owner": "nobody@vefa.test"}}, "nobody@vefa.test"),
    ({"filters": {"mood": "good"}}, "segment"),
    ({"params": {"discounts": "in_force"}}, "discount"),
    ({"params": {"cancellation": "never"}}, "at_cancellation"),
    ({"params": {"delinquency_days": "-1"}}, "0 or more"),
    ({"by": "mood"}, "segment"),
    ({"interval": "decade"}, "month"),
    ({"end": "2025-01-01"}, "not after"),
    ({"start": "2025-02-30"}, "2025-02-30"),
    ({"as_of": "soon"}, "soon"),
]


@pytest.mark.parametrize(("wrong", "named"), WRONG, ids=[str(wrong) for wrong, _named in WRONG])
def test_a_wrong_question_is_refused_by_what_is_wrong_and_what_there_is(cast, wrong, named):
    with pytest.raises(WrongQuestion, match=named):
        answer(**{"name": "mrr", "start": "2025-01-01", "end": "2025-04-01", "now": NOW, **wrong})


def test_an_unknown_survey_is_refused_as_parameter_and_as_filter(cast):
    for wrong in ({"params": {"survey": "none"}}, {"filters": {"survey": "none"}}):
        with pytest.raises(WrongQuestion, match="none"):
            answer(name="nps", start="2025-01-01", end="2025-04-01", now=NOW, **wrong)


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--filter", "segment=gold"], "gold"), (["--param", "discount"], "NAME=VALUE"), (["--variant", "lucky"], "lucky"), (["--end", "2025-01-01"], "not after")],
)
def test_the_command_ends_with_2_and_says_what_is_wrong(cast, options, named):
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("kpi", "mrr", "--start", "2025-01-01", "--end", "2025-04-01", *options, stdout=out, stderr=err)
    assert (ended.value.code, out.getvalue(), named in err.getvalue()) == (2, "", True)


def test_the_page_of_a_kpi_keeps_what_was_asked_and_names_the_fault(cast, client):
    client.force_login(cast.ada)
    page = client.get(reverse("metrics:kpi", args=["mrr"]), {"start": "2025-04-01", "end": "2025-01-01"})
    text = page.content.decode()
    assert (page.status_code, 'role="alert"' in text, "2025-04-01" in text) == (400, True, True)
