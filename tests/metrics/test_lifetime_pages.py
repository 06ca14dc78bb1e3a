"""The pages of lifetimes: who may see them, what a cell opens, and that its figures are those of the engine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account, Subscription

pytestmark = pytest.mark.django_db
PATHS = ("/metrics/cohorts/", "/metrics/cohorts/picture/", "/metrics/cohorts/kept/", "/metrics/cohorts/tenure/", "/metrics/cohorts/value/")


@pytest.fixture
def book(cast):
    """One account that came ten months ago and left after four, one that came with it and stayed."""
    first = (timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=300)).replace(day=2)
    for account, length in ((cast.boga, None), (cast.north, dt.timedelta(days=120))):
        Subscription.objects.create(account=account, start=first, end=first + length if length else None, amount=100, currency="EUR")
    return first


@pytest.mark.parametrize("path", PATHS)
def test_an_anonymous_reader_is_led_to_the_login(client, path):
    assert client.get(path)["Location"].startswith("/login/")


def test_a_table_follows_the_customers_of_each_month(client, cast, book):
    client.force_login(cast.ada)
    response = client.get("/metrics/cohorts/")
    ((month, size, cells),) = response.context["table"].rows
    assert (month, size, cells[0].percent, cells[0].told) == (book.date().replace(day=1), "2", "100", "2 of 2 accounts")
    assert [cell.percent for cell in cells if cell][-1] == "50"
    assert cells[-1] is None


def test_a_cell_opens_its_accounts_and_their_number_is_the_cells(client, cast, book):
    client.force_login(cast.ada)
    page = client.get(f"/metrics/cohorts/accounts/?cohort={book:%Y-%m}&cell=5")
    behind = page.context["behind"]
    assert ([account.pk for account in behind.there], [account.pk for account in behind.gone], behind.counts) == ([cast.boga.pk], [cast.north.pk], (1, 1))
    assert f"/accounts/{cast.boga.pk}/" in page.content.decode()


@pytest.mark.parametrize("query", ["cohort=2024-13&cell=1", "cohort=x&cell=1", "cohort=2024-01&cell=x", "cohort=2024-01&cell=99", ""])
def test_a_cell_that_does_not_exist_is_404(client, cast, query):
    client.force_login(cast.ada)
    assert client.get(f"/metrics/cohorts/accounts/?{query}").status_code == 404


def test_a_csm_sees_the_own_book_and_an_analyst_no_rows(client, cast, book):
    # Boğaziçi is Elif's, Northgate is not
    assert Account.objects.get(pk=cast.north.pk).owner != cast.elif_
    client.force_login(cast.elif_)
    assert client.get("/metrics/cohorts/").context["table"].accounts == 1
    behind = client.get(f"/metrics/cohorts/accounts/?cohort={book:%Y-%m}&cell=5").context["behind"]
    assert behind.gone == []
    analyst = cast.ada
    analyst.role = "analyst"
    analyst.save()
    client.force_login(analyst)
    assert client.get("/metrics/cohorts/").context["table"].accounts == 2
    assert client.get(f"/metrics/cohorts/accounts/?cohort={book:%Y-%m}&cell=5").status_code == 404


def test_tenure_and_value_stand_in_their_panels(client, cast, book):
    client.force_login(cast.ada)
    tenure = client.get("/metrics/cohorts/tenure/").context["page"]
    assert (tenure.subjects, tenure.ended, tenure.censored) == (2, 1, 1)
    assert tenure.chart.rows[0][1].raw == 1
    # one of two left after four months: half are there from then on, and the band says how unsure that is
    assert [row[1].raw for row in tenure.chart.rows][5:7] == [Decimal("0.5"), Decimal("0.5")]
    assert tenure.chart.rows[6][2].raw
    assert "survival" in client.get("/metrics/cohorts/tenure/").content.decode()
    assert client.get("/metrics/cohorts/value/").status_code == 200


def test_an_empty_installation_says_what_is_missing(client, cast):
    client.force_login(cast.ada)
    assert "Nobody came in these months" in client.get("/metrics/cohorts/").content.decode()
    assert "No tenures yet" in client.get("/metrics/cohorts/tenure/").content.decode()
    assert "No value yet" in client.get("/metrics/cohorts/value/").content.decode()


def test_the_page_asks_the_same_number_of_questions_for_many_cohorts(client, cast, book, django_assert_max_num_queries):
    client.force_login(cast.ada)
    for number in range(8):
        account = Account.objects.create(external_id=f"q{number}", name=f"q{number}")
        Subscription.objects.create(account=account, start=book + dt.timedelta(days=25 * number), amount=100, currency="EUR")
    client.get("/metrics/cohorts/")
    with django_assert_max_num_queries(14):
        client.get("/metrics/cohorts/")


def test_the_filters_of_all_dashboards_narrow_every_panel_and_a_wrong_one_is_said(client, cast, book):
    client.force_login(cast.ada)
    assert client.get("/metrics/cohorts/?country=TR").context["table"].accounts == 1
    assert client.get(f"/metrics/cohorts/tenure/?owner={cast.can.email}").context["page"].subjects == 1
    wrong = client.get("/metrics/cohorts/?segment=nowhere")
    assert (wrong.status_code, wrong.context["table"], "nowhere" in wrong.content.decode()) == (400, None, True)
    assert client.get("/metrics/cohorts/kept/?segment=nowhere").status_code == 404


def test_the_period_says_whose_customers_are_followed_and_those_of_another_one_stand_below(client, cast, book):
    client.force_login(cast.ada)
    # both came in one month: it is the period, then the period compared with
    month, after = book.date().replace(day=1), (book.date().replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    own = client.get(f"/metrics/cohorts/?from={month}&until={after - dt.timedelta(days=1)}").context["table"]
    assert (own.accounts, own.average[5].percent, own.before) == (2, "50", [])
    later = client.get(f"/metrics/cohorts/?from={after}&until={after + (after - month) - dt.timedelta(days=1)}").context["table"]
    assert (later.accounts, later.before[0].percent, later.before[5].percent) == (0, "100", "50")
    alone = client.get(f"/metrics/cohorts/?from={after}&until={after + (after - month) - dt.timedelta(days=1)}&compare=none").context["table"]
    assert alone.before == []
    longer = client.get("/metrics/cohorts/?period=last_36_months")
    assert (len(longer.context["table"].columns), longer.context["table"].accounts) == (37, 2)
    assert client.get("/metrics/cohorts/?period=moon").context["table"] is None


def test_customers_and_revenue_that_stay_stand_beside_each_other_with_their_counts_and_come_as_files(client, cast, book):
    client.force_login(cast.ada)
    chart = client.get("/metrics/cohorts/kept/").context["chart"]
    # both pay 100 in the first months; one leaves after four
    assert [cell.raw for cell in chart.rows[6][1:]] == [Decimal("0.5"), Decimal("0.5"), 2]
    for address in ("/metrics/cohorts/picture/?export=csv&chart=cohorts", "/metrics/cohorts/kept/?export=svg&chart=kept", "/metrics/cohorts/tenure/?export=csv&chart=survival"):
        assert client.get(address)["Content-Disposition"].startswith("attachment")


def test_the_picture_is_drawn_for_those_who_open_it_and_gives_its_files(client, cast, book):
    client.force_login(cast.ada)
    page, kept = (client.get("/metrics/cohorts/?country=TR").content.decode() for _ in range(2))
    # what was kept is markup still
    assert '<table class="heat' in kept
    # not drawn with the page; opening it loads it, and without script a link leads there
    assert "<svg" not in page.split('class="body as-picture"')[1].split("</details>")[0]
    assert 'hx-get="/metrics/cohorts/picture/?country=TR"' in page
    assert 'href="/metrics/cohorts/picture/?country=TR"' in page
    drawn = client.get("/metrics/cohorts/picture/?country=TR")
    assert [cell.raw for cell in drawn.context["chart"].rows[0]][1:3] == [Decimal(1), Decimal(1)]
    assert 'id="chart-cohorts"' in drawn.content.decode()
    assert "/metrics/cohorts/picture/?country=TR&amp;export=svg&amp;chart=cohorts" in drawn.content.decode()
    assert b'"Came in"' in b"".join(client.get("/metrics/cohorts/picture/?country=TR&export=csv&chart=cohorts").streaming_content)
    assert client.get("/metrics/cohorts/picture/?segment=nowhere").status_code == 404
    assert client.get("/metrics/cohorts/picture/?export=csv&chart=other").status_code == 404
