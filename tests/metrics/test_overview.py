"""The overview: whose figures, cards one by one, KPI pages, wrong questions."""

import datetime as dt
import html
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse

from accounts.models import AccountEvent, AccountSnapshot, Subscription
from metrics.kpis.catalogue import CATALOGUE
from metrics.models import KpiSetting
from metrics.words import VARIANTS
from surveys.models import LoopCase
from tests.metrics.health_facts import answer

pytestmark = pytest.mark.django_db


def test_anonymous_readers_are_sent_to_the_login(client):
    for address in ("/metrics/", "/metrics/card/mrr/", "/metrics/kpi/nps/"):
        response = client.get(address)
        assert response.status_code == 302
        assert "/login/" in response.headers["Location"]


@pytest.mark.parametrize("who", ["ada", "mert", "elif_", "deniz", "ana", "vera"])
def test_every_role_opens_the_overview_and_its_cards(client, cast, who):
    client.force_login(getattr(cast, who))
    assert client.get(reverse("metrics:overview")).status_code == 200
    for name in ("mrr", "nps", "csat"):
        assert client.get(reverse("metrics:card", args=[name])).status_code == 200
        assert client.get(reverse("metrics:kpi", args=[name]) + "?by=segment").status_code == 200


def test_unknown_kpis_are_not_found_and_wrong_questions_say_what_is_allowed(client, cast):
    client.force_login(cast.ada)
    assert client.get("/metrics/kpi/moon/").status_code == 404
    assert client.get("/metrics/card/moon/").status_code == 404
    wrong = client.get("/metrics/kpi/nps/?by=moon")
    assert wrong.status_code == 400
    assert "lifecycle_stage" in wrong.content.decode()


def test_a_csm_sees_figures_of_the_own_book_and_an_analyst_of_the_base(client, cast):
    for account, amount in ((cast.boga, 100), (cast.north, 7)):
        Subscription.objects.create(account=account, start="2024-01-01T00:00Z", amount=Decimal(amount), currency="EUR")
    address = "/metrics/kpi/mrr/?start=2024-01-01&end=2024-03-01"
    expected = {"elif_": "100", "can": "7", "ana": "107", "deniz": "0"}
    for who, value in expected.items():
        client.force_login(getattr(cast, who))
        assert client.get(address).context["page"].figure["value"] == value


@pytest.mark.parametrize("name", ["aov", "acv", "arpu", "conversion_rate", "crc", "cx_roi", "logo_churn", "mrr_movements"])
def test_the_pages_of_money_open_in_every_way_of_counting(client, cast, name):
    Subscription.objects.create(account=cast.boga, start="2024-01-01T00:00Z", end="2024-02-10T00:00Z", amount=Decimal(100), currency="EUR")
    client.force_login(cast.ada)
    page = client.get(f"/metrics/kpi/{name}/?start=2024-02-01&end=2024-03-01").content.decode()
    for variant in CATALOGUE[name].variants:
        shown = client.get(f"/metrics/kpi/{name}/?start=2024-02-01&end=2024-03-01&variant={variant}&by=segment")
        # a funnel has no events of its own
        assert shown.status_code == (400 if variant == "funnel" else 200), variant
        assert str(VARIANTS[variant]) in page


def test_the_page_of_the_return_shows_every_length_and_what_goes_when_nothing_is_done(client, cast):
    Subscription.objects.create(account=cast.boga, start="2024-01-01T00:00Z", amount=Decimal(100), currency="EUR")
    client.force_login(cast.ada)
    page = client.get("/metrics/kpi/cx_roi/?start=2024-02-01&end=2024-03-01").content.decode()
    assert page.count('<td class="n">10 years</td>') == 4, "each k over ten years, and the loss"
    # ten more a month at 100 each for ten years
    assert "120,000" in page
    assert "no margin is taken off" in page


NOW = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)


@pytest.fixture
def worries(cast):
    """Of Elif's book: one weak account that renews soon and has a failed payment. Of Can's: an open case that is late."""
    with time_machine.travel(NOW, tick=False):
        for account, health, band, micros in ((cast.boga, 4200, "at_risk", 300_000_000), (cast.north, 9000, "healthy", 100_000_000)):
            AccountSnapshot.objects.filter(pk=account.pk).update(health=health, band=band, mrr_micros=micros)
        AccountSnapshot.objects.filter(pk=cast.boga.pk).update(renews_on=dt.date(2026, 12, 1), failed_payments=2)
        answered = answer(cast.north, 0, at=NOW - dt.timedelta(days=9))
        LoopCase.objects.create(response=answered, account=cast.north, opened_at=NOW - dt.timedelta(days=9), due_at=NOW - dt.timedelta(days=7))
        AccountEvent.objects.create(
            account=cast.boga, kind="health.band_changed", occurred_at=dt.datetime(2026, 10, 9, tzinfo=dt.UTC), origin="system",
            payload={"band": "at_risk", "band_before": "healthy", "score": 4200, "score_before": 8000},
        )  # fmt: skip
        cache.clear()
        yield cast


def overview_part(client, name, query=""):
    return client.get(reverse("metrics:overview_part", args=[name]) + query)


def test_what_may_go_wrong_is_counted_within_the_book_and_opens_its_accounts(client, worries):
    counts = {}
    for who in ("ada", "elif_", "can", "ana"):
        client.force_login(getattr(worries, who))
        page = overview_part(client, "risks")
        counts[who] = {risk.key: risk.count for risk in page.context["risks"]}
        assert (reverse("accounts:account", args=[worries.boga.pk]) in page.content.decode()) is (who in {"ada", "elif_"})
    assert {who: (found["renewals"], found["cases"], found["payments"]) for who, found in counts.items()} == {
        "ada": ("1", "1", "1"), "elif_": ("1", "0", "1"), "can": ("0", "1", "0"), "ana": ("1", "1", "1"),
    }  # fmt: skip


def test_what_changed_names_the_account_to_those_who_may_see_it(client, worries):
    for who, sees, fell in (("elif_", True, 1), ("can", False, 0), ("ana", False, 1)):
        client.force_login(getattr(worries, who))
        page = overview_part(client, "changes")
        assert ("Boğaziçi" in page.content.decode()) is sees
        assert page.context["changes"].fell == fell
    client.force_login(worries.elif_)
    assert overview_part(client, "changes", "?period=last_quarter").context["changes"].fell == 0


def test_health_is_weighted_by_money_and_narrowed_by_the_filters(client, worries):
    client.force_login(worries.ada)
    found = overview_part(client, "health").context["scores"]
    # (42 + 90) / 2, and (42 x 300 + 90 x 100) / 400
    assert (found.accounts, found.mean, found.weighted) == (2, "66", "54")
    assert overview_part(client, "health", "?country=TR").context["scores"].mean == "42"
    client.force_login(worries.ana)
    assert reverse("accounts:list") not in overview_part(client, "health").content.decode()


@pytest.mark.parametrize(("name", "most"), [("risks", 16), ("health", 8), ("changes", 19)])
def test_the_parts_take_as_many_statements_whatever_there_is(client, worries, django_assert_max_num_queries, name, most):
    client.force_login(worries.elif_)
    with django_assert_max_num_queries(most):
        assert overview_part(client, name).status_code == 200


def test_a_card_tells_formula_sides_change_and_target(client, cast):
    for account, amount in ((cast.boga, 100), (cast.north, 20)):
        Subscription.objects.create(account=account, start="2026-01-01T00:00Z", amount=Decimal(amount), currency="EUR")
    Subscription.objects.create(account=cast.boga, start="2026-10-01T00:00Z", amount=Decimal(60), currency="EUR", subscription="more")
    KpiSetting.objects.create(kpi="mrr", target=Decimal(200), valid_from=dt.date(2026, 1, 1))
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        client.force_login(cast.ada)
        page = client.get(reverse("metrics:card", args=["mrr"]))
        card = page.context["card"]
        assert (card.value, card.against, card.target.text, card.target.met) == ("€180", "against Sep 26", "target €200, missed", False)
        assert "50" in card.change
        assert 'popovertarget="how-mrr"' in page.content.decode()
        assert str(card.way.formula) in html.unescape(page.content.decode())
        assert "/metrics/kpi/mrr/rows/?start=2026-10-01&amp;end=2026-11-01" in page.content.decode()
        client.force_login(cast.elif_)
        own = client.get(reverse("metrics:card", args=["mrr"])).context["card"]
        assert (own.value, own.target) == ("€160", None), "a sum of a part has no target"
        client.force_login(cast.ana)
        assert client.get(reverse("metrics:card", args=["mrr"])).context["card"].rows == ""


def test_a_filter_that_a_figure_does_not_have_is_said_on_its_card(client, cast):
    client.force_login(cast.ada)
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        page = client.get(reverse("metrics:card", args=["cx_roi"]) + "?country=TR")
    assert page.status_code == 200
    assert page.context["card"].fault or page.context["card"].value
