"""The support dashboard: figures of a small written set, who sees what, pages of rows, durations in words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from accounts import wording
from accounts.models import User
from metrics.kpis.behind import FIGURES
from metrics.support.desk import Desk
from metrics.support.filters import SupportFilter
from metrics.support.rows import TITLES, listed
from metrics.support.today import conditions
from metrics.views.support import PANELS
from surveys.models import Response, Survey
from tickets.models import Interaction, ServiceLevel, Ticket, TicketChange

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def utc(settings):
    """Days are those of UTC."""
    settings.ORGANISATION_TIME_ZONE = "UTC"


@pytest.fixture
def written(cast) -> SimpleNamespace:
    """Four tickets of the last days: answered after 2 h and solved after 10 h with a rating of 4; answered after 6 h, open, late;
    new, never answered; one of the other account, answered after 1 h and waiting for the customer."""
    now = timezone.now().replace(microsecond=0)
    for level in (1, 2, 3):
        ServiceLevel.objects.create(severity=level, first_reply_seconds=4 * 3600, resolution_seconds=20 * 3600)

    def ticket(account, hours_ago, *, replied=None, status="new", solved=None, **fields):
        opened = now - hours_ago * HOUR
        row = Ticket.objects.create(
            account=account, subject="Broken", channel="email", opened_at=opened, status=status, first_replied_at=opened + replied * HOUR if replied else None,
            solved_at=opened + solved * HOUR if solved else None, first_reply_due_at=opened + 4 * HOUR, resolution_due_at=opened + 20 * HOUR if not solved and status != "pending" else None,
            **fields,
        )  # fmt: skip
        if replied:
            TicketChange.objects.create(ticket=row, kind="public_reply", occurred_at=opened + replied * HOUR, actor=cast.deniz)
        if status != "new":
            TicketChange.objects.create(ticket=row, kind="status", occurred_at=opened + (solved or replied) * HOUR, actor=cast.deniz, value_before="new", value=status)
        return row

    solved = ticket(cast.boga, 60, replied=2, status="solved", solved=10, severity=3, assignee=cast.deniz, group="One", category="billing")
    late = ticket(cast.boga, 48, replied=6, status="open", severity=2, assignee=cast.deniz, group="Two")
    new = ticket(cast.boga, 2, severity=None)
    other = ticket(cast.north, 30, replied=1, status="pending", severity=1, group="One")
    Interaction.objects.create(external_id="i1", ticket=solved, account=cast.boga, agent=cast.deniz, channel="phone", ended_at=now - 58 * HOUR, talk_seconds=540, wrap_seconds=60)
    Response.objects.create(
        survey=Survey.objects.get(key="csat"), kind="csat", score=4, scale_min=1, scale_max=5, answered_at=now - 40 * HOUR, ticket_id=solved.pk, agent_id=cast.deniz.pk, account=cast.boga,
        contact=cast.selin, comment="Quick and kind",
    )  # fmt: skip
    return SimpleNamespace(now=now, solved=solved, late=late, new=new, other=other)


def panel(client, name, query=""):
    response = client.get(reverse("metrics:support_panel", args=[name]) + query)
    assert response.status_code == 200
    return response.context


def tile(context, title):
    return next(found for found in context["tiles"] if found.title == title)


def test_the_figures_of_a_written_set_are_those_worked_out_by_hand(client, cast, written):
    client.force_login(cast.vera)
    queue = panel(client, "today")["queue"]
    assert {one.word: one.count for one in [queue.total, *queue.main]} == {
        "Open": 3, "Waiting for us": 2, "Waiting for the customer": 1, "Unassigned": 2, "About to breach": 0, "Breached": 1, "Without an answer": 1,
    }  # fmt: skip
    assert queue.oldest == written.new
    clocks = panel(client, "clocks")
    # 1, 2 and 6 hours: the middle one is 2, nine of ten lie within 2 + 0.8 x 4 hours
    first = tile(clocks, "First response")
    assert ("2 h<" in first.value, first.count, first.notes[0][0]) == (True, "3 tickets", "nine of ten within 5 h 12 min")
    assert "7,200 seconds" in first.value
    assert tile(clocks, "Unanswered at the end").value == "1"
    assert "10 h<" in tile(clocks, "Resolution").value
    promises = panel(client, "promises")
    # answered within 4 hours: two of three; solved in 10 of 20 hours, and one open for 48
    assert (tile(promises, "First replies as promised").count, tile(promises, "Resolutions as promised").count) == ("2 kept of 3", "1 kept of 2")
    assert [(row.name, row.reply.count, row.resolution.count) for row in promises["rows"]] == [("One", "2 kept of 2", "1 kept of 1"), ("Two", "0 kept of 1", "0 kept of 1")]
    backlog = panel(client, "backlog")
    assert (tile(backlog, "Open at the end").value, tile(backlog, "Older than the target").value) == ("3", "2")
    volume = panel(client, "volume")
    assert (tile(volume, "Created").value, tile(volume, "Created").count) == ("4", "from 2 accounts")
    assert sum(count for _first, _last, count, _href in volume["days"]) == 4
    quality = panel(client, "quality")
    assert tile(quality, "Satisfied with support").count == "1 of 1 ratings"
    assert (tile(quality, "Mean severity").value, tile(quality, "Mean severity").count) == ("2", "3 tickets")
    assert ("10 min<" in tile(quality, "Handle time").value, [row[2] for row in quality["channels"]]) == (True, [1])
    [card] = panel(client, "agents")["cards"]
    assert (card.name, card.csat.count, card.resolution.count, card.handle.count, card.points) == ("Deniz Kaya", 1, 1, 1, "")
    assert "20 tickets" in card.why
    assert [comment.text for comment in card.comments] == ["Quick and kind"]


def test_every_figure_of_the_page_opens_rows_as_many_as_it_counts(client, cast, written):
    client.force_login(cast.mert)
    desk = Desk(cast.ada, SupportFilter.read({}, today=written.now.date(), zone=dt.UTC), timezone.now())
    for name in [*FIGURES, *conditions(written.now)]:
        page = client.get(reverse("metrics:support_tickets") + f"?figure={name}").context["page"]
        own = [row for row in page.rows if row.ticket]
        assert page.count == len(page.rows), name
        assert len(own) == len(page.rows), name
        assert {row.ticket.account_id for row in own} <= {cast.boga.pk}
        assert page.count <= len(listed(desk, name))
        assert name in TITLES


def test_the_queue_now_and_the_ticket_queue_agree(client, cast, written):
    opened = written.now - dt.timedelta(minutes=210)
    Ticket.objects.create(account=cast.boga, opened_at=opened, severity=2, first_reply_due_at=opened + 4 * HOUR, resolution_due_at=opened + 20 * HOUR)
    client.force_login(cast.ada)
    main = {one.word: one.count for one in panel(client, "today")["queue"].main}
    for view, word in (("soon", "About to breach"), ("late", "Breached"), ("unassigned", "Unassigned")):
        assert len(client.get(reverse("tickets:queue") + f"?view={view}").context["page"].rows) == main[word] > 0


def test_pages_of_rows_go_on_where_the_last_one_ended_with_as_many_statements_for_many(client, cast, django_assert_max_num_queries):
    now = timezone.now()
    made = [Ticket.objects.create(account=cast.boga, opened_at=now - dt.timedelta(minutes=number // 3), external_id=f"n{number}") for number in range(120)]
    client.force_login(cast.ada)
    address, seen = reverse("metrics:support_tickets"), []
    query = "?figure=volume"
    while query:
        with django_assert_max_num_queries(13):
            response = client.get(address + query)
        assert response.context["page"].count == 120
        seen += [row.ticket.pk for row in response.context["page"].rows]
        query = response.context["next"]
    assert sorted(seen) == sorted(row.pk for row in made)
    assert client.get(address + "?figure=volume&after=x_y_z").context["page"].count == 120


def test_who_sees_the_page_its_rows_and_its_money(client, cast, written):
    rows, export = reverse("metrics:support_tickets") + "?figure=volume", reverse("metrics:support_customers_csv")
    created = {"ada": 4, "vera": 4, "deniz": 4, "ana": 4, "mert": 3, "elif_": 3, "can": 1}
    for who, count in created.items():
        client.force_login(getattr(cast, who))
        assert client.get(reverse("metrics:support")).status_code == 200
        shown = tile(panel(client, "volume"), "Created")
        assert shown.value == str(count), who
        assert bool(shown.href) is (who != "ana")
        listing = client.get(rows)
        assert listing.status_code == (404 if who == "ana" else 200)
        if who != "ana":
            assert listing.context["page"].count == count
        for name in PANELS:
            hidden = name == "customers" and who == "deniz"
            assert client.get(reverse("metrics:support_panel", args=[name])).status_code == (404 if hidden else 200), (who, name)
        assert client.get(export).status_code == (404 if who in {"ana", "deniz"} else 200)
    client.force_login(cast.ana)
    for name in PANELS:
        html = client.get(reverse("metrics:support_panel", args=[name])).content.decode()
        assert "Quick and kind" not in html
        assert cast.boga.name not in html
        assert "/support/tickets/" not in html
    client.logout()
    for address in (reverse("metrics:support"), rows, export, reverse("metrics:support_panel", args=["today"])):
        assert "/login/" in client.get(address).headers["Location"]


def test_an_agent_reads_comments_about_the_own_work_alone(client, cast, written):
    other = User.objects.create_user(email="omar@vefa.test", password="x", name="Omar", role="agent")
    for user, said in ((cast.deniz, True), (other, False)):
        client.force_login(user)
        assert ("Quick and kind" in client.get(reverse("metrics:support_panel", args=["agents"])).content.decode()) is said


def test_unknown_panels_figures_and_filters_are_refused(client, cast, written):
    client.force_login(cast.ada)
    assert client.get("/metrics/support/panel/moon/").status_code == 404
    assert client.get("/metrics/support/tickets/?figure=moon").status_code == 404
    assert client.get("/metrics/support/tickets/").status_code == 404
    assert client.post("/metrics/support/").status_code == 405
    for query, field in (
        ("period=moon", "period"), ("from=x&until=2026-01-01", "from"), ("from=2026-02-01&until=2026-01-01", "until"), ("compare=moon", "compare"),
        ("segment=moon", "segment"), ("owner=moon@vefa.test", "owner"), ("country=ZZ", "country"),
    ):  # fmt: skip
        page = client.get(f"/metrics/support/?{query}")
        assert (page.status_code, set(page.context["chosen"].faults)) == (400, {field})
        assert f'id="fault-{field}"' in page.content.decode()
        for address in (f"/metrics/support/panel/volume/?{query}", f"/metrics/support/tickets/?figure=volume&{query}", f"/metrics/support/customers.csv?{query}"):
            assert client.get(address).status_code == 404
    assert client.get("/metrics/support/?group=One&severity=none&by=moon&sort=moon&account=-1&channel=%00").status_code == 200
    assert tile(panel(client, "volume", "?group=One"), "Created").value == "2"
    assert tile(panel(client, "volume", "?group=none"), "Created").value == "1"
    assert tile(panel(client, "volume", "?agent=deniz@vefa.test&severity=3"), "Created").value == "1"
    assert panel(client, "today", "?severity=9")["queue"].total.count == 0
    assert tile(panel(client, "volume", f"?from={written.now:%Y-%m-%d}&until={written.now:%Y-%m-%d}"), "Created").count.startswith("from")


def test_the_running_month_is_compared_with_as_much_of_the_one_before():
    now = dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC)
    chosen = SupportFilter.read({"period": "month"}, today=now.date(), zone=dt.UTC)
    assert chosen.spans(now)[1] == (dt.datetime(2026, 2, 1, tzinfo=dt.UTC), dt.datetime(2026, 2, 11, 12, tzinfo=dt.UTC))
    year = SupportFilter.read({"period": "month", "compare": "year"}, today=now.date(), zone=dt.UTC)
    assert year.spans(now)[1] == (dt.datetime(2025, 3, 1, tzinfo=dt.UTC), dt.datetime(2025, 3, 11, 12, tzinfo=dt.UTC))
    assert SupportFilter.read({"compare": "none"}, today=now.date(), zone=dt.UTC).spans(now)[1] is None
    over = SupportFilter.read({"period": "last_month"}, today=now.date(), zone=dt.UTC)
    assert over.spans(now)[1] == (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 2, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (11520, "3 h 12 min"), (7200, "2 h"), (172799, "2 d"), (3 * 86400 + 5 * 3600, "3 d 5 h"), (Decimal("90.5"), "2 min"), (None, "–")],
)
def test_lengths_of_time_are_told_in_two_units(seconds, told):
    with translation.override("en"):
        assert wording.duration(seconds) == told


def test_the_page_of_a_kpi_tells_times_in_words_and_names_the_clock(client, cast, written):
    client.force_login(cast.ada)
    start, end = (written.now - 10 * 24 * HOUR).date(), (written.now + 24 * HOUR).date()
    address = f"/metrics/kpi/first_response_time/?start={start}&end={end}"
    html = client.get(address).content.decode()
    assert "10,800 seconds" in html
    assert "as usual: by the calendar" in html
    assert ">3 h<" in html
    assert '<option value="business" selected>by business hours' in client.get(address + "&clock=business").content.decode()
    cast.ada.language = "tr"
    cast.ada.save()
    assert ">3 sa<" in client.get(address).content.decode()


def test_owner_plan_and_country_of_the_account_narrow_every_panel(client, cast, written):
    client.force_login(cast.ada)
    for name in ("today", "clocks", "backlog", "volume", "quality", "promises", "agents", "customers"):
        assert client.get(f"/metrics/support/panel/{name}/?owner={cast.can.email}&plan=none&country=GB").status_code == 200
    both = client.get("/metrics/support/panel/volume/?period=90d").context["tiles"][0].value
    own = client.get(f"/metrics/support/panel/volume/?period=90d&owner={cast.elif_.email}&country=TR").context["tiles"][0].value
    other = client.get(f"/metrics/support/panel/volume/?period=90d&owner={cast.can.email}").context["tiles"][0].value
    assert int(own) + int(other) == int(both)
    assert int(own) > 0


@pytest.mark.parametrize(
    ("years", "title", "head", "last", "steps"),
    [
        (1, "by week", "Week of", (2023, 12, 25), 53),
        (4, "by month", "Month", (2023, 12, 1), 48),
        (9, "by month", "Month", (2023, 12, 1), 108),
        (19, "by quarter", "Quarter", (2023, 10, 1), 76),
    ],
)
def test_a_long_period_is_drawn_in_longer_steps_up_to_its_end(client, cast, years, title, head, last, steps):
    first = dt.date(2024 - years, 1, 1)
    for day in (first, first + dt.timedelta(days=100), dt.date(2023, 12, 30), dt.date(2023, 12, 31)):
        Ticket.objects.create(account=cast.boga, opened_at=dt.datetime.combine(day, dt.time(12), dt.UTC), external_id=f"{day}")
    client.force_login(cast.vera)
    shown = panel(client, "volume", f"?from={first}&until=2023-12-31&compare=none")
    days, chart = shown["days"], shown["chart"]
    assert (chart.title, chart.columns[0], len(days)) == (f"Tickets created, {title}", head, steps)
    # no day is lost between steps or after the last, and each step opens its own tickets
    assert (days[0][:3], days[-1][0]) == ((dt.date(*last), dt.date(2023, 12, 31), 2), first)
    assert all(earlier[1] + dt.timedelta(days=1) == later[0] for later, earlier in pairwise(days))
    assert sum(count for _first, _last, count, _href in days) == int(tile(shown, "Created").value) == 4
    assert client.get(days[0][3]).context["page"].count == 2
    if title == "by quarter":
        assert chart.rows[-1][0].text == "Q4 23"
