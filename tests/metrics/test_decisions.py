"""Decision views by hand-made customers: what segments lose, ceilings of accounts, who came back, support beside satisfaction; who sees what."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountSnapshot, CostEntry, Playbook, PlaybookRun, WorkItem
from metrics.actions.initiatives import create_initiative
from metrics.decisions import ceilings, returned, segments, support_beside
from metrics.decisions.reader import Reader
from metrics.models import Assumption
from metrics.views.decisions import EXPORTS, PANELS
from surveys.models import Response, Survey
from tests.metrics.decision_facts import at, customer, pays
from tests.metrics.test_initiatives import values
from tickets.models import Interaction, Ticket

pytestmark = pytest.mark.django_db
NOW = at(2026, 7, 1, 12)


@pytest.fixture(autouse=True)
def utc(settings):
    """Days are those of UTC, money is in euros."""
    settings.ORGANISATION_TIME_ZONE, settings.REPORTING_CURRENCY = "UTC", "EUR"


@pytest.fixture
def customers(cast):
    """VIP: 20 of Elif who paid 100 a year ago, 5 of them left, one pays 40 now. Core: 24 of Can who paid 50, 6 left. One of Core pays since May alone."""
    for number in range(20):
        gone = at(2026, 1) if number < 5 else at(2026, 3) if number == 5 else None
        account = customer(f"v{number:02}", "vip", owner=cast.elif_, plan="Pro")
        pays(account, 100, at(2025, 1), gone)
        if number == 5:
            pays(account, 40, at(2026, 3))
    for number in range(24):
        pays(customer(f"c{number:02}", "core", owner=cast.can, plan="Pro"), 50, at(2025, 1), at(2026, 2) if number < 6 else None)
    pays(customer("c99", "core", owner=cast.can), 70, at(2026, 5))
    return cast


def test_segments_stand_by_what_they_are_expected_to_lose(customers):
    found = segments.ranking(Reader(customers.ada, NOW))
    vip, core = found.rows
    # VIP lost 5 x 100 + 60 of 2000 and pays 14 x 100 + 40; Core lost 6 x 50 of 1200 and pays 18 x 50 + 70
    assert (vip.key, vip.mrr, vip.customers, vip.rate.value, vip.expected.value) == ("vip", 1440, 15, Decimal("0.28"), Decimal("403.2"))
    assert (core.key, core.mrr, core.customers, core.rate.value, core.expected.value) == ("core", 970, 19, Decimal("0.25"), Decimal("242.5"))
    assert found.expected == Decimal("645.7")
    # of 20 equal weights: residuals 5 x 72, 1 x 32, 14 x -28; the error is sqrt(37920 x 20 / 19) / 2000
    assert round(vip.rate.error, 6) == round((Decimal(37920) * 20 / 19).sqrt() / 2000, 6)
    assert (vip.plan, vip.near, core.near) == ("Pro", (("core", "plan"),), (("vip", "plan"),))


def test_what_was_tried_stands_beside_the_segment_and_the_nearest(customers):
    book = Playbook.objects.create(key="save", name="Save a renewal")
    accounts = {account.external_id: account for account in (AccountSnapshot.objects.select_related("account")) for account in [account.account]}
    for key in ("v00", "v06", "v07"):
        PlaybookRun.objects.create(playbook=book, account=accounts[key], started_at=at(2025, 12))
    PlaybookRun.objects.create(playbook=book, account=accounts["v08"], started_at=at(2026, 6))
    WorkItem.objects.create(account=accounts["c10"], type="risk", reason="x", due_at=NOW, status="done", closed_at=at(2026, 1))
    create_initiative(values=values(name="VIP line"), actor=customers.ada, now=NOW)
    vip, core = segments.ranking(Reader(customers.ada, NOW)).rows
    # v00 left in January, 90 days after December it pays no more; June is not 90 days ago
    own = vip.outcomes[0]
    assert (own.playbook, own.times, own.accounts, own.settled, own.stayed) == ("Save a renewal", 4, 4, 3, 2)
    assert [(outcome.segment, outcome.type, outcome.settled, outcome.stayed) for outcome in vip.outcomes[1:]] == [("core", "risk", 1, 1)]
    assert [outcome.segment for outcome in core.outcomes] == ["core", "vip"]
    assert [result.initiative.name for result in core.results] == ["VIP line"]


def test_a_csm_sees_the_own_book_alone(customers):
    [row] = segments.ranking(Reader(customers.can, NOW)).rows
    assert (row.key, row.customers) == ("core", 19)
    found = ceilings.ceilings(Reader(customers.can, NOW))
    assert found.accounts == 19
    assert {line.segment for line in found.lines} == {"core"}


def test_the_ceiling_is_what_remains_less_what_serving_costs(customers):
    Assumption.objects.create(name="margin", value="0.8")
    served = AccountSnapshot.objects.get(account__external_id="v06").account
    CostEntry.objects.create(category="support", amount=600, currency="EUR", start=dt.date(2026, 3, 1))
    for number, account, seconds in ((1, served, 300), (2, AccountSnapshot.objects.get(account__external_id="c20").account, 900)):
        Interaction.objects.create(external_id=f"i{number}", account=account, channel="phone", ended_at=at(2026, 3, number), talk_seconds=seconds)
    found = ceilings.ceilings(Reader(customers.ada, NOW))
    # 5 of 20 left in twelve months: 1 - 0.75^(1/12) a month; a quarter of the work is a quarter of the cost
    months = 1 / (1 - Decimal("0.75") ** (Decimal(1) / 12))
    line = next(line for line in found.lines if line.external_id == "v06")
    assert (round(line.months, 6), line.cost) == (round(months, 6), 150_000_000)
    assert abs(line.value - 100_000_000 * months * Decimal("0.8")) < 1
    assert abs(line.ceiling - (100_000_000 * months * Decimal("0.8") - 150_000_000 / Decimal(12) * months)) < 2
    assert (found.accounts, found.mrr, found.with_margin, found.by_time) == (34, 2_410_000_000, True, True)
    assert found.ceiling < found.value


def test_pages_by_key_hold_every_account_once_in_order(customers, monkeypatch):
    monkeypatch.setattr(ceilings, "SHOWN", 7)
    for sort in ceilings.SORTS:
        after, seen = None, []
        while True:
            page = ceilings.ceilings(Reader(customers.ada, NOW), sort=sort, after=after)
            seen += page.lines
            if not page.next_after:
                break
            after = ceilings.read_after(page.next_after)
        assert len({line.account for line in seen}) == len(seen) == 34
        assert [line.sort for line in seen] == sorted((line.sort for line in seen), reverse=True)


def test_who_came_back_with_reason_time_away_and_what_reached_them(customers):
    account = customer("back", "vip", owner=customers.elif_)
    pays(account, 80, at(2025, 1), at(2025, 11), end_reason="price")
    pays(account, 60, at(2026, 1, 10))
    # one after the other without a gap is no return, nor is one before the period
    whole = customer("whole", "vip", owner=customers.elif_)
    pays(whole, 80, at(2025, 1), at(2025, 11))
    pays(whole, 60, at(2025, 11))
    early = customer("early", "core", owner=customers.can)
    pays(early, 10, at(2023, 1), at(2023, 3))
    pays(early, 10, at(2024, 1))
    paused = customer("paused", "core", owner=customers.can)
    pays(paused, 30, at(2025, 1), paused_from=at(2026, 2), paused_until=at(2026, 4))
    PlaybookRun.objects.create(playbook=Playbook.objects.create(key="win", name="Win back"), account=account, started_at=at(2026, 1, 2))
    create_initiative(values=values(name="Core care", segment=paused.segment, starts_on=dt.date(2026, 3, 1)), actor=customers.ada, now=NOW)
    found = returned.returns(Reader(customers.ada, NOW, dt.date(2025, 7, 1), dt.date(2026, 7, 1)))
    assert [(row.account, row.days, row.reason, row.mrr) for row in found.rows] == [(paused.pk, 59, "pause", 30), (account.pk, 70, "price", 60)]
    assert [(group.key, group.accounts, group.mrr) for group in found.by_action] == [("Win back", 1, 60), ("Core care", 1, 30)]
    assert (found.whole.accounts, found.whole.days, found.whole.mrr) == (2, 64, 90)
    assert [row.account for row in returned.returns(Reader(customers.elif_, NOW, dt.date(2025, 7, 1), dt.date(2026, 7, 1))).rows] == [account.pk]


def test_support_beside_satisfaction_sums_to_the_whole_and_waits_with_its_correlation(customers):
    vip, core = (AccountSnapshot.objects.get(account__external_id=key).account for key in ("v06", "c20"))
    CostEntry.objects.create(category="support", amount=400, currency="EUR", start=dt.date(2026, 5, 1))
    for number, (account, seconds) in enumerate(((vip, 300), (core, 900))):
        opened = at(2026, 5, 3)
        ticket = Ticket.objects.create(account=account, subject="x", channel="email", opened_at=opened, status="new")
        Interaction.objects.create(external_id=f"i{number}", account=account, ticket=ticket, channel="phone", ended_at=opened, talk_seconds=seconds)
    for number in range(6):
        Response.objects.create(
            survey=Survey.objects.get(key="csat"),
            kind="csat",
            score=5 if number else 1,
            scale_min=1,
            scale_max=5,
            answered_at=at(2026, 5, 4),
            account=core,
            rated_object=f"o{number}",
        )
    reader = Reader(customers.ada, NOW, dt.date(2026, 4, 1), dt.date(2026, 7, 1))
    found = support_beside.beside(reader, "segment")
    assert [(side.key, side.cost, side.tickets, side.answers, side.few) for side in found.groups] == [("core", 300, 1, 6, False), ("vip", 100, 1, 0, True)]
    assert (found.whole.cost, found.by_time, round(found.whole.csat, 4)) == (400, True, Decimal("0.8333"))
    assert [(month.first.month, month.cost, month.answers) for month in found.months] == [(4, 0, 0), (5, 400, 6), (6, 0, 0)]
    assert (found.correlation, found.months_counted) == (None, 1)
    own = support_beside.beside(Reader(customers.elif_, NOW, dt.date(2026, 4, 1), dt.date(2026, 7, 1)), "plan")
    assert [(side.key, side.cost) for side in own.groups] == [("Pro", 100)]
    assert [month.cost for month in own.months] == [None, 100, None]


def test_every_panel_answers_and_agents_and_strangers_see_none(client, customers):
    page = reverse("metrics:decisions")
    panels = [reverse("metrics:decisions_panel", args=[name]) for name in PANELS]
    for address in [page, *panels]:
        assert client.get(address)["Location"].startswith("/login/")
    client.force_login(customers.deniz)
    assert {client.get(address).status_code for address in [page, *panels]} == {404}
    client.force_login(customers.ada)
    assert {client.get(address).status_code for address in [page, *panels]} == {200}
    assert client.get(reverse("metrics:decisions_panel", args=["nothing"])).status_code == 404
    assert client.get(panels[0], {"segment": "nowhere"}).status_code == 400
    # the budget is the organisation's: not for whose figures are of a part
    client.force_login(customers.elif_)
    assert client.get(reverse("metrics:decisions_panel", args=["budget"])).status_code == 404
    assert "decisions-budget" not in client.get(page).content.decode()


def test_analysts_see_figures_and_no_rows(client, customers):
    client.force_login(customers.ana)
    told = client.get(reverse("metrics:decisions_panel", args=["ceilings"])).content.decode()
    assert "34 accounts" in told
    assert "Customer v06" not in told
    assert "/accounts/?" not in client.get(reverse("metrics:decisions_panel", args=["segments"])).content.decode()
    assert client.post(reverse("metrics:decisions_export", args=["ceilings"])).status_code == 404
    assert not LogEntry.objects.exists()


def test_exports_are_logged_and_hold_no_formulas(client, customers):
    AccountSnapshot.objects.get(account__external_id="v06").account.__class__.objects.filter(external_id="v06").update(name="=2+3")
    client.force_login(customers.elif_)
    for name in EXPORTS:
        response = client.post(reverse("metrics:decisions_export", args=[name]) + "?segment=vip")
        text = b"".join(response.streaming_content).decode()
        assert response.status_code == 200
        assert text.startswith("\ufeff")
        if name == "ceilings":
            assert '"\'=2+3"' in text
            assert text.count("\r\n") == 16
            assert "Customer c20" not in text
    assert sorted(LogEntry.objects.values_list("change_message", flat=True)) == sorted(f"export {name}: segment=vip" for name in EXPORTS)
    assert client.get(reverse("metrics:decisions_export", args=["ceilings"])).status_code == 405


def test_no_panel_asks_more_where_there_is_more(client, customers, django_assert_max_num_queries):
    client.force_login(customers.ada)
    for name in PANELS:
        with django_assert_max_num_queries(75):
            assert client.get(reverse("metrics:decisions_panel", args=[name])).status_code == 200


def test_the_pages_hold_before_anybody_pays(client, cast):
    client.force_login(cast.vera)
    for name in PANELS:
        assert client.get(reverse("metrics:decisions_panel", args=[name])).status_code == 200
    # customers of this month alone: nothing can be said yet of how fast they leave
    pays(customer("young", "vip", plan="Pro"), 100, timezone.now() - dt.timedelta(days=3))
    [row] = segments.ranking(Reader(cast.vera, timezone.now())).rows
    assert (row.mrr, row.book, row.expected) == (100, None, None)
    client.force_login(cast.ana)
    assert "nobody paid a year ago" in client.get(reverse("metrics:decisions_panel", args=["segments"]), {"segment": "vip", "plan": "Pro"}).content.decode()
    assert client.get(reverse("metrics:decisions_panel", args=["ceilings"]), {"plan": "Pro"}).status_code == 200
    found = ceilings.ceilings(Reader(cast.vera, timezone.now()))
    assert (found.accounts, found.value, found.lines) == (0, 0, [])


def test_a_kept_panel_bears_the_token_of_whoever_opens_it(customers):
    for who in (customers.ada, customers.ada):
        client = Client(enforce_csrf_checks=True)
        client.force_login(who)
        page = client.get(reverse("metrics:decisions_panel", args=["segments"])).content.decode()
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        assert client.post(reverse("metrics:decisions_export", args=["segments"]), {"csrfmiddlewaretoken": token}).status_code == 200


def test_a_currency_without_a_rate_is_named_and_gives_no_wrong_number(client, cast):
    for number in range(6):
        pays(customer(f"u{number}", "vip"), 100, timezone.now() - dt.timedelta(days=800), currency="USD")
    CostEntry.objects.create(category="support", amount=10, currency="USD", start=timezone.localdate() - dt.timedelta(days=70))
    client.force_login(cast.ada)
    for name, told in (("segments", "No exchange rate for USD"), ("support", "No tickets and no answers"), ("ceilings", "No exchange rate for USD")):
        page = client.get(reverse("metrics:decisions_panel", args=[name]), {"segment": "vip"})
        assert (page.status_code, told in page.content.decode()) == (200, True), name
    [row] = segments.ranking(Reader(cast.ada, timezone.now())).rows
    assert (row.rate, row.expected) == (None, None)
    assert {(line.cost, line.ceiling) for line in ceilings.ceilings(Reader(cast.ada, timezone.now())).lines} == {(None, None)}
