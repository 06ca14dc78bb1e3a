"""What waits for a person: a rush, bad first mails, bounces and complaints; and how it goes on."""

import datetime as dt

import pytest

from accounts.models import Account, Contact, Installation, OutgoingMail
from surveys.actions.dispatch import queue_due, send_queued
from surveys.actions.holds import NotHeld, held_waiting, release_hold
from surveys.models import Invitation, SendingHold, Touchpoint
from tests.surveys.making import NOW, Sink, activate, planned

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def people(cast):
    """Makes contacts, each of an account of its own, in few statements."""
    Installation.objects.update_or_create(pk=1, defaults={"rate_per_second": 5000})

    def make(count, tag="p"):
        accounts = Account.objects.bulk_create([Account(external_id=f"{tag}{number}", name=f"{tag} {number}") for number in range(count)])
        return Contact.objects.bulk_create([Contact(external_id=f"{tag}{number}", account=account, email=f"{tag}{number}@x.test") for number, account in enumerate(accounts)])

    return make


def ask(contacts, *, at=NOW, touchpoint="ticket-solved", **fields):
    """Planned invitations, copied from a first one."""
    first = planned(contacts[0], at=at, touchpoint=touchpoint, **fields)
    rest = [
        Invitation(**{field.attname: getattr(first, field.attname) for field in Invitation._meta.fields if field.attname not in {"id", "account_id", "contact_id"}},
                   account_id=contact.account_id, contact=contact)
        for contact in contacts[1:]
    ]  # fmt: skip
    return [first, *Invitation.objects.bulk_create(rest)]


def past(contacts, *, at, bounced=0, complained=0, touchpoint="ticket-solved"):
    """Surveys that were sent, some of which came back."""
    rows = ask(contacts, at=at, touchpoint=touchpoint, status="sent", sent_at=at, wave="past")
    Invitation.objects.filter(pk__in=[row.pk for row in rows[:bounced]]).update(bounced_at=at)
    Invitation.objects.filter(pk__in=[row.pk for row in rows[-complained:] if complained]).update(complained_at=at)


def send(sink, *, as_of=NOW):
    with sink.session() as session:
        return send_queued(as_of=as_of, now=as_of, worker="w", session=session)


def holds():
    return set(SendingHold.objects.filter(released_at=None).values_list("touchpoint__key", "domain", "reason"))


# ── many at once ────────────────────────────────────────────────────────────


def test_more_than_the_number_at_once_waits_for_a_person_and_then_goes(cast, people):
    activate()
    Installation.objects.update(many_at_once=60)
    ask(people(61))
    direct = planned(cast.selin, survey="nps", touchpoint=None, wave="request:1", valid_until=NOW + dt.timedelta(hours=72))
    assert queue_due(as_of=NOW, now=NOW) == {"send": 1}
    direct.refresh_from_db()
    assert direct.status == "queued"
    hold = SendingHold.objects.get()
    assert (hold.reason, hold.touchpoint.key, int(hold.value), int(hold.limit)) == ("many_due", "ticket-solved", 61, 60)
    assert Invitation.objects.filter(status="planned").count() == 61
    assert held_waiting([hold], now=NOW) == {hold.pk: 61}
    # looking again makes no second hold
    assert queue_due(as_of=NOW, now=NOW) == {}
    assert SendingHold.objects.count() == 1
    release_hold(hold_id=hold.pk, actor=cast.ada, now=NOW + MINUTE)
    with pytest.raises(NotHeld):
        release_hold(hold_id=hold.pk, actor=cast.ada, now=NOW + MINUTE)
    assert queue_due(as_of=NOW + 2 * MINUTE, now=NOW + 2 * MINUTE) == {"send": 61}
    hold.refresh_from_db()
    assert (hold.released_by, hold.released_at) == (cast.ada, NOW + MINUTE)


def test_what_was_let_go_and_then_waits_for_the_morning_is_not_held_again(cast, people):
    activate()
    Installation.objects.update(many_at_once=60)
    ask(people(61))
    queue_due(as_of=NOW, now=NOW)
    night = NOW.replace(hour=20)
    release_hold(hold_id=SendingHold.objects.get().pk, actor=cast.mert, now=night)
    assert queue_due(as_of=night, now=night) == {"hold": 61}
    assert queue_due(as_of=NOW + dt.timedelta(days=1), now=NOW + dt.timedelta(days=1)) == {"send": 61}


def test_exactly_the_number_goes(cast, people):
    activate()
    Installation.objects.update(many_at_once=60)
    ask(people(60))
    assert queue_due(as_of=NOW, now=NOW) == {"send": 60}
    assert holds() == set()


def test_three_times_the_daily_mean_is_unusual_from_fifty_on(cast, people):
    activate()
    # 20 a day over four weeks: 60 at once are usual, 61 are not
    past(people(560, "old"), at=NOW - dt.timedelta(days=20))
    ask(people(61))
    assert queue_due(as_of=NOW, now=NOW) == {}
    assert holds() == {("ticket-solved", "", "many_due")}
    SendingHold.objects.all().delete()
    Invitation.objects.filter(status="planned").first().delete()
    assert queue_due(as_of=NOW, now=NOW) == {"send": 60}


def test_a_small_daily_mean_makes_nothing_unusual(cast, people):
    activate()
    past(people(56, "old"), at=NOW - dt.timedelta(days=20))
    ask(people(80))
    assert queue_due(as_of=NOW, now=NOW) == {"send": 80}


# ── breaker ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sent", "bounced", "complained", "reason"),
    [(100, 5, 0, "bounces"), (100, 4, 0, ""), (99, 50, 9, ""), (100, 0, 1, "complaints"), (1000, 49, 0, ""), (1000, 0, 1, "complaints")],
)
def test_bounces_and_complaints_of_a_day_stop_the_touchpoint_and_the_sender(cast, people, sent, bounced, complained, reason):
    activate()
    past(people(sent, "old"), at=NOW - dt.timedelta(hours=5), bounced=bounced, complained=complained)
    planned(cast.selin)
    asked_for = planned(cast.harry, survey="nps", touchpoint="relationship-nps", wave="request:1")
    made = queue_due(as_of=NOW, now=NOW)
    if reason:
        assert made == {}
        assert holds() == {("ticket-solved", "", reason), (None, "localhost.localdomain", reason)}
        asked_for.refresh_from_db()
        assert asked_for.status == "planned"
    else:
        assert (made, holds()) == ({"send": 2}, set())


def test_what_is_older_than_a_day_stops_nothing(cast, people):
    activate()
    past(people(100, "old"), at=NOW - dt.timedelta(hours=25), bounced=50)
    planned(cast.selin)
    assert queue_due(as_of=NOW, now=NOW) == {"send": 1}


def test_refusals_in_the_very_conversation_count_as_bounces(cast, people):
    activate()
    past(people(95, "old"), at=NOW - MINUTE)
    rows = ask(people(5, "gone"), wave="failed")
    Invitation.objects.filter(pk__in=[row.pk for row in rows]).update(status="failed", bounced_at=NOW - MINUTE)
    planned(cast.selin)
    assert queue_due(as_of=NOW, now=NOW) == {}
    assert ("ticket-solved", "", "bounces") in holds()


def test_after_a_release_only_what_left_since_counts(cast, people):
    activate()
    past(people(100, "old"), at=NOW - dt.timedelta(hours=5), bounced=10)
    planned(cast.selin)
    queue_due(as_of=NOW, now=NOW)
    for hold in SendingHold.objects.all():
        release_hold(hold_id=hold.pk, actor=cast.ada, now=NOW + MINUTE)
    assert queue_due(as_of=NOW + 2 * MINUTE, now=NOW + 2 * MINUTE) == {"send": 1}
    past(people(100, "new"), at=NOW + 3 * MINUTE, bounced=7)
    planned(cast.harry)
    assert queue_due(as_of=NOW + 4 * MINUTE, now=NOW + 4 * MINUTE) == {}
    assert SendingHold.objects.filter(released_at=None).count() == 2


def test_a_hold_stops_what_waits_in_the_outbox_too(cast, people):
    activate()
    planned(cast.selin)
    queue_due(as_of=NOW, now=NOW)
    touchpoint = Touchpoint.objects.get(key="ticket-solved")
    hold = SendingHold.objects.create(touchpoint=touchpoint, reason="bounces", held_at=NOW)
    with Sink() as sink:
        assert send(sink) == {"hold": 1}
        assert sink.kept == []
        assert (OutgoingMail.objects.get().status, OutgoingMail.objects.get().reason) == ("queued", "held")
        release_hold(hold_id=hold.pk, actor=cast.ada, now=NOW)
        assert send(sink) == {"sent": 1}


# ── first mails ─────────────────────────────────────────────────────────────


@pytest.fixture
def new_programme(cast, people):
    activate(canary_passed_at=None)
    return ask(people(70))


def test_fifty_mails_go_first_and_the_rest_ten_minutes_after_the_last_of_them(cast, new_programme):
    assert queue_due(as_of=NOW, now=NOW) == {"send": 50}
    assert queue_due(as_of=NOW, now=NOW) == {}
    with Sink() as sink:
        assert send(sink) == {"sent": 50}
        last = Invitation.objects.filter(status="sent").order_by("-sent_at").first().sent_at
        assert queue_due(as_of=NOW + MINUTE, now=NOW + MINUTE) == {}
        touchpoint = Touchpoint.objects.get(key="ticket-solved")
        assert touchpoint.canary_until == last + 10 * MINUTE
        early, late = touchpoint.canary_until - dt.timedelta(seconds=1), touchpoint.canary_until
        assert queue_due(as_of=early, now=early) == {}
        assert queue_due(as_of=late, now=late) == {"send": 20}
    touchpoint.refresh_from_db()
    assert touchpoint.canary_passed_at == late
    assert holds() == set()


def test_first_mails_that_bounce_hold_the_rest_until_a_person_lets_it_go(cast, new_programme):
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        send(sink)
    Invitation.objects.filter(pk__in=Invitation.objects.filter(status="sent").values("pk")[:3]).update(bounced_at=NOW + MINUTE)
    queue_due(as_of=NOW + MINUTE, now=NOW + MINUTE)
    later = NOW + 20 * MINUTE
    assert queue_due(as_of=later, now=later) == {}
    hold = SendingHold.objects.get()
    assert (hold.reason, float(hold.value), float(hold.limit)) == ("canary", 0.06, 0.05)
    release_hold(hold_id=hold.pk, actor=cast.ada, now=later)
    assert queue_due(as_of=later, now=later) == {"send": 20}


def test_two_bounces_of_fifty_are_few_enough(cast, new_programme):
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        send(sink)
    Invitation.objects.filter(pk__in=Invitation.objects.filter(status="sent").values("pk")[:2]).update(bounced_at=NOW + MINUTE)
    queue_due(as_of=NOW + MINUTE, now=NOW + MINUTE)
    assert queue_due(as_of=NOW + 20 * MINUTE, now=NOW + 20 * MINUTE) == {"send": 20}


def test_a_touchpoint_with_few_mails_is_never_paused(cast, people):
    activate(canary_passed_at=None)
    ask(people(50))
    assert queue_due(as_of=NOW, now=NOW) == {"send": 50}
    assert Touchpoint.objects.filter(canary_passed_at__isnull=False).count() == 0


def test_what_somebody_asked_for_does_not_wait_for_first_mails(cast, new_programme):
    queue_due(as_of=NOW, now=NOW)
    planned(cast.selin, wave="request:9")
    assert queue_due(as_of=NOW, now=NOW) == {"send": 1}


def test_places_for_first_mails_are_not_lost_to_people_who_may_not_be_asked(cast, new_programme):
    Contact.objects.filter(pk__in=[row.contact_id for row in Invitation.objects.order_by("not_before", "id")[:15]]).update(opted_out=True)
    made = queue_due(as_of=NOW, now=NOW)
    made += queue_due(as_of=NOW, now=NOW)
    assert made == {"skip": 15, "send": 50}
