"""The frame: navigation by role, security of pages, errors, tags of the face."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest
import time_machine
from django.template import engines
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from django.views.defaults import server_error

from accounts import wording


def show(source, **context):
    return engines["django"].from_string(source).render(context)


class Attributes(HTMLParser):
    """Collects what a strict policy would refuse."""

    def __init__(self):
        super().__init__()
        self.refused = []
        self.inline_script = False

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        self.refused += [f"{tag} {name}" for name in names if name == "style" or name.startswith(("on", "hx-on"))]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.refused.append(f"inline {tag}")
        for name in ("src", "href", "action"):
            if tag != "a" and (names.get(name) or "").startswith(("http:", "https:", "//")):
                self.refused.append(f"outside {names[name]}")


@pytest.mark.parametrize(
    "address", ["/accounts/", "/accounts/{account}/", "/accounts/{account}/timeline/", "/accounts/{account}/money/", "/preferences/", "/search/?q=bo", "/kit/", "/nothing/"]
)
def test_no_page_holds_what_the_content_policy_refuses(client, cast, address):
    client.force_login(cast.ada)
    response = client.get(address.format(account=cast.boga.pk))
    seen = Attributes()
    seen.feed(response.content.decode())
    assert seen.refused == []
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_htmx_is_locked_down_and_carries_the_token(client, cast):
    client.force_login(cast.elif_)
    page = client.get("/accounts/").content.decode()
    for setting in ('"allowEval":false', '"includeIndicatorStyles":false', '"allowScriptTags":false', '"selfRequestsOnly":true', '"historyCacheSize":0'):
        assert setting in page
    assert re.search(r"hx-headers='\{\"X-CSRFToken\": \"\w{64}\"\}'", page)
    assert 'hx-history="false"' in page


def links(page):
    return re.findall(r'<a href="([^"]+)"[^>]*>', page.split('<nav aria-label="Main">')[1].split("</nav>")[0])


def test_the_rail_leads_where_a_role_may_go(client, cast):
    client.force_login(cast.ada)
    assert {"/accounts/", "/admin/"} & set(links(client.get("/preferences/").content.decode())) >= {"/accounts/"}
    client.force_login(cast.ana)
    shown = links(client.get("/preferences/").content.decode())
    assert "/accounts/" not in shown
    assert "/admin/" not in shown


def test_the_rail_marks_where_the_reader_is(client, cast):
    client.force_login(cast.elif_)
    page = client.get(f"/accounts/{cast.boga.pk}/").content.decode()
    assert '<a href="/accounts/" aria-current="page">' in page


def test_errors_stand_in_the_frame(client, cast):
    client.force_login(cast.elif_)
    response = client.get("/nothing/")
    assert response.status_code == 404
    assert "This page is not here" in response.content.decode()
    assert '<nav aria-label="Main">' in response.content.decode()
    assert Client().get("/nothing/").status_code == 404


def test_the_page_of_a_failure_needs_neither_database_nor_reader():
    response = server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()


@pytest.mark.parametrize(("who", "status"), [("ada", 200), ("elif_", 404), ("ana", 404)])
def test_the_page_of_states_is_for_admins(client, cast, who, status):
    client.force_login(getattr(cast, who))
    assert client.get("/kit/").status_code == status


def test_the_page_of_states_asks_strangers_to_sign_in(client, db):
    assert client.get("/kit/")["Location"] == "/login/?next=/kit/"


@pytest.mark.parametrize(
    ("language", "micros", "text"),
    [
        ("en", 7_000_000_000, "€7,000"),
        ("tr", 7_000_000_000, "€7.000"),
        ("en", 99_500_000, "€99.50"),
        ("tr", 99_500_000, "€99,50"),
        ("en", 100_500_000, "€101"),
        ("en", -8_400_000_000, "-€8,400"),
        ("en", 0, "€0"),
        ("en", None, "–"),
    ],
)
def test_money_is_written_as_the_reader_writes_it(language, micros, text):
    with translation.override(language):
        assert show("{{ value|money }}", value=micros) == text


def test_money_without_minor_units_has_none():
    assert wording.money(99_500_000, "JPY") == "¥100"


@pytest.mark.parametrize(("language", "text"), [("en", "12.5%"), ("tr", "%12,5")])
def test_percent_stands_on_the_side_of_the_language(language, text):
    with translation.override(language):
        assert show("{{ value|percent:1 }}", value=Decimal("0.125")) == text


@pytest.mark.parametrize(("hundredths", "text"), [(3849, "38"), (3850, "39"), (0, "0"), (10000, "100"), (None, "–")])
def test_points_are_rounded_half_up(hundredths, text):
    assert show("{{ value|points }}", value=hundredths) == text


@pytest.mark.parametrize(
    ("language", "back", "text"),
    [
        ("en", {"seconds": 30}, "just now"),
        ("en", {"minutes": 12}, "12 minutes ago"),
        ("en", {"hours": 5}, "5 hours ago"),
        ("en", {"days": 13}, "13 days ago"),
        ("tr", {"days": 13}, "13 gün önce"),
        ("en", {"days": -27}, "in 27 days"),
        ("en", {"days": 400}, "13 months ago"),
    ],
)
def test_times_are_relative_with_the_exact_one_on_hover(language, back, text):
    with time_machine.travel(dt.datetime(2026, 11, 17, 12, tzinfo=dt.UTC), tick=False), translation.override(language), timezone.override("Europe/Istanbul"):
        shown = show("{{ value|ago }}", value=timezone.now() - dt.timedelta(**back))
        assert f">{text}</time>" in shown
    assert 'title="' in shown


def test_the_exact_time_is_in_the_readers_zone():
    with time_machine.travel(dt.datetime(2026, 11, 17, 22, tzinfo=dt.UTC), tick=False), timezone.override("Europe/Istanbul"):
        shown = show("{{ value|ago }}", value=timezone.now())
    assert 'title="Wednesday 18 November 2026 01:00 +03"' in shown


def test_a_band_is_a_sign_and_a_word():
    for band, sign, word in (("healthy", "<circle", "Healthy"), ("watch", "M5 .8", "Watch"), ("at_risk", "M5 0 10 5", "At risk")):
        shown = show("{% band value %}", value=band)
        assert sign in shown
        assert word in shown
    assert "No score yet" in show('{% band "" %}')


def test_a_change_says_in_words_which_way_it_goes():
    assert 'class="delta bad"' in show("{% delta -3 %}")
    assert "down by" in show("{% delta -3 %}")
    assert 'class="delta good"' in show('{% delta -3 good="down" %}')
    assert show("{% change now before %}", now=None, before=1) == ""


def test_a_sparkline_needs_two_values_and_names_its_ends():
    assert show("{% spark values 'watch' %}", values=[5000]) == ""
    assert 'aria-label="Health from 50 to 62"' in show("{% spark values 'watch' %}", values=[5000, None, 6200])


def test_what_a_template_is_given_is_escaped():
    assert "<b>" not in show("{% seg value %}", value="<b>") + show('{% icon "phone" 16 value %}', value='"><b>')
