"""The voice dashboard: what its panels count, who may see them, what they open; and the page of voice against money."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import Account, Subscription
from metrics.actions.recompute import recompute_all
from metrics.kpis.engine import answer
from surveys.models import LoopCase, Survey
from tests.metrics.health_facts import answer as answered

pytestmark = pytest.mark.django_db
NOW = timezone.now()
PANELS = ("nps", "csat", "ces", "response_rate", "topics", "loop", "silent")
PAGES = ("", "silent/", "money/", "money/accounts/?band=promoter", *(f"panel/{name}/" for name in PANELS))


def days_ago(number):
    return timezone.now() - dt.timedelta(days=number)


@pytest.fixture
def voices(cast):
    """Six promoters and two detractors at Boğaziçi within a month, one answer at Northgate."""
    for score in (9, 9, 10, 10, 9, 9, 2, 3):
        answered(cast.boga, score, at=days_ago(3), language="tr", invited_at=days_ago(5))
    answered(cast.north, 0, at=days_ago(2), language="en", invited_at=days_ago(5))
    return cast


THESE_DAYS = f"from={days_ago(27):%Y-%m-%d}&until={timezone.now():%Y-%m-%d}"


def panel(client, name, more=""):
    response = client.get(f"/metrics/voice/panel/{name}/?{THESE_DAYS}{more}")
    assert response.status_code == 200
    return response


@pytest.mark.parametrize("path", PAGES)
def test_an_anonymous_reader_is_led_to_the_login_and_an_agent_finds_nothing(client, cast, path):
    assert client.get(f"/metrics/voice/{path}")["Location"].startswith("/login/")
    client.force_login(cast.deniz)
    assert client.get(f"/metrics/voice/{path}").status_code == 404


def test_the_page_places_every_panel(client, voices):
    client.force_login(voices.ada)
    page = client.get("/metrics/voice/?by=language").content.decode()
    assert all(f"/metrics/voice/panel/{name}/?by=language" in page for name in PANELS)
    assert client.get("/metrics/voice/?segment=nowhere").status_code == 400


def test_a_score_stands_with_count_interval_and_groups_and_few_answers_have_none(client, voices):
    client.force_login(voices.ada)
    found = panel(client, "nps", "&by=language").context["panel"]
    # six promoters, three detractors of nine answers
    assert (found.reading.value, found.reading.count, found.reading.wide) == ("+33", 9, True)
    assert {line.name: (line.reading.value, line.reading.count, line.reading.few) for line in found.groups} == {"Turkish": ("+50", 8, False), "English": ("", 1, True)}
    assert found.spread.rows[0][1].raw == 3
    assert found.months.rows[-1][-1].raw == 9
    assert "too few" in panel(client, "nps", "&by=language").content.decode()
    assert panel(client, "csat").context["panel"].reading.value == ""


def test_a_csm_hears_the_own_book_and_an_analyst_no_group_of_too_few(client, voices):
    client.force_login(voices.elif_)
    assert panel(client, "nps").context["panel"].reading.count == 8
    client.force_login(voices.ana)
    found = panel(client, "nps", "&by=language").context["panel"]
    # the group of one answer is hidden, and with it the next, which would tell it
    assert (found.reading.count, found.groups, found.hidden) == (9, [], 2)


def test_the_response_rate_is_of_what_was_asked_and_groups_lead_to_the_results(client, voices):
    client.force_login(voices.ada)
    found = panel(client, "response_rate", "&by=survey").context["panel"]
    assert (found.reading.count, found.reading.value) == (9, "100%")
    assert found.groups[0].results == f"/surveys/of/{Survey.objects.get(kind='nps').key}/"


def test_charts_come_as_files(client, voices):
    client.force_login(voices.ada)
    drawn = panel(client, "nps", "&export=svg&chart=nps-spread")
    assert drawn["Content-Type"] == "image/svg+xml"
    assert b"95" in b"".join(panel(client, "nps", "&export=csv&chart=nps-months").streaming_content)


def test_the_loop_is_measured_by_what_ended_or_is_late(client, voices):
    def case(number, *, closed=None, due=1, resolution=""):
        response = answered(voices.boga, 1, at=days_ago(9), kind="ces", scale=(1, 7))
        LoopCase.objects.create(response=response, account=voices.boga, opened_at=days_ago(9), due_at=days_ago(9 - due), closed_at=closed, resolution=resolution)

    for number in range(4):
        case(number, closed=days_ago(8.5), resolution="solved")
    case(4, closed=days_ago(2), resolution="solved")
    case(5)
    case(6, due=30)
    case(7, closed=days_ago(8.9), resolution="taken_back")
    client.force_login(voices.ada)
    found = panel(client, "loop").context["loop"]
    assert (found.opened, found.closed, found.in_time, found.late, found.whole, found.share) == (7, 5, 4, 1, 6, 4 / 6)
    assert round(found.median_hours) == 12


def test_the_silent_are_those_without_an_answer_in_a_year_and_they_open(client, voices):
    quiet = Account.objects.create(external_id="quiet", name="Quiet One", owner=voices.can)
    long_ago = Account.objects.create(external_id="once", name="Once", owner=voices.can)
    answered(long_ago, 9, at=days_ago(400))
    answered(long_ago, None, at=None, invited_at=days_ago(10))
    client.force_login(voices.ada)
    (group,) = panel(client, "silent").context["groups"]
    assert (group.customers, group.silent, group.unasked) == (4, 2, 1)
    assert {row.account for row in client.get("/metrics/voice/silent/?of=").context["rows"]} == {quiet, long_ago}
    assert [row.account for row in client.get("/metrics/voice/silent/?asked=never").context["rows"]] == [quiet]
    client.force_login(voices.elif_)
    assert client.get("/metrics/voice/silent/").context["rows"] == []
    client.force_login(voices.ana)
    assert client.get("/metrics/voice/silent/").status_code == 404


def test_topics_panel_says_what_would_fill_it(client, voices):
    client.force_login(voices.ada)
    assert "No topic was spoken of" in panel(client, "topics").content.decode()


def test_voice_and_money_opens_the_accounts_of_a_band_to_those_who_see_rows(client, voices):
    made = [Account.objects.create(external_id=f"m{number}", name=f"M {number}", owner=voices.elif_) for number in range(6)]
    for account in made:
        Subscription.objects.create(account=account, start=days_ago(900), end=days_ago(100) if account == made[0] else None, amount=100, currency="EUR")
        answered(account, 10, at=days_ago(500))
    recompute_all(as_of=timezone.now(), now=timezone.now())
    client.force_login(voices.ada)
    on = f"{days_ago(380):%Y-%m-%d}"
    page = client.get(f"/metrics/voice/money/?kind=nps&on={on}").context["page"]
    promoter = next(line for line in page.lines if line.band == "promoter")
    assert (promoter.customers, promoter.churn.count, promoter.churn.value) == (6, 1, "16.7%")
    assert [row.account for row in client.get(promoter.churn.href).context["page"].rows] == [made[0]]
    client.force_login(voices.can)
    assert client.get(promoter.churn.href).context["page"].rows == []
    client.force_login(voices.ana)
    assert all(not line.href for line in client.get(f"/metrics/voice/money/?kind=nps&on={on}").context["page"].lines)
    assert client.get(promoter.churn.href).status_code == 404


@pytest.mark.parametrize("query", ["on=yesterday", "on=2999-01-01", "on=2100-01-01", "segment=nowhere"])
def test_a_date_that_cannot_be_is_said(client, voices, query):
    client.force_login(voices.ada)
    page = client.get(f"/metrics/voice/money/?{query}")
    assert (page.status_code, page.context.get("page")) == (400, None)


@pytest.mark.parametrize("name", ["nps", "csat", "ces"])
def test_the_months_of_a_score_are_those_of_the_kpi(client, voices, name):
    """A person who answers in two months counts in both, with the latest of each, as the KPI counts month by month."""
    scale = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}[name]
    for place in range(40):
        answered(
            voices.boga,
            place % scale[1] + scale[0],
            at=days_ago(9 * (place % 30)),
            kind=name,
            scale=scale,
            contact=voices.selin if place % 3 else None,
            ticket_id=place % 7 or None,
        )
    client.force_login(voices.ada)
    first, after = (NOW - dt.timedelta(days=395)).replace(day=1).date(), (NOW + dt.timedelta(days=31)).replace(day=1).date()
    series = answer(name=name, start=first.isoformat(), end=after.isoformat(), interval="month", now=timezone.now())["series"]
    told = [piece["denominator"] for piece in series if piece["denominator"] != "0"]
    rows = client.get(f"/metrics/voice/panel/{name}/?period=month").context["panel"].months.rows
    assert [str(row[-1].raw) for row in rows if row[-1].raw] == told[-13:]
    values = [round(float(piece["value"]), 9) for piece in series if int(piece["denominator"]) >= 5]
    assert [round(float(row[1].raw), 9) for row in rows if row[1].raw is not None] == values
