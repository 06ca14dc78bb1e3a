"""The queue: what is due soon and late, by account, narrowed; the list that draws itself again; how few queries it takes."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from tickets.actions import tickets
from tickets.models import BusinessHours, ServiceLevel, Ticket
from tickets.queries import Filters, queue

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def opened(cast, *, ago=0.0, **rest):
    now = timezone.now()
    return tickets.open_ticket(**{"account_id": cast.boga.pk, "subject": "Hata", "opened_at": now - ago * HOUR, "now": now, "severity": 2, **rest})[0]


def page(client, **query):
    return client.get(reverse("tickets:queue"), query).context["page"]


def shown(client, **query):
    return [row.ticket.pk for row in page(client, **query).rows]


class TestTabs:
    def test_due_soon_and_late_hold_no_ticket_both_and_count_what_they_hold(self, client, cast):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=4 * 3600)
        fresh, near, late = opened(cast, ago=1), opened(cast, ago=3.5), opened(cast, ago=5)
        tickets.move_ticket(ticket_id=opened(cast, ago=3.5).pk, to="solved", now=timezone.now())
        opened(cast, ago=3.5, account_id=cast.north.pk)
        client.force_login(cast.elif_)
        assert (shown(client, view="soon"), shown(client, view="late")) == ([near.pk], [late.pk])
        assert shown(client, view="open") == [late.pk, near.pk, fresh.pk]
        assert page(client, view="open").counts == {"mine": 0, "unassigned": 3, "soon": 1, "late": 1, "open": 3}
        states = [row.promise.state for row in page(client, view="open").rows]
        assert states == ["late", "soon", "on_time"]

    def test_soon_is_counted_in_the_hours_of_the_level(self, cast):
        for weekday in range(1, 6):
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(9), closes=dt.time(17), time_zone="Europe/Berlin")
        ServiceLevel.objects.create(severity=2, first_reply_seconds=4 * 3600, clock="business")
        # Friday 16:30 in Berlin, so due on Monday at 12:30; an hour is left at 11:30
        friday = dt.datetime(2026, 3, 6, 15, 30, tzinfo=dt.UTC)
        tickets.open_ticket(account_id=cast.boga.pk, severity=2, now=friday)
        for now, soon, state in (
            (dt.datetime(2026, 3, 9, 10, 29, tzinfo=dt.UTC), 0, "on_time"),
            (dt.datetime(2026, 3, 9, 10, 30, tzinfo=dt.UTC), 1, "soon"),
            (dt.datetime(2026, 3, 9, 11, 31, tzinfo=dt.UTC), 0, "late"),
        ):
            found = queue(user=cast.ada, filters=Filters(view="open"), now=now)
            assert (found.counts["soon"], [row.promise.state for row in found.rows]) == (soon, [state])

    @pytest.mark.parametrize(("view", "words"), [("soon", b"No times are promised yet"), ("late", b"No times are promised yet"), ("mine", b"You have no open ticket"), ("accounts", b"No ticket is open"), ("unassigned", b"Every open ticket has somebody"), ("all", b"No tickets")])  # fmt: skip
    def test_an_empty_tab_says_why(self, client, cast, view, words):
        client.force_login(cast.deniz)
        assert words in client.get(reverse("tickets:queue"), {"view": view}).content

    def test_promised_times_that_nobody_comes_near_are_told_apart(self, client, cast):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=3600)
        client.force_login(cast.deniz)
        assert b"Nothing is due soon" in client.get(reverse("tickets:queue"), {"view": "soon"}).content


class TestFilters:
    def test_channel_group_and_account_narrow_and_stand_in_the_address(self, client, cast):
        mail, phone = opened(cast, channel="email", group="Destek"), opened(cast, channel="phone", group="Fatura")
        other = opened(cast, account_id=cast.north.pk, channel="email", group="Destek")
        client.force_login(cast.deniz)
        assert set(shown(client, view="open", channel="email")) == {mail.pk, other.pk}
        assert shown(client, view="open", group="Fatura") == [phone.pk]
        assert shown(client, view="open", channel="email", account=cast.north.pk) == [other.pk]
        assert page(client, view="open").groups == ["Destek", "Fatura"]
        response = client.get(reverse("tickets:queue"), {"view": "open", "group": "Destek", "account": cast.north.pk})
        assert cast.north.name in response.content.decode()
        assert response.context["without_account"] == "view=open&group=Destek"
        assert len(shown(client, view="open", account="x", channel="fax")) == 3

    def test_an_account_out_of_sight_has_neither_tickets_nor_a_name(self, client, cast):
        opened(cast, account_id=cast.north.pk)
        client.force_login(cast.elif_)
        response = client.get(reverse("tickets:queue"), {"view": "open", "account": cast.north.pk})
        assert response.context["page"].rows == []
        assert "Northgate" not in response.content.decode()


class TestByAccount:
    def test_accounts_come_by_their_nearest_promise_with_what_is_open_and_late(self, client, cast):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=4 * 3600)
        first, _second = opened(cast, ago=2), opened(cast, ago=1)
        late = opened(cast, account_id=cast.north.pk, ago=6)
        opened(cast, account_id=cast.north.pk, ago=9, severity=1)
        tickets.move_ticket(ticket_id=opened(cast, ago=99).pk, to="solved", now=timezone.now())
        client.force_login(cast.deniz)
        rows = page(client, view="accounts").accounts
        assert [(row.account, row.tickets, row.late, row.promise.due_at) for row in rows] == [
            (cast.north, 2, 1, late.first_reply_due_at),
            (cast.boga, 2, 0, first.first_reply_due_at),
        ]
        assert [row.account for row in page(client, view="accounts", severity="1").accounts] == [cast.north]
        client.force_login(cast.elif_)
        assert [row.account for row in page(client, view="accounts").accounts] == [cast.boga]

    def test_pages_of_accounts_follow_each_other(self, client, cast):
        for number in range(60):
            account = Account.objects.create(external_id=f"a{number}", name=f"Account {number}")
            opened(cast, account_id=account.pk)
        client.force_login(cast.ada)
        first = client.get(reverse("tickets:queue"), {"view": "accounts"}).context
        second = client.get(f"{reverse('tickets:queue')}?{first['next_query']}").context
        seen = [row.account.pk for context in (first, second) for row in context["page"].accounts]
        assert (len(seen), len(set(seen)), second["next_query"]) == (60, 60, "")


class TestDrawing:
    def test_the_list_draws_itself_again_with_the_tabs_and_nothing_else(self, client, cast):
        ticket = opened(cast)
        client.force_login(cast.deniz)
        fragment = client.get(reverse("tickets:queue"), {"view": "open"}, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in fragment
        assert 'id="queue-tabs"' in fragment
        assert 'hx-swap-oob="true"' in fragment
        assert f'id="t-{ticket.pk}"' in fragment
        whole = client.get(reverse("tickets:queue"), {"view": "open"}).content.decode()
        assert "hx-swap-oob" not in whole

    def test_those_who_only_look_are_offered_nothing_to_press(self, client, cast):
        opened(cast)
        client.force_login(cast.vera)
        text = client.get(reverse("tickets:queue"), {"view": "open"}).content.decode()
        assert 'data-key="a"' not in text
        assert "data-new" not in text
        client.force_login(cast.deniz)
        assert 'data-key="a"' in client.get(reverse("tickets:queue"), {"view": "open"}).content.decode()

    def test_the_address_of_a_list_is_for_those_who_see_tickets(self, client, cast):
        for view in ("accounts", "soon"):
            client.logout()
            assert client.get(reverse("tickets:queue"), {"view": view}).status_code == 302
            client.force_login(cast.ana)
            assert client.get(reverse("tickets:queue"), {"view": view}).status_code == 404

    @pytest.mark.parametrize(("view", "most"), [("open", 9), ("soon", 9), ("accounts", 11)])
    def test_a_page_takes_as_many_queries_for_sixty_rows_as_for_one(self, client, cast, django_assert_max_num_queries, view, most):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=4 * 3600, clock="business")
        for weekday in range(1, 8):
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(0), closes=dt.time(0), time_zone="UTC")
        for _number in range(60):
            opened(cast, ago=3.5, contact_id=cast.selin.pk, assignee=cast.deniz)
        client.force_login(cast.deniz)
        with django_assert_max_num_queries(most):
            assert client.get(reverse("tickets:queue"), {"view": view}).status_code == 200
        assert Ticket.objects.count() == 60
