"""What the installation and each programme say, in the planner: priority, limits, holidays, caps, the end, and what was missed."""

import datetime as dt
from collections import Counter

import pytest
from django.db import connection

from accounts.models import Account, Contact, Installation
from surveys.actions import candidates
from surveys.actions.candidates import CATCH_UP_AT_LEAST
from surveys.actions.planning import plan
from surveys.actions.queueing import queue_due
from surveys.models import Invitation, Touchpoint
from surveys.queries import plan_lines
from tests.surveys.making import NOW, activate, happens, planned

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def ready(cast):
    """Shipped touchpoints active for long; the rhythm off, so that only events plan."""
    activate()
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)
    return cast


def change(key, **fields):
    Touchpoint.objects.filter(key=key).update(**fields)


def people(count, *, zone="UTC", **fields):
    """So many contacts, each of an account of its own."""
    accounts = Account.objects.bulk_create([Account(external_id=f"a{number}", name=f"A {number}", time_zone=zone, **fields) for number in range(count)])
    return Contact.objects.bulk_create([Contact(external_id=f"c{account.external_id}", account=account, email=f"{account.external_id}@x.test") for account in accounts])


def outcomes():
    return {(row.touchpoint.key, row.skip_reason or row.status) for row in Invitation.objects.select_related("touchpoint")}


def test_of_several_programmes_the_first_by_priority_has_the_person(ready):
    happens(ready.selin, "purchase.completed")
    happens(ready.selin, "trial.ended")
    change("trial-ended", priority=10)
    change("purchase-completed", priority=20)
    plan(as_of=NOW)
    assert outcomes() == {("trial-ended", "planned"), ("purchase-completed", "fatigue_contact")}


def test_what_just_happened_goes_before_a_rhythm_of_the_same_priority_and_after_one_that_goes_first(ready):
    rhythm = Touchpoint.objects.get(event_kind="")
    rhythm.activated_at, rhythm.every_days, rhythm.priority = NOW - 30 * DAY, 1, 50
    rhythm.save()
    change("purchase-completed", priority=50)
    happens(ready.selin, "purchase.completed")
    Contact.objects.exclude(pk=ready.selin.pk).update(opted_out=True)
    plan(as_of=NOW)
    assert set(Invitation.objects.filter(contact=ready.selin).values_list("touchpoint__key", "status")) == {("purchase-completed", "planned"), (rhythm.key, "skipped")}
    Invitation.objects.all().delete()
    change(rhythm.key, priority=1)
    plan(as_of=NOW)
    assert set(Invitation.objects.filter(contact=ready.selin).values_list("touchpoint__key", "status")) == {("purchase-completed", "skipped"), (rhythm.key, "planned")}


def test_the_limits_are_those_of_the_installation(ready):
    row = Installation.current()
    row.contact_gap_days, row.account_people, row.account_share = 10, 1, 0
    row.save()
    change("purchase-completed", cool_down_days=0)
    planned(ready.selin, at=NOW - 11 * DAY, status="sent", sent_at=NOW - 11 * DAY)
    other = Contact.objects.create(external_id="other", account=ready.boga, email="other@bogazici.test")
    happens(ready.selin)
    happens(other)
    plan(as_of=NOW)
    found = dict(Invitation.objects.filter(event__isnull=False).values_list("contact__external_id", "skip_reason"))
    assert found == {"selin": "", "other": "fatigue_account"}
    assert Invitation.objects.get(contact=other).decision["limit"] == {"people": 1, "days": 7}


def test_a_programmes_own_gap_looks_at_its_own_surveys_alone(ready):
    change("purchase-completed", gap_days=100, cool_down_days=0)
    planned(ready.selin, at=NOW - 60 * DAY, status="sent", sent_at=NOW - 60 * DAY, touchpoint="purchase-completed")
    planned(ready.harry, at=NOW - 60 * DAY, status="sent", sent_at=NOW - 60 * DAY, touchpoint="trial-ended")
    happens(ready.selin)
    happens(ready.harry)
    plan(as_of=NOW)
    assert dict(Invitation.objects.filter(event__isnull=False).values_list("contact__external_id", "skip_reason")) == {"selin": "fatigue_contact", "harry": ""}


def test_a_holiday_is_that_of_the_contacts_country_else_the_accounts(ready):
    holiday = dt.datetime(2026, 4, 23, 10, tzinfo=dt.UTC)
    Contact.objects.filter(pk=ready.harry.pk).update(country="TR")
    happens(ready.selin, at=holiday)
    happens(ready.harry, at=holiday)
    for key, respects in (("purchase-completed", True), ("trial-ended", False)):
        change(key, respects_holidays=respects, delay_minutes=0, cool_down_days=0)
    plan(as_of=holiday)
    # nine in Istanbul, nine in London
    found = dict(Invitation.objects.values_list("contact__external_id", "not_before"))
    assert found == {"selin": dt.datetime(2026, 4, 24, 6, tzinfo=dt.UTC), "harry": dt.datetime(2026, 4, 24, 8, tzinfo=dt.UTC)}
    Invitation.objects.all().delete()
    change("purchase-completed", respects_holidays=False)
    plan(as_of=holiday)
    assert set(Invitation.objects.values_list("not_before", flat=True)) == {holiday}


def test_an_ended_programme_refuses_what_it_had_planned_and_hears_nothing_new(ready):
    happens(ready.selin)
    waiting = planned(ready.harry, touchpoint="purchase-completed", at=NOW)
    change("purchase-completed", ended_at=NOW + dt.timedelta(minutes=1))
    happens(Contact.objects.create(external_id="late", account=ready.north, email="late@x.test"), at=NOW + dt.timedelta(minutes=2))
    plan(as_of=NOW + dt.timedelta(minutes=5))
    assert list(Invitation.objects.filter(event__isnull=False).values_list("contact__external_id", "skip_reason")) == [("selin", "ended")]
    queue_due(as_of=NOW + dt.timedelta(minutes=5), now=NOW)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.skip_reason) == ("skipped", "ended")


def test_a_daily_cap_spreads_the_rest_over_the_next_days_the_same_way_on_every_run(ready):
    change("purchase-completed", daily_cap=4, delay_minutes=0, valid_hours=24 * 20)
    for person in people(18):
        happens(person)
    named = sorted((line["contact"], line["due_at"]) for line in plan_lines(as_of=NOW))
    plan(as_of=NOW)
    by_day = Counter(at.date() for at in Invitation.objects.values_list("not_before", flat=True))
    # Tuesday to Friday, and the Monday after
    assert by_day == {dt.date(2026, 3, 3): 4, dt.date(2026, 3, 4): 4, dt.date(2026, 3, 5): 4, dt.date(2026, 3, 6): 4, dt.date(2026, 3, 9): 2}
    assert sorted((row.contact.external_id, row.not_before.isoformat()) for row in Invitation.objects.select_related("contact")) == named
    assert Invitation.objects.filter(not_before__gt=NOW).first().decision["waits_for"] == "daily_cap"
    # whoever was stored first has no better lot
    today = set(Invitation.objects.filter(not_before=NOW).values_list("contact__external_id", flat=True))
    assert today != {"ca0", "ca1", "ca2", "ca3"}
    # a later batch finds the days as full as they are
    for number, person in enumerate((ready.selin, ready.harry)):
        happens(person, at=NOW, key=f"later {number}")
    plan(as_of=NOW)
    assert max(Counter(at.date() for at in Invitation.objects.values_list("not_before", flat=True)).values()) == 4


def test_beyond_what_the_cap_lets_through_in_time_is_stale(ready):
    change("purchase-completed", daily_cap=1, delay_minutes=0, valid_hours=48)
    for person in people(6):
        happens(person)
    assert plan(as_of=NOW) == {"planned": 3, "skipped": 3}
    assert set(Invitation.objects.filter(status="skipped").values_list("skip_reason", flat=True)) == {"stale"}


def test_after_a_stop_the_cap_holds_for_what_leaves_too(ready):
    change("purchase-completed", daily_cap=3, delay_minutes=0, valid_hours=24 * 10)
    for person in people(6):
        happens(person)
    plan(as_of=NOW)
    Installation.objects.update_or_create(pk=1, defaults={"sending_enabled": False})
    later = NOW + 2 * DAY
    assert queue_due(as_of=later, now=later) == {}
    Installation.objects.update(sending_enabled=True)
    assert queue_due(as_of=later, now=later) == {"send": 3, "hold": 3}
    moved = set(Invitation.objects.filter(status="planned").values_list("not_before", flat=True))
    assert {at.date() for at in moved} == {dt.date(2026, 3, 6)}


def test_a_rhythm_that_was_missed_for_days_is_made_good_at_twice_its_rate(ready):
    everybody = people(700)
    rhythm = Touchpoint.objects.get(event_kind="")
    change(rhythm.key, activated_at=NOW - 100 * DAY, every_days=35, valid_hours=24 * 10)
    Contact.objects.filter(pk__in=[ready.selin.pk, ready.harry.pk]).update(opted_out=True)
    plan(as_of=NOW)
    rows = Invitation.objects.filter(touchpoint=rhythm, contact__in=everybody)
    # ten days of turns are still worth asking for; a day's own share is 700 / 35 in seven days of which five have a window
    assert 160 < rows.count() < 240
    by_day = Counter(at.date() for at in rows.filter(status="planned").values_list("not_before", flat=True))
    rate = -(-2 * 7 * Contact.objects.count() // (35 * 5))
    # today may be fuller by its own turns and those of yesterday, which go first
    assert max(count for day, count in by_day.items() if day != NOW.date()) <= rate
    assert by_day[NOW.date()] <= rate + 30
    assert len(by_day) > 2
    assert rate > CATCH_UP_AT_LEAST
    # nobody is put off beyond the time in which the turn is worth asking for
    assert all(row.not_before <= row.valid_until for row in rows.filter(status="planned"))
    assert plan(as_of=NOW) == {}


def test_an_hour_later_nothing_is_a_backlog(ready):
    people(300)
    rhythm = Touchpoint.objects.get(event_kind="")
    change(rhythm.key, activated_at=NOW - 100 * DAY, every_days=3, valid_hours=24)
    plan(as_of=NOW)
    assert set(Invitation.objects.filter(status="planned").values_list("not_before", flat=True)) == {NOW}


def test_a_turn_is_looked_up_by_its_contact_even_where_statistics_know_no_row_of_the_touchpoint(cast):
    programme = Touchpoint.objects.filter(event_kind="").first()
    # a wave of another touchpoint, so that an index by contact has something to choose from
    asked = Contact.objects.bulk_create(Contact(external_id=f"w{n}", account=cast.boga, email=f"w{n}@wave.test") for n in range(600))
    other = Touchpoint.objects.exclude(event_kind="").first()
    Invitation.objects.bulk_create(Invitation(account=cast.boga, contact=one, touchpoint=other, status="skipped", skip_reason="stale", decided_at=NOW, wave="1") for one in asked)
    values = {"every": 1, "salt": "rhythm", "today": 20_000, "phases": [0], "after_id": 0, "touchpoint": programme.pk, "limit": 10}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_contact, surveys_invitation")
        # row by row, as it is for many contacts; how few rows the tests have must not choose another way
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "material"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {candidates._ROUNDS}", values)
        conditions = [line for (line,) in cursor.fetchall() if "Index Cond" in line]
    assert any("contact_id" in line for line in conditions)
    assert not any("touchpoint_id" in line or "event_id" in line for line in conditions)
