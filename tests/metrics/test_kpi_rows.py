"""The rows behind a figure sum to it, page by page, for every KPI that is a sum over rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from accounts.models import Account, Contact, CostEntry, Segment, Subscription, Transaction
from metrics.formulas.numbers import decimal_text
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import answer, ask
from metrics.kpis.parts import adds_to
from metrics.kpis.question import WrongQuestion
from metrics.kpis.rows import rows_page
from surveys.models import Response, Survey
from tests.api_client import ApiClient
from tickets.actions.messages import reply
from tickets.actions.tickets import move_ticket, open_ticket
from tickets.models import Interaction

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
PERIOD = {"start": "2026-05-01", "end": "2026-06-01"}


def at(day, hour=10):
    return dt.datetime(2026, 5, day, hour, tzinfo=dt.UTC)


@pytest.fixture
def world(cast):
    """Three accounts: one that grew, one that left, a shop; with answers, tickets and calls in May."""
    early = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    shop = Account.objects.create(external_id="shop", name="Shop", business_model="ecommerce", owner=cast.elif_)
    Subscription.objects.create(account=cast.boga, start=early, end=at(10), amount=100, currency="EUR")
    Subscription.objects.create(account=cast.boga, start=at(10), amount=150, currency="EUR")
    Subscription.objects.create(account=cast.north, start=early, end=at(20), amount=80, currency="EUR")
    trial = Account.objects.create(external_id="trial", name="Trial", trial_started_at=at(3), owner=cast.can)
    Subscription.objects.create(account=trial, start=at(3), trial_until=at(17), amount=30, currency="EUR")
    for day, amount in ((2, 40), (12, 60)):
        Transaction.objects.create(account=shop, occurred_at=at(day), amount=amount, currency="EUR", external_id=f"o{day}")
    Transaction.objects.create(account=cast.boga, occurred_at=at(9), amount=2400, currency="EUR", kind="contract", contract_years=2, one_time_fees=400)
    surveys = {survey.kind: survey for survey in Survey.objects.filter(key__in=["nps", "csat", "ces"])}
    harry = Contact.objects.get(pk=cast.harry.pk)
    for number, (kind, account, contact, score) in enumerate(
        (("nps", cast.boga, cast.selin, 10), ("nps", cast.boga, cast.selin, 3), ("nps", cast.north, harry, 9), ("nps", None, None, 10), ("csat", cast.boga, cast.selin, 5),
         ("csat", cast.north, harry, 2), ("ces", cast.boga, cast.selin, 6), ("ces", cast.north, harry, 3), ("ces", None, None, 7))
    ):  # fmt: skip
        low, high = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}[kind]
        Response.objects.create(
            survey=surveys[kind], kind=kind, account=account, contact=contact, score=score, scale_min=low, scale_max=high, answered_at=at(number + 1), direction="high_good"
        )
    for number, account in enumerate((cast.boga, cast.boga, cast.north)):
        ticket, _new = open_ticket(account_id=account.pk, subject="x", severity=number + 2, now=at(5 + number), channel="email")
        reply(ticket_id=ticket.pk, body="y", author=cast.deniz, now=at(5 + number, 12), solve=number < 2)
        Interaction.objects.create(account=account, ticket=ticket, channel="email", ended_at=at(5 + number, 12), work_seconds=600 * (number + 1))
    for category, amount, segment in (("support", 300, None), ("quality", 90, None), ("team", 500, None), ("tools", 70, Segment.objects.first())):
        CostEntry.objects.create(category=category, amount=amount, currency="EUR", start=dt.date(2026, 5, 1), end=dt.date(2026, 6, 1), segment=segment)
    late, _new = open_ticket(account_id=cast.north.pk, subject="z", now=at(25))
    move_ticket(ticket_id=late.pk, to="on_hold", now=at(26), actor=cast.deniz)
    return cast


def summed(name, variant, **more):
    """Numerator and denominator over all pages of one account each, with the kinds met."""
    question = ask(name=name, variant=variant, now=NOW, **PERIOD, **more)
    after, numerator, denominator, kinds, seen = None, Decimal(0), Decimal(0), set(), []
    for _page in range(50):
        page = rows_page(question, after=after, accounts=1)
        for row in page.rows:
            numerator += row.numerator or 0
            denominator += row.denominator or 0
            kinds.add(row.kind)
            seen.append((row.kind, row.id, row.occurred_at))
        after = page.after
        if after is None:
            break
    return numerator, denominator, kinds, seen


# sums of daily rates are no sums over accounts; a funnel has to be told its events
OTHERWISE = {"daily_sum"}
NEEDS = {("conversion_rate", "funnel"): {"from_event": "trial.started", "to_event": "subscription.started"}}
ADDITIVE = [
    (name, variant)
    for name, kpi in CATALOGUE.items()
    if name not in {"clv", "tenure_survival", "cx_roi", "team_performance"}
    for variant in kpi.variants
    if variant not in OTHERWISE
]


@pytest.mark.parametrize(("name", "variant"), ADDITIVE)
def test_rows_sum_to_the_figure(world, name, variant):
    more = {"params": NEEDS[name, variant]} if (name, variant) in NEEDS else {}
    figure = answer(name=name, variant=variant, now=NOW, **PERIOD, **more)
    numerator, denominator, _kinds, seen = summed(name, variant, **more)
    assert len(seen) == len(set(seen)) or name == "ticket_backlog"
    if figure["numerator"] is not None:
        assert numerator == Decimal(figure["numerator"])
    if figure["denominator"] is not None:
        assert denominator == Decimal(figure["denominator"])


@pytest.mark.parametrize(("name", "variant"), ADDITIVE)
def test_rows_sum_to_every_part_that_opens(world, name, variant):
    more = {"params": NEEDS[name, variant]} if (name, variant) in NEEDS else {}
    figure = answer(name=name, variant=variant, now=NOW, **PERIOD, **more)
    question, after, rows = ask(name=name, variant=variant, now=NOW, **PERIOD, **more), None, []
    while True:
        page = rows_page(question, after=after, accounts=100)
        rows += page.rows
        after = page.after
        if after is None:
            break
    for part, value in figure["parts"].items():
        adds = adds_to(name, variant, part)
        if adds is not None and value is not None:
            assert decimal_text(Decimal(sum(adds(row) for row in rows))) == decimal_text(Decimal(str(value))), part


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nps", "answer"),
        ("csat", "answer"),
        ("ces", "answer"),
        ("first_response_time", "ticket"),
        ("resolution_time", "ticket"),
        ("fcr", "ticket"),
        ("aht", "interaction"),
        ("mrr", "account"),
        ("nrr", "account"),
        ("aov", "account"),
    ],
)
def test_what_is_counted_is_told(world, name, kind):
    numerator, denominator, kinds, seen = summed(name, None)
    assert kinds == {kind}
    assert seen
    assert numerator
    assert denominator or name == "mrr"


@pytest.mark.parametrize("name", ["clv", "cx_roi", "team_performance"])
def test_what_is_no_sum_is_refused_by_name(world, name):
    with pytest.raises(WrongQuestion, match=name):
        rows_page(ask(name=name, now=NOW, **PERIOD), after=None, accounts=10)


def test_costs_of_a_book_are_the_shares_of_its_customers(world):
    own = list(Account.objects.visible_to(world.elif_).values_list("pk", flat=True))
    figure = answer(name="crc", now=NOW, accounts=own, **PERIOD)
    numerator, denominator, kinds, _seen = summed("crc", None, accounts=own)
    assert kinds == {"cost", "account"}
    assert (decimal_text(numerator), decimal_text(denominator)) == (figure["numerator"], figure["denominator"])
    assert numerator < Decimal(answer(name="crc", now=NOW, **PERIOD)["numerator"])


def test_tenures_are_the_rows_of_their_curve(world):
    figure = answer(name="tenure_survival", now=NOW, **PERIOD)
    page = rows_page(ask(name="tenure_survival", now=NOW, **PERIOD), after=None, accounts=100)
    assert len(page.rows) == figure["parts"]["subjects"] == 3
    assert [row.external_id for row in page.rows if row.parts["ended"]] == ["north"]


def test_a_sum_of_days_has_no_rows(world):
    with pytest.raises(WrongQuestion, match="daily_sum"):
        rows_page(ask(name="logo_churn", variant="daily_sum", now=NOW, **PERIOD), after=None, accounts=10)


def test_the_api_pages_through_them_within_the_readers_accounts(world):
    client = ApiClient(world.ada, "metrics:read")
    path, rows = "/metrics/mrr/rows/?start=2026-05-01&end=2026-06-01&page_size=1", []
    while path:
        page = client.get(path).json()
        rows += page["results"]
        path = page["next"] and page["next"].split("/api/v1", 1)[1]
    assert {row["account"]: row["numerator"] for row in rows} == {"boga": "150", "trial": "30"}
    own = ApiClient(world.elif_, "metrics:read").get("/metrics/mrr/rows/?start=2026-05-01&end=2026-06-01").json()
    assert [row["account"] for row in own["results"]] == ["boga"]
    assert ApiClient(world.ana, "metrics:read").get("/metrics/mrr/rows/?start=2026-05-01&end=2026-06-01").status_code == 403


@pytest.mark.parametrize("query", ["after=x", "after=-1", "page_size=0", "page_size=5001", "by=segment", "interval=month", "colour=red"])
def test_a_wrong_word_is_named(world, query):
    refused = ApiClient(world.ada, "metrics:read").get(f"/metrics/mrr/rows/?start=2026-05-01&end=2026-06-01&{query}")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == query.split("=")[0]
