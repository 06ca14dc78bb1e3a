"""The common filters: periods cut at days of the organisation's zone, comparisons, choices within what is seen, faults by field."""

import datetime as dt
import re
from html import unescape

import pytest

from metrics.filters import filter_bar, named_period, read_filters

# 23:30 in Istanbul, the 22nd
NOW = dt.datetime(2026, 11, 22, 20, 30, tzinfo=dt.UTC)


@pytest.fixture
def read(rf, cast):
    def read(user=None, *, usual="last_month", now=NOW, **query):
        request = rf.get("/metrics/", query)
        request.user = user or cast.ada
        return read_filters(request, now=now, usual=usual)

    return read


@pytest.mark.parametrize(
    ("name", "start", "end", "before"),
    [
        ("month", "2026-11-01", "2026-12-01", ("2026-10-01", "2026-10-22T23:30:00+03:00")),
        ("last_month", "2026-10-01", "2026-11-01", ("2026-09-01", "2026-10-01")),
        ("last_quarter", "2026-07-01", "2026-10-01", ("2026-04-01", "2026-07-01")),
        ("last_12_months", "2025-11-01", "2026-11-01", ("2024-11-01", "2025-11-01")),
        ("year", "2026-01-01", "2027-01-01", ("2025-01-01", "2025-11-22T23:30:00+03:00")),
    ],
)
def test_presets_and_what_they_are_compared_with(read, settings, name, start, end, before):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    chosen = read(period=name)
    assert (chosen.start, chosen.end, chosen.compared) == (start, end, before)
    assert chosen.running is (name in {"month", "year"})


def test_the_day_is_that_of_the_organisation(read, settings):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    late = dt.datetime(2026, 10, 31, 22, tzinfo=dt.UTC)
    assert read(period="month", now=late).start == "2026-11-01"
    settings.ORGANISATION_TIME_ZONE = "UTC"
    assert read(period="month", now=late).start == "2026-10-01"


def test_picked_days_hold_both_ends_and_compare_with_as_many_before(read):
    chosen = read(**{"from": "2026-03-10", "until": "2026-03-19"})
    assert (chosen.start, chosen.end, chosen.compared) == ("2026-03-10", "2026-03-20", ("2026-02-28", "2026-03-10"))
    assert chosen.query() == "period=custom&from=2026-03-10&until=2026-03-19"
    assert read(**{"from": "2026-03-10", "until": "2026-03-19", "compare": "year"}).compared == ("2025-03-10", "2025-03-20")
    assert read(compare="none").compared is None
    assert read(compare="none").question_before() is None


def test_the_address_says_all_choices_and_leaves_out_what_is_usual(read, cast):
    chosen = read(period="year", segment="vip", owner=cast.elif_.email, country="none", compare="none")
    assert chosen.faults == {}
    again = read(**dict(pair.split("=") for pair in chosen.query().replace("%40", "@").split("&")))
    assert again == chosen
    assert chosen.filters == {"segment": "vip", "owner": cast.elif_.email, "country": ""}
    assert read(period="last_month").query() == ""
    assert chosen.query(period="month", name="x") == f"period=month&compare=none&segment=vip&owner={cast.elif_.email.replace('@', '%40')}&country=none&name=x"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"period": "soon"}, "period"), ({"compare": "x"}, "compare"), ({"segment": "x"}, "segment"), ({"owner": "nobody@x.example"}, "owner"), ({"plan": "no\x00ne"}, "plan"),
        ({"plan": "nope"}, "plan"), ({"country": "QQ"}, "country"), ({"from": "yesterday"}, "from"), ({"from": "2026-02-30"}, "from"), ({"until": "0001-01-01"}, "until"),
        ({"from": "2026-03-02", "until": "2026-03-01"}, "until"), ({"from": "2000-01-01", "until": "2026-01-01"}, "until"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_fault_of_its_field(read, query, name):
    if query.get("plan") == "no\x00ne":
        # a null sign is dropped: what is left is "none", accounts without a plan
        assert read(**query).faults == {}
        return
    assert list(read(**query).faults) == [name]


def test_an_owner_outside_ones_book_is_unknown_and_is_not_offered(read, cast):
    own = read(cast.elif_, owner=cast.elif_.email)
    assert own.faults == {}
    other = cast.north.owner
    assert list(read(cast.elif_, owner=other.email).faults) == ["owner"]
    bar = filter_bar(own, cast.elif_, address="/metrics/")
    offered = {select.name: [key for key, _word in select.choices] for select in bar.selects}
    assert offered["owner"] == [cast.elif_.email, "none"]
    assert "vip" in offered["segment"]


def test_the_bar_costs_as_many_reads_however_many_accounts(read, cast, django_assert_num_queries):
    chosen = read(cast.elif_)
    with django_assert_num_queries(4):
        filter_bar(chosen, cast.elif_, address="/metrics/")


def test_days_up_to_today_are_a_period_too():
    zone = dt.UTC
    period = named_period("28d", today=dt.date(2026, 11, 22), zone=zone)
    assert (period.first, period.after, period.before) == (dt.date(2026, 10, 26), dt.date(2026, 11, 23), (dt.date(2026, 9, 28), dt.date(2026, 10, 26)))
    assert named_period("d", today=dt.date(2026, 11, 22), zone=zone) is None


def tabs_of(client, address):
    """The links of the row of dashboards and of the menu behind it."""
    html = client.get(address).content.decode()
    start = html.index('class="tabs-row"')
    return [unescape(link) for link in re.findall(r'href="([^"]+)"', html[start : html.index("</details>", start)])]


@pytest.mark.parametrize("who", ["ada", "mert", "elif_", "deniz", "ana", "vera"])
def test_every_page_that_the_tabs_offer_opens_for_its_reader(client, cast, who):
    client.force_login(getattr(cast, who))
    links = tabs_of(client, "/metrics/")
    assert len(links) > 5
    assert {link: status for link in links if (status := client.get(link).status_code) != 200} == {}


def test_what_is_chosen_on_one_dashboard_stays_on_the_next(client, cast):
    client.force_login(cast.ada)
    links = tabs_of(client, "/metrics/support/?period=last_quarter&compare=year&segment=vip&country=TR&group=none")
    assert "/metrics/revenue/?compare=year&segment=vip&country=TR&period=last_quarter" in links
    assert "/metrics/roi/" in links
    # 28 days is a period of the support page alone
    assert "/metrics/revenue/?segment=vip" in tabs_of(client, "/metrics/support/?period=28d&segment=vip")
