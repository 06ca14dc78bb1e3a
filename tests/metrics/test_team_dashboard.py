"""The team dashboard: whose books a reader sees, what they add up to, what opens, and that too few tell nothing."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, AccountEvent, AccountSnapshot, Segment, Subscription, WorkItem
from tests.metrics.health_facts import answer as answered
from tickets.models import Ticket, TicketChange

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAYS = f"from={NOW - dt.timedelta(days=60):%Y-%m-%d}&until={NOW:%Y-%m-%d}"
PANELS = ("books", "outcome", "effort", "agents")


def ago(days):
    return NOW - dt.timedelta(days=days)


@pytest.fixture
def team(cast):
    """Elif carries Boğaziçi and six more that pay, one of which left; Can carries Northgate."""
    cast.six = [Account.objects.create(external_id=f"t{number}", name=f"T {number}", owner=cast.elif_) for number in range(6)]
    for place, account in enumerate(cast.six):
        Subscription.objects.create(account=account, start=ago(400), end=ago(20) if place == 0 else None, amount=100, currency="EUR")
        answered(account, 10 if place else 2, at=ago(10))
    Account.objects.filter(pk=cast.six[0].pk).update(churned_at=ago(20))
    AccountSnapshot.objects.filter(pk__in=[account.pk for account in cast.six]).update(mrr_micros=100_000_000, band="healthy", renews_on=(NOW + dt.timedelta(days=30)).date())
    vip = Segment.objects.get(key="vip")
    Account.objects.filter(pk=cast.six[1].pk).update(segment=vip)
    for place, minutes in ((1, 45), (2, 15)):
        AccountEvent.objects.create(account=cast.six[place], kind="touch.logged", occurred_at=ago(5), origin="app", actor=cast.elif_, payload={"minutes": minutes})
    AccountEvent.objects.create(account=cast.six[2], kind="touch.logged", occurred_at=ago(90), origin="app", actor=cast.elif_, payload={"minutes": 600})
    WorkItem.objects.create(account=cast.six[1], type="risk", reason="a", title="Call", due_at=ago(1), owner=cast.elif_)
    WorkItem.objects.create(account=cast.six[1], type="risk", reason="b", due_at=NOW + dt.timedelta(days=3), owner=cast.elif_)
    WorkItem.objects.create(account=cast.six[1], type="risk", reason="c", due_at=ago(3), owner=cast.elif_, status="done", closed_at=ago(4))
    WorkItem.objects.create(account=cast.six[1], type="risk", reason="d", due_at=ago(9), owner=cast.elif_, status="done", closed_at=ago(4))
    return cast


def panel(client, name, more=""):
    response = client.get(f"/metrics/team/panel/{name}/?{DAYS}{more}")
    assert response.status_code == 200
    return response


def test_an_anonymous_reader_is_led_to_the_login(client, cast):
    for path in ("", "rows/", *(f"panel/{name}/" for name in PANELS)):
        assert client.get(f"/metrics/team/{path}")["Location"].startswith("/login/")


def test_a_book_with_its_touches_work_and_renewals(client, team):
    client.force_login(team.ada)
    assert all(f"/metrics/team/panel/{name}/" in client.get("/metrics/team/").content.decode() for name in PANELS)
    shown = panel(client, "books").context
    lines = {line.name: line for line in shown["lines"]}
    book = lines["Elif Yıldız"].book
    # Boğaziçi and five that have not left
    assert (book.accounts, book.mrr_micros, book.healthy, book.renewals, book.renewal_mrr_micros) == (6, 500_000_000, 5, 5, 500_000_000)
    assert (book.touches, book.minutes, book.touched) == (2, 60, 2)
    assert (book.open, book.overdue, book.done, book.done_in_time) == (2, 1, 2, 1)
    teams = {line.name: line.book.accounts for line in shown["teams"]}
    assert teams == {"Aegean": 1, "Bosphorus": 6}


def test_every_figure_opens_as_many_rows_as_it_says(client, team):
    client.force_login(team.ada)
    line = next(line for line in panel(client, "books").context["lines"] if line.person == team.elif_)
    for name in ("renewals", "touches", "open", "overdue", "done"):
        assert len(client.get(line.links[name]).context["rows"]) == getattr(line.book, name), name


def test_the_outcome_is_that_of_the_kpis_and_too_few_tell_nothing(client, team):
    client.force_login(team.ada)
    lines = {line.name: line for line in panel(client, "outcome").context["lines"]}
    own = lines["Elif Yıldız"]
    # one of six customers left, nobody grew; five promoters and a detractor
    assert (own.nrr.value, own.grr.value, own.nrr.count, own.book.churned_customers) == ("83.3%", "83.3%", "6", 1)
    assert (own.nps.value, own.nps.count) == ("+67", "6")
    assert (lines["Can Polat"].nrr.value, lines["Can Polat"].nps.value) == ("", "")


def test_the_outcome_stands_beside_that_of_the_period_compared_with_where_one_is_chosen(client, team):
    # in the sixty days before nobody left, and of six who answered four were promoters and two detractors
    for place, account in enumerate(team.six):
        answered(account, 10 if place < 4 else 2, at=ago(80))
    client.force_login(team.ada)
    panel(client, "outcome")
    with CaptureQueriesContext(connection) as alone:
        lines = {line.name: line for line in panel(client, "outcome", "&country=none").context["lines"]}
    assert (lines["Elif Yıldız"].before, lines["Elif Yıldız"].nrr.before) == (None, "")
    with CaptureQueriesContext(connection) as both:
        shown = panel(client, "outcome", "&country=none&compare=before")
    assert 3 <= len(both) - len(alone) <= 15
    own = next(line for line in shown.context["lines"] if line.person == team.elif_)
    assert (own.nrr.before, own.grr.before, own.lost.before, own.nps.before) == ("before: 100% of 6", "before: 100% of 6", "before: 0 of 6", "before: +33 of 6")
    assert ("16.7</span> <span>points" in own.nrr.change, "delta bad" in own.nrr.change, "33</span>" in own.nps.change, own.nps.by_chance) == (True, True, True, True)
    assert (own.csat.before, "against the period before" in shown.content.decode()) == ("", True)
    # a team adds the books of its people; too few customers say nothing of before either
    sums = {line.name: line for line in panel(client, "outcome", "&compare=before").context["teams"]}
    assert (sums["Bosphorus"].nrr.before, sums["Aegean"].nrr.before) == ("before: 100% of 6", "")


def test_the_comparison_is_chosen_in_the_bar_and_goes_to_the_panels(client, team):
    client.force_login(team.ada)
    usual, chosen = client.get("/metrics/team/"), client.get("/metrics/team/?compare=before")
    assert [page.context["bar"].compare.value for page in (usual, chosen)] == ["none", "before"]
    assert ["compare=" in page.context["panels"][1][1] for page in (usual, chosen)] == [False, True]
    assert 'name="compare"' in usual.content.decode()
    assert set(client.get("/metrics/team/?compare=moon").context["filters"].faults) == {"compare"}


def test_time_stands_against_the_budget_of_its_segment(client, team):
    Segment.objects.filter(key="vip").update(effort_share="0.40")
    client.force_login(team.ada)
    effort = panel(client, "effort").context["effort"]
    place = [key for key, _name, _budget in effort.segments].index("vip")
    cells = {name: cells[place] for name, cells, _minutes in effort.rows}
    assert (cells["Elif Yıldız"].minutes, cells["Elif Yıldız"].share, cells["Elif Yıldız"].over) == (45, 0.75, True)


@pytest.mark.parametrize(("who", "names"), [("mert", ["Elif Yıldız"]), ("elif_", ["Elif Yıldız"]), ("can", ["Can Polat"]), ("vera", ["Can Polat", "Elif Yıldız"])])
def test_managers_see_their_team_and_a_csm_only_the_own_book(client, team, who, names):
    client.force_login(getattr(team, who))
    assert [line.name for line in panel(client, "books").context["lines"]] == names
    rows = client.get(f"/metrics/team/rows/?{DAYS}&figure=open&person={team.elif_.pk}")
    assert rows.status_code == (200 if "Elif Yıldız" in names else 404)


def test_an_analyst_sees_figures_and_no_rows_and_an_agent_only_agents(client, team):
    client.force_login(team.ana)
    lines = panel(client, "books").context["lines"]
    assert {line.name for line in lines} == {"Can Polat", "Elif Yıldız"}
    assert not any(line.links for line in lines)
    assert client.get(f"/metrics/team/rows/?{DAYS}&figure=open&person={team.elif_.pk}").status_code == 404
    client.force_login(team.deniz)
    assert client.get(f"/metrics/team/panel/books/?{DAYS}").status_code == 404


@pytest.mark.parametrize("query", ["figure=salary&person={0}", "figure=open&person=0", "figure=open&person=x", "figure=open", "figure=open&person={0}&segment=nowhere"])
def test_rows_of_what_does_not_exist_are_404(client, team, query):
    client.force_login(team.ada)
    assert client.get(f"/metrics/team/rows/?{query.format(team.elif_.pk)}").status_code == 404


def test_agents_stand_with_their_components_and_below_twenty_tickets_no_points_are_told(client, team):
    def solved(agent, count):
        for number in range(count):
            ticket = Ticket.objects.create(account=team.boga, opened_at=ago(9), status="solved", assignee=agent, external_id=f"{agent.pk}-{number}", solved_at=ago(8))
            TicketChange.objects.create(ticket=ticket, kind="status", occurred_at=ago(9), value_before="", value="open")
            TicketChange.objects.create(ticket=ticket, kind="assignee", occurred_at=ago(9), value_before="", value=str(agent.pk))
            TicketChange.objects.create(ticket=ticket, kind="status", occurred_at=ago(8), value_before="open", value="solved")

    solved(team.deniz, 21)
    solved(team.elif_, 3)
    client.force_login(team.ada)
    lines = {line.email: line for line in panel(client, "agents").context["agents"]}
    resolution = lines[team.deniz.email].components[2]
    assert (resolution.count, bool(lines[team.deniz.email].points)) == (21, True)
    assert f"agent={team.deniz.email.replace('@', '%40')}" in resolution.href
    assert (lines[team.elif_.email].points, lines[team.elif_.email].few) == ("", True)
    # Boğaziçi is Elif's, in Türkiye, in no segment; its tickets are all there are
    for query, shown in ((f"owner={team.elif_.email}&country=TR&segment=none", 2), (f"owner={team.can.email}", 0), ("country=GB", 0), ("segment=vip", 0)):
        narrowed = panel(client, "agents", f"&{query}").context["agents"]
        assert len(narrowed) == shown, query
        for line in narrowed:
            opened = client.get(line.components[2].href)
            assert (opened.status_code, opened.context["page"].count) == (200, line.components[2].count)
    client.force_login(team.deniz)
    assert [line.email for line in panel(client, "agents").context["agents"]] == [team.deniz.email]
    client.force_login(team.elif_)
    assert [line.email for line in panel(client, "agents").context["agents"]] == [team.elif_.email]
