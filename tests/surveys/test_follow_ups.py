"""Who is called after an answer: not before a minute has passed, and not at all when the answer gets better."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AccountEvent, WorkItem
from surveys.actions.answers import confirm_response
from surveys.actions.follow_ups import ALERT_WAIT, follow_up_of, open_due_cases
from surveys.models import PendingFollowUp, Response
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import everything, press, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def customer():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def sent(cast, now):
    """An NPS invitation that Selin got an hour ago, and its token."""
    hour_ago = now - dt.timedelta(hours=1)
    invitation = planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent", sent_at=hour_ago)
    return invitation, link_to(invitation, now=hour_ago)


def in_a_minute():
    return timezone.now() + ALERT_WAIT


def test_an_unhappy_answer_opens_exactly_one_work_item_for_the_owner_after_a_minute(customer, cast, now):
    hour_ago = now - dt.timedelta(hours=1)
    token = link_to(planned(cast.selin, at=now, status="sent", sent_at=hour_ago, ticket_id=4760, rated_object="4760"), now=hour_ago)
    press(customer, token, 2)
    assert open_due_cases(now=timezone.now() + dt.timedelta(seconds=58)) == 0
    assert WorkItem.objects.count() == 0
    press(customer, token, 1)
    tell(customer, token, comment="hâlâ açık", call_me="1")
    assert open_due_cases(now=in_a_minute()) == 1
    item = WorkItem.objects.get()
    response = Response.objects.get()
    assert (item.type, item.owner, item.contact, item.source, item.status, item.priority) == ("close_loop", cast.elif_, cast.selin, "survey", "open", 1)
    assert (item.reason, item.subject_id) == (f"survey:{response.pk}", str(response.pk))
    assert item.why == {"key": "call_me", "values": {"score": 1, "scale_max": 5}}
    assert item.event == AccountEvent.objects.filter(kind="survey.answered").latest("id")
    before = everything()
    assert open_due_cases(now=in_a_minute()) == 0
    assert everything() == before


def test_a_changed_score_waits_anew(customer, sent, time_machine, now):
    _invitation, token = sent
    press(customer, token, 3)
    first = PendingFollowUp.objects.get().due_at
    time_machine.move_to(now + dt.timedelta(seconds=50))
    press(customer, token, 4)
    second = PendingFollowUp.objects.get().due_at
    assert second - first > dt.timedelta(seconds=45)
    time_machine.move_to(now + dt.timedelta(seconds=55))
    tell(customer, token, comment="why")
    assert PendingFollowUp.objects.get().due_at == second, "words do not make it wait longer"


def test_a_slip_of_the_finger_that_is_corrected_tells_nobody(customer, sent):
    _invitation, token = sent
    press(customer, token, 0)
    press(customer, token, 10)
    assert PendingFollowUp.objects.count() == 0
    assert open_due_cases(now=in_a_minute()) == 0
    assert WorkItem.objects.count() == 0


def test_changing_to_a_better_answer_later_drops_the_work(customer, sent):
    _invitation, token = sent
    press(customer, token, 3)
    open_due_cases(now=in_a_minute())
    press(customer, token, 9)
    assert (WorkItem.objects.get().status, Response.objects.get().score) == ("dropped", 9)


def test_a_happy_customer_who_wants_to_talk_is_called(customer, sent, cast):
    _invitation, token = sent
    press(customer, token, 10)
    assert PendingFollowUp.objects.count() == 0
    tell(customer, token, call_me="1")
    assert open_due_cases(now=in_a_minute()) == 1
    assert (WorkItem.objects.get().why["key"], WorkItem.objects.get().owner) == ("call_me", cast.elif_)


def test_what_a_person_confirms_needs_no_wait(customer, sent, cast):
    _invitation, token = sent
    press(customer, token, 2, website="x")
    assert PendingFollowUp.objects.count() == 0
    confirm_response(response=Response.objects.get(), actor=cast.elif_, now=timezone.now())
    assert (WorkItem.objects.count(), PendingFollowUp.objects.count()) == (1, 0)


@pytest.mark.parametrize("fields", [{"is_suspect": True}, {"respondent": "other"}, {"test": True}, {"score": 9}])
def test_what_does_not_count_asks_for_no_follow_up(customer, sent, now, fields):
    _invitation, token = sent
    press(customer, token, 2)
    assert follow_up_of(Response.objects.get(), now=now) is not None
    Response.objects.update(**fields)
    assert follow_up_of(Response.objects.get(), now=now) is None
    assert open_due_cases(now=in_a_minute()) == 0
    assert (WorkItem.objects.count(), PendingFollowUp.objects.count()) == (0, 0)


def test_every_answer_of_a_long_outage_is_followed_up(customer, cast, now):
    hour_ago = now - dt.timedelta(hours=1)
    for number in range(3):
        press(customer, link_to(planned(cast.selin, at=now, status="sent", sent_at=hour_ago, wave=str(number), touchpoint=None), now=hour_ago), 1)
    assert open_due_cases(now=now + dt.timedelta(days=9)) == 3
    assert WorkItem.objects.count() == 3
