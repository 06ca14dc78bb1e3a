"""The weekly report: ordered by its reader, due in their own hour, one a person and week, in their scope and language, over a real mail server."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Account, OutgoingMail, Subscription, User
from metrics.actions.reports import TooManyReports, order_report, queue_due, send_now, stop_report, withdraw
from metrics.models import ReportOrder, ReportWeek
from metrics.reports.contents import may_choose, report_of
from metrics.reports.due import last_due, next_due, zone_of
from tests.surveys.making import Sink
from tickets.actions.dispatch import dispatch

# a Wednesday
NOW = dt.datetime(2026, 6, 17, 12, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)


def ordered(user, *, now=NOW - WEEK, **more):
    return order_report(**{"user": user, "weekday": 0, "hour": 8, "cards": [], "segment": None, "owner": None, "active": True, "now": now, **more})


@pytest.fixture
def paying(cast):
    """Both accounts pay, one grew this week."""
    early = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    Subscription.objects.create(account=cast.boga, start=early, end=NOW - dt.timedelta(days=3), amount=100, currency="EUR")
    Subscription.objects.create(account=cast.boga, start=NOW - dt.timedelta(days=3), amount=150, currency="EUR")
    Subscription.objects.create(account=cast.north, start=early, amount=80, currency="EUR")
    return cast


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("Europe/Istanbul", "2026-06-17T12:00Z", "2026-06-22T05:00Z"),
        ("America/New_York", "2026-06-17T12:00Z", "2026-06-22T12:00Z"),
        # the very instant is over: the next is a week on
        ("Europe/Istanbul", "2026-06-22T05:00Z", "2026-06-29T05:00Z"),
        # clocks go back between: eight o'clock stays eight o'clock
        ("Europe/Berlin", "2026-10-19T06:00Z", "2026-10-26T07:00Z"),
    ],
)
def test_the_hour_is_that_of_the_readers_own_clock(zone, now, expected):
    user = User(time_zone=zone)
    found = next_due(weekday=0, hour=8, zone=zone_of(user), now=dt.datetime.fromisoformat(now))
    assert found == dt.datetime.fromisoformat(expected)


def test_an_hour_that_the_clocks_leave_out_is_the_one_after_it():
    # on the last Sunday of March two o'clock is three in Berlin
    found = last_due(weekday=6, hour=2, zone=zone_of(User(time_zone="Europe/Berlin")), now=dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC))
    assert found == dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC)


@pytest.mark.django_db
class TestDue:
    def test_a_due_report_is_queued_once_however_often_the_sweep_runs(self, paying):
        order = ordered(paying.elif_)
        assert queue_due(now=NOW) == {"queued": 1}
        assert queue_due(now=NOW) == {}
        # even where its order claims to be due again in the same week
        ReportOrder.objects.update(due_at=NOW)
        assert queue_due(now=NOW) == {"again": 1}
        mail = OutgoingMail.objects.get()
        assert (mail.kind, mail.to_address, mail.status) == ("report", "elif@vefa.test", "queued")
        assert ReportWeek.objects.get().week == dt.date(2026, 6, 15)
        order.refresh_from_db()
        assert order.due_at > NOW

    def test_after_weeks_of_standing_still_one_comes_not_four(self, paying):
        ordered(paying.elif_, now=NOW - 4 * WEEK)
        assert queue_due(now=NOW) == {"queued": 1}
        assert OutgoingMail.objects.count() == 1
        assert queue_due(now=NOW + WEEK) == {"queued": 1}

    def test_another_weekday_in_the_same_week_brings_no_second_one(self, paying):
        ordered(paying.elif_)
        queue_due(now=NOW)
        ordered(paying.elif_, now=NOW, weekday=3)
        assert queue_due(now=NOW + dt.timedelta(days=2)) == {"again": 1}
        assert OutgoingMail.objects.count() == 1

    def test_nobody_inactive_without_accounts_or_without_an_order_gets_one(self, paying):
        Account.objects.filter(owner=paying.can).update(owner=None)
        for person in (paying.elif_, paying.can):
            ordered(person)
        User.objects.filter(pk=paying.elif_.pk).update(is_active=False)
        assert queue_due(now=NOW) == {"withheld": 2}
        assert not OutgoingMail.objects.exists()
        assert not ReportWeek.objects.exists()

    def test_stopping_takes_back_what_waits(self, paying):
        ordered(paying.elif_)
        queue_due(now=NOW)
        assert stop_report(user=paying.elif_)
        assert OutgoingMail.objects.get().status == "aborted"
        assert queue_due(now=NOW + 3 * WEEK) == {}

    def test_who_was_deactivated_after_it_was_queued_gets_nothing(self, paying):
        ordered(paying.elif_)
        ordered(paying.ada)
        queue_due(now=NOW)
        User.objects.filter(pk=paying.elif_.pk).update(is_active=False)
        assert withdraw(now=NOW) == 1
        assert list(OutgoingMail.objects.filter(status="queued").values_list("to_address", flat=True)) == ["ada@vefa.test"]

    def test_only_three_a_minute_are_sent_by_hand(self, paying):
        for number in range(3):
            send_now(user=paying.ada, now=dt.datetime.now(dt.UTC) + dt.timedelta(microseconds=number))
        with pytest.raises(TooManyReports):
            send_now(user=paying.ada, now=dt.datetime.now(dt.UTC))
        assert OutgoingMail.objects.count() == 3
        assert not ReportWeek.objects.exists()


@pytest.mark.django_db
class TestContents:
    def report(self, user, **more):
        return report_of(user, **{"cards": ["mrr"], "segment": None, "owner": None, "now": NOW, **more})

    def test_figures_are_those_of_the_readers_accounts_with_change_and_count(self, paying):
        own, whole = self.report(paying.elif_).cards[0], self.report(paying.ada).cards[0]
        assert (own.value, own.change, own.size, own.better) == ("€150", "+€50", "Customers: 1", True)
        assert (whole.value, whole.change, whole.size) == ("€230", "+€50", "Customers: 2")

    def test_what_changed_names_accounts_to_those_who_see_them(self, paying):
        assert [(row.name, row.text) for row in self.report(paying.elif_).changed] == [("Boğaziçi Lojistik A.Ş.", "expansion, +€50 a month")]
        assert self.report(paying.can).changed == []
        analyst = self.report(paying.ana)
        assert (analyst.cards[0].value, analyst.changed, analyst.ahead) == ("€230", [], [])

    def test_an_owner_narrows_it(self, paying):
        assert self.report(paying.ada, owner=paying.can).cards[0].value == "€80"

    def test_agents_choose_no_money(self, paying):
        assert {"mrr", "clv", "crc"}.isdisjoint(kpi.name for kpi in may_choose(paying.deniz))
        assert self.report(paying.deniz, cards=["mrr", "ticket_volume"]).cards[0].title == "Ticket volume"
        assert len(self.report(paying.deniz, cards=["mrr"]).cards) == 0


@pytest.mark.django_db
class TestPages:
    def test_everybody_orders_looks_at_and_stops_their_own(self, client, paying):
        for who in ("ada", "mert", "elif_", "deniz", "ana", "vera"):
            user = getattr(paying, who)
            client.force_login(user)
            assert client.get(reverse("metrics:report")).status_code == 200
            assert client.get(reverse("metrics:report_preview")).status_code == 200
            assert client.post(reverse("metrics:report"), {"weekday": 4, "hour": 17, "cards": ["csat"]}).status_code == 302
            order = ReportOrder.objects.get(user=user)
            assert (order.weekday, order.hour, order.cards, order.active) == (4, 17, ["csat"], True)
            assert order.due_at.astimezone(zone_of(user)).strftime("%w %H") == "5 17"
            client.post(reverse("metrics:report_stop"))
            order.refresh_from_db()
            assert (order.active, order.due_at) == (False, None)

    def test_what_cannot_be_ordered_is_told_at_its_field_and_changes_nothing(self, client, paying):
        client.force_login(paying.deniz)
        wrong = client.post(reverse("metrics:report"), {"weekday": 9, "hour": 8, "cards": ["mrr"]})
        assert wrong.status_code == 422
        assert set(wrong.context["form"].errors) == {"weekday", "cards"}
        assert not ReportOrder.objects.exists()

    def test_anonymous_readers_are_sent_to_the_login_and_a_get_sends_nothing(self, client, paying):
        for name in ("report", "report_preview"):
            assert "/login/" in client.get(reverse(f"metrics:{name}")).headers["Location"]
        client.force_login(paying.elif_)
        for name in ("report_send", "report_stop"):
            assert client.get(reverse(f"metrics:{name}")).status_code == 405
        assert not OutgoingMail.objects.exists()
        client.post(reverse("metrics:report_send"))
        assert OutgoingMail.objects.get().to_address == "elif@vefa.test"


@pytest.mark.django_db(transaction=True)
def test_it_leaves_over_smtp_in_the_readers_language_with_links_and_a_way_to_stop(paying, settings):
    User.objects.filter(pk=paying.elif_.pk).update(language="tr")
    paying.elif_.refresh_from_db()
    ordered(paying.elif_, cards=["mrr", "nps"])
    ordered(paying.ada)
    queue_due(now=NOW)
    OutgoingMail.objects.update(valid_until=None)
    with Sink() as sink:
        counts = dispatch(clock=lambda: NOW, session=sink.session(), kinds=[OutgoingMail.Kind.REPORT])
        assert counts == {"sent": 2}
        assert dispatch(clock=lambda: NOW, session=sink.session(), kinds=[OutgoingMail.Kind.REPORT]) == {}
    letters = dict(sink.kept)
    turkish = letters["elif@vefa.test"]
    text, html = (turkish.get_body([kind]).get_content() for kind in ("plain", "html"))
    # money as Turkish readers write it, in both parts
    assert "€150" in text.replace("150 €", "€150")
    assert "Boğaziçi Lojistik A.Ş." in text
    assert "Boğaziçi Lojistik A.Ş." in html
    assert f"{settings.PUBLIC_BASE_URL}/metrics/report/" in text
    assert f"{settings.PUBLIC_BASE_URL}/metrics/kpi/mrr/?start=2026-06-10&end=2026-06-17" in text.replace("\n", "")
    assert turkish["Auto-Submitted"] == "auto-generated"
    assert "Northgate" not in text + html
    assert "€230" in letters["ada@vefa.test"].get_body(["plain"]).get_content()


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_make_one_mail(paying):
    ordered(paying.elif_)
    ready = threading.Barrier(3)

    def sweep():
        try:
            ready.wait(10)
            queue_due(now=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert OutgoingMail.objects.filter(kind="report").count() == 1
