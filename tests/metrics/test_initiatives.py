"""Initiatives: measured by hand-made customers, spending from the ledger, who may write, two people at once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from accounts.models import CostEntry, ExchangeRate, Segment
from metrics.actions.initiatives import create_initiative, measure_initiatives
from metrics.decisions.books import books
from metrics.decisions.measuring import measure, spans
from metrics.decisions.reader import Reader
from metrics.decisions.spending import spent_by_tag
from metrics.formulas.comparison import Estimate, Sums, correlation, correlation_interval, difference, of_ratio, remaining_months
from metrics.kpis.engine import answer, ask
from metrics.models import Initiative
from tests.metrics.decision_facts import at, customer, pays

pytestmark = pytest.mark.django_db
NOW = at(2026, 7, 1, 12)


@pytest.fixture(autouse=True)
def utc(settings):
    """Days are those of UTC, money is in euros."""
    settings.ORGANISATION_TIME_ZONE, settings.REPORTING_CURRENCY = "UTC", "EUR"


def values(**changes):
    """What a form would hand over."""
    return {
        "name": "Onboarding calls", "goal": "Fewer leave", "kpi": "logo_churn", "variant": "start_of_period", "direction": "down", "target": Decimal("0.1"), "owner": None,
        "status": "running", "starts_on": dt.date(2026, 4, 1), "ends_on": None, "plan_technology": Decimal(0), "plan_people": Decimal(1000), "plan_tools": Decimal(0),
        "currency": "EUR", "segment": Segment.objects.get(key="vip"), "plan": "", "country": "", "tag": "", "learned": "", **changes,
    }  # fmt: skip


def form(**changes):
    """The same as a browser would send it."""
    return {
        "name": "Onboarding calls", "goal": "Fewer leave", "measure": "logo_churn:start_of_period", "direction": "down", "target_text": "10 %", "status": "running",
        "starts_on": "2026-04-01", "plan_technology": "0", "plan_people": "1000", "plan_tools": "0", "currency": "eur", "segment": Segment.objects.get(key="vip").pk, **changes,
    }  # fmt: skip


@pytest.fixture
def customers(cast):
    """20 of VIP who pay 100 each: 6 leave in the 91 days before 1 April, none of the 14 afterwards. 20 of Core: 2 leave before, 2 of 18 afterwards."""
    for number in range(20):
        pays(customer(f"v{number}", "vip", owner=cast.elif_), 100, at(2025, 1), at(2026, 2) if number < 6 else None)
        pays(customer(f"c{number}", "core", owner=cast.can), 100, at(2025, 1), at(2026, 2) if number < 2 else at(2026, 5) if number < 4 else None)
    return cast


def test_the_figure_is_measured_before_and_since_inside_and_outside(customers):
    row = create_initiative(values=values(), actor=customers.ada, now=NOW)
    assert spans(row, NOW.date()) == ((dt.date(2025, 12, 31), dt.date(2026, 4, 1)), (dt.date(2026, 4, 1), dt.date(2026, 7, 1)))
    found = measure(row, Reader(customers.ada, NOW), scope=None)
    inside, outside = found.inside, found.outside
    assert (inside.accounts, inside.before.value, inside.before.count, inside.after.value, inside.after.count) == (20, Decimal("0.3"), 20, 0, 14)
    # two accounts of the cast pay nothing; they are outside and count among nobody's customers
    assert (outside.accounts, outside.before.value, outside.after.value.quantize(Decimal("0.0001"))) == (22, Decimal("0.1"), Decimal("0.1111"))
    assert found.effect.value.quantize(Decimal("0.0001")) == Decimal("-0.3111")
    assert found.effect.beyond_chance is True
    # net retention of VIP 0.7 and 1, of Core 0.9 and 16/18: (0.3 - (16/18 - 0.9)) x 1400 x 12, nothing spent
    worth = (Decimal("0.3") - (Decimal(16) / 18 - Decimal("0.9"))) * 1400 * 12
    assert (found.worth.net - worth).copy_abs() < Decimal("0.0001")
    assert (found.worth.customers, found.worth.opening, found.worth.with_margin) == (14, 1400, False)


def test_a_csm_measures_within_the_own_book(customers):
    row = create_initiative(values=values(), actor=customers.ada, now=NOW)
    reader = Reader(customers.can, NOW)
    found = measure(row, reader, scope=reader.scope)
    assert (found.why, found.inside) == ("nobody", None)
    reader = Reader(customers.elif_, NOW)
    found = measure(row, reader, scope=reader.scope)
    assert (found.inside.accounts, found.outside.accounts) == (20, 1)


def test_what_cannot_be_known_is_null_and_says_why(customers):
    early = create_initiative(values=values(starts_on=dt.date(2026, 6, 28)), actor=customers.ada, now=NOW)
    assert measure(early, Reader(customers.ada, NOW), scope=None).why == "too_early"
    CostEntry.objects.create(category="team", amount=10, currency="USD", start=dt.date(2026, 5, 1), tags=[early.cost_tag])
    broken = measure(early, Reader(customers.ada, at(2026, 8, 1)), scope=None)
    assert (broken.worth.cost, broken.worth.net, broken.worth.why) == (None, None, "cost")
    few = create_initiative(values=values(segment=None, plan="Fleet"), actor=customers.ada, now=NOW)
    pays(customer("only", plan="Fleet"), 100, at(2025, 1))
    found = measure(few, Reader(customers.ada, NOW), scope=None)
    assert (found.worth.net, found.worth.why, found.inside.before.value) == (None, "few", 0)


def test_rates_over_accounts_are_those_of_the_engine_to_the_last_digit(cast):
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2025, 1, 1), rate="1.1")
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2026, 3, 1), rate="1.3")
    for number in range(30):
        account = customer(f"x{number}", ("vip", "core", "")[number % 3], plan="Fleet" if number % 2 else "")
        span = {"currency": "GBP" if number % 4 == 0 else "EUR"}
        pays(account, 70 + number, at(2025, 1 + number % 12), at(2026, 1 + number % 6) if number % 5 == 0 else None, **span)
        if number % 3 == 1:
            pays(account, 10, at(2026, 2, 3), **span)
        if number % 5 == 0 and number % 2:
            pays(account, 20, at(2026, 1 + number % 6), **span)
    asked = {"start": "2026-01-10", "end": "2026-06-10", "now": NOW}
    for by in ("segment", "plan"):
        found = books(ask(name="nrr", **asked), by)
        for name, of in (("nrr", "net_retention"), ("gross_mrr_churn", "gross_churn")):
            groups = {group["key"]: group["value"] for group in answer(name=name, by=by, **asked)["groups"]}
            assert {key: round(Decimal(value), 10) for key, value in groups.items() if value} == {key: round(getattr(book, of).value, 10) for key, book in found.items()}


def test_a_ratio_has_the_error_worked_out_by_hand():
    # x = 10, 20, 30 and y = 5, 20, 20: r = 0.75; residuals -2.5, 5, -2.5; sqrt(37.5 x 3 / 2) / 60 = 0.125
    found = of_ratio(Sums(3, Decimal(60), Decimal(45), Decimal(1400), Decimal(825), Decimal(1050)))
    assert (found.value, found.error) == (Decimal("0.75"), Decimal("0.125"))
    assert found.interval == (Decimal("0.505"), Decimal("0.995"))
    assert difference(found, Estimate(Decimal("0.5"), Decimal("0.3"))) == Estimate(Decimal("0.25"), Decimal("0.325"))
    assert (of_ratio(Sums(0, Decimal(0), Decimal(0), Decimal(0), Decimal(0), Decimal(0))), difference(found, None)) == (None, None)


def test_series_go_together_only_from_eight_pairs_on():
    rising = [(Decimal(place), Decimal(2 * place)) for place in range(8)]
    assert correlation(rising[:7]) is None
    assert correlation([*rising[:7], (Decimal(1), None)]) is None
    found = correlation(rising)
    assert (round(found.value, 12), found.count) == (1, 8)
    bent = correlation([(Decimal(x), Decimal(y)) for x, y in zip(range(1, 9), (2, 1, 4, 3, 6, 5, 8, 7), strict=True)])
    # sum of d squared is 8 over 8 ranks: r = 1 - 6 x 8 / (8 x 63) = 0.904762
    assert round(bent.value, 6) == Decimal("0.904762")
    # atanh r = ln(20) / 2 = 1.4979; less and plus 1.96 / sqrt(5) = 0.8765
    low, high = correlation_interval(bent)
    assert (round(low, 3), round(high, 3)) == (Decimal("0.552"), Decimal("0.983"))
    assert (remaining_months(Decimal("0.05")), remaining_months(Decimal(0)), remaining_months(None)) == (20, 60, None)


def test_spending_is_what_tagged_lines_come_to_until_today(cast):
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2026, 1, 1), rate="1.2")
    tag = "initiative:calls"
    CostEntry.objects.create(category="team", amount=300, currency="EUR", start=dt.date(2026, 6, 10), tags=[tag, "other"])
    CostEntry.objects.create(category="programme", amount=100, currency="GBP", start=dt.date(2026, 6, 29), end=dt.date(2026, 7, 9), tags=[tag])
    CostEntry.objects.create(category="team", amount=999, currency="EUR", start=dt.date(2026, 6, 10), tags=["initiative:calls-2"])
    CostEntry.objects.create(category="tools", amount=50, currency="EUR", start=dt.date(2026, 8, 1), tags=[tag])
    found = spent_by_tag([tag, "initiative:none"], today=dt.date(2026, 7, 1))
    # the whole of June; three of ten days of the other line, at 1.2; August is to come
    assert found[tag].by_part == {"people": 300, "technology": Decimal(36), "tools": 0}
    assert (found[tag].total, found["initiative:none"].total) == (336, 0)


def test_an_initiative_is_written_read_changed_and_taken_out(client, customers):
    client.force_login(customers.mert)
    assert client.post(reverse("metrics:initiative_new"), form()).status_code == 302
    row = Initiative.objects.get()
    assert (row.key, row.target, row.kpi, row.variant, row.created_by, row.currency) == ("onboarding-calls", Decimal("0.1"), "logo_churn", "start_of_period", customers.mert, "EUR")
    assert "Onboarding calls" in client.get(reverse("metrics:initiatives")).content.decode()
    assert client.get(reverse("metrics:initiative", args=[row.pk])).status_code == 200
    edit = reverse("metrics:initiative_edit", args=[row.pk])
    assert client.get(edit).context["form"]["target_text"].value() == "10 %"
    refused = client.post(edit, form(ends_on="2026-03-01", name="Kept", version="1"))
    assert (refused.status_code, refused.context["form"].errors["ends_on"], refused.context["form"]["name"].value()) == (422, ["It ends before it starts."], "Kept")
    assert client.post(edit, form(status="done", learned="Call twice.", version="1")).status_code == 302
    row.refresh_from_db()
    assert (row.status, row.learned, row.version) == ("done", "Call twice.", 2)
    told = client.get(reverse("metrics:initiative", args=[row.pk])).content.decode()
    assert "Call twice." in told
    assert "<del>running</del>" in told
    delete = reverse("metrics:initiative_delete", args=[row.pk])
    assert client.get(delete).status_code == 200
    assert Initiative.objects.exists()
    assert client.post(delete, {"version": "1"}).status_code == 409
    assert Initiative.objects.exists()
    assert client.post(delete, {"version": "2"}).status_code == 302
    assert not Initiative.objects.exists()
    assert LogEntry.objects.filter(object_repr="Onboarding calls", action_flag=3).exists()


def test_of_two_at_once_the_second_sees_both_and_overwrites_nothing(client, customers):
    row = create_initiative(values=values(), actor=customers.ada, now=NOW)
    client.force_login(customers.ada)
    edit = reverse("metrics:initiative_edit", args=[row.pk])
    client.post(edit, form(name="Theirs", version="1"))
    late = client.post(edit, form(name="Mine", version="1"))
    assert late.status_code == 409
    assert {"field": "name", "theirs": "Theirs", "mine": "Mine"} in late.context["conflict"]
    assert Initiative.objects.get().name == "Theirs"
    assert late.context["version"] == 2


@pytest.mark.parametrize("who", ["elif_", "ana", "vera"])
def test_readers_read_and_do_not_write(client, customers, who):
    row = create_initiative(values=values(), actor=customers.ada, now=NOW)
    client.force_login(getattr(customers, who))
    for name in ("initiative", "initiative_measure"):
        assert client.get(reverse(f"metrics:{name}", args=[row.pk])).status_code == 200
    assert client.get(reverse("metrics:initiatives")).status_code == 200
    before = Initiative.objects.values().get()
    assert client.post(reverse("metrics:initiative_new"), form()).status_code == 403
    assert client.post(reverse("metrics:initiative_edit", args=[row.pk]), form(name="X", version="1")).status_code == 403
    assert client.post(reverse("metrics:initiative_delete", args=[row.pk]), {"version": "1"}).status_code == 403
    assert Initiative.objects.values().get() == before


def test_agents_and_strangers_do_not_get_in(client, customers):
    row = create_initiative(values=values(), actor=customers.ada, now=NOW)
    addresses = [
        reverse("metrics:initiatives"),
        *(reverse(f"metrics:{name}", args=[row.pk]) for name in ("initiative", "initiative_measure", "initiative_edit", "initiative_delete")),
    ]
    for address in addresses:
        assert client.get(address)["Location"].startswith("/login/")
    client.force_login(customers.deniz)
    assert {client.get(address).status_code for address in addresses} == {404}


def test_the_night_measures_what_began_once_a_day(customers):
    began = create_initiative(values=values(), actor=customers.ada, now=NOW)
    create_initiative(values=values(status="planned", starts_on=dt.date(2026, 9, 1)), actor=customers.ada, now=NOW)
    assert (measure_initiatives(now=NOW), measure_initiatives(now=NOW + dt.timedelta(hours=3)), measure_initiatives(now=NOW + dt.timedelta(hours=21))) == (1, 0, 1)
    began.refresh_from_db()
    assert began.measured["effect"]["value"].startswith("-0.3111")
    Initiative.objects.update(kpi="gone")
    assert measure_initiatives(now=NOW + dt.timedelta(days=3)) == 1
    began.refresh_from_db()
    assert began.measured["why"] == "wrong"


def test_the_page_of_the_measure_says_what_moved(client, customers):
    row = create_initiative(values=values(starts_on=timezone.localdate() - dt.timedelta(days=40)), actor=customers.ada, now=NOW)
    client.force_login(customers.ada)
    page = client.get(reverse("metrics:initiative_measure", args=[row.pk])).content.decode()
    assert "filter.segment=vip" in page
    assert "This is no experiment" in page
    assert "Everybody else" in page
