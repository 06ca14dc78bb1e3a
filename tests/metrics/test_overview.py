"""The overview: whose figures, cards one by one, KPI pages, wrong questions."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Subscription
from metrics.kpis.catalogue import CATALOGUE
from metrics.words import VARIANTS

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
    assert page.count('<td class="n">120</td>') == 4, "each k over ten years, and the loss"
    # ten more a month at 100 each for ten years
    assert "120,000" in page
    assert "no margin is taken off" in page
