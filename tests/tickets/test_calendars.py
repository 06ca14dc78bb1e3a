"""Hours, holidays and levels as they are entered: what makes no sense is refused with a reason, a change restarts the clocks."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from tickets.actions.tickets import open_ticket
from tickets.clock import Interval, overlap
from tickets.models import BusinessHours, Holiday, ServiceLevel, Ticket

NOW = dt.datetime(2026, 3, 6, 15, 30, tzinfo=dt.UTC)


def interval(weekday, opens, closes, zone="UTC"):
    return Interval(weekday, dt.time(opens), dt.time(closes), zone)


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (interval(1, 9, 12), interval(1, 13, 17), False), (interval(1, 9, 13), interval(1, 12, 17), True), (interval(1, 9, 12), interval(1, 12, 17), False),
        (interval(1, 22, 6), interval(2, 5, 9), True), (interval(7, 22, 6), interval(1, 5, 9), True), (interval(7, 22, 5), interval(1, 5, 9), False),
        (interval(3, 0, 0), interval(3, 9, 10), True), (interval(3, 0, 0), interval(4, 0, 0), False), (interval(1, 9, 13), interval(1, 12, 17, "Europe/Berlin"), False),
    ],
)  # fmt: skip
def test_intervals_overlap_where_they_share_time_of_the_week(first, second, shared):
    assert overlap(first, second) is shared
    assert overlap(second, first) is shared


@pytest.fixture
def admin(client, cast):
    client.force_login(cast.ada)
    ticket = open_ticket(account_id=cast.boga.pk, severity=2, now=NOW)[0]
    assert ticket.clocks_set_at is not None
    return client


def add(client, model, **data):
    return client.post(reverse(f"admin:tickets_{model}_add"), data)


def restarted():
    return Ticket.objects.get().clocks_set_at is None


@pytest.mark.django_db
class TestAdmin:
    def test_a_break_at_noon_is_entered_as_two_intervals(self, admin):
        for opens, closes in (("09:00", "12:00"), ("13:00", "17:00")):
            assert add(admin, "businesshours", weekday="1", opens=opens, closes=closes, time_zone="").status_code == 302
        assert BusinessHours.objects.count() == 2
        assert restarted()
        assert b"Monday" in admin.get(reverse("admin:tickets_businesshours_changelist")).content

    def test_an_overlap_is_refused_and_names_the_other(self, admin):
        BusinessHours.objects.create(weekday=1, opens=dt.time(9), closes=dt.time(13))
        response = add(admin, "businesshours", weekday="1", opens="12:00", closes="17:00", time_zone="")
        assert response.status_code == 200
        assert b"This overlaps with Monday, 09:00 to 13:00." in response.content
        assert (BusinessHours.objects.count(), restarted()) == (1, False)
        # hours of another beginning replace these, they do not stand beside them
        assert add(admin, "businesshours", weekday="1", opens="12:00", closes="17:00", time_zone="", valid_from="2026-06-01").status_code == 302

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({}, b"Promise at least one of the two times"),
            ({"first_reply_seconds": "7200", "resolution_seconds": "3600"}, b"cannot be promised for later than the resolution"),
            ({"first_reply_seconds": "5"}, b"greater than or equal to 60"),
        ],
    )
    def test_a_level_that_cannot_be_kept_is_refused(self, admin, data, words):
        response = add(admin, "servicelevel", severity="2", segment="", clock="business", **data)
        assert words in response.content
        assert (ServiceLevel.objects.count(), restarted()) == (0, False)

    def test_a_level_is_entered_and_read_in_words(self, admin):
        assert add(admin, "servicelevel", severity="2", segment="", clock="business", first_reply_seconds="5400").status_code == 302
        assert restarted()
        assert "1 hr 30 min" in admin.get(reverse("admin:tickets_servicelevel_changelist")).content.decode()


@pytest.mark.django_db
class TestHolidays:
    def test_the_days_of_a_country_are_entered_once_and_restart_the_clocks(self, cast):
        open_ticket(account_id=cast.boga.pk, severity=2, now=NOW)
        Holiday.objects.create(day=dt.date(2026, 10, 29), name="Cumhuriyet")
        said = StringIO()
        call_command("add-holidays", "tr", "2026", stdout=said)
        days = dict(Holiday.objects.values_list("day", "name"))
        # New Year, National Sovereignty, Labour, Youth, Democracy, Victory; the Republic keeps the name it was given
        fixed = {dt.date(2026, month, day) for month, day in ((1, 1), (4, 23), (5, 1), (5, 19), (7, 15), (8, 30))}
        assert fixed <= set(days)
        assert days[dt.date(2026, 10, 29)] == "Cumhuriyet"
        assert "2026-04-23" in said.getvalue()
        assert restarted()
        count = Holiday.objects.count()
        Ticket.objects.update(clocks_set_at=NOW)
        call_command("add-holidays", "TR", "2026", stdout=said)
        assert said.getvalue().endswith("0 new days.\n")
        assert (Holiday.objects.count(), restarted()) == (count, False)

    @pytest.mark.parametrize("words", [("XX", "2026"), ("DE", "2026", "--part", "ZZ"), ("TR", "26")])
    def test_what_is_not_known_is_refused(self, words):
        with pytest.raises(CommandError):
            call_command("add-holidays", *words)
        assert not Holiday.objects.exists()
