"""Refusing surveys: looking changes nothing, a press holds at once, and the tokens of answers do not refuse."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AccountEvent, OutgoingMail, Suppression
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def customer():
    """A browser without cookies, with CSRF checked as in production."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def sent(cast, now):
    """An NPS invitation that Selin got an hour ago, and its token."""
    invitation = planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent", sent_at=now - dt.timedelta(hours=1))
    return invitation, link_to(invitation, now=now)


@pytest.fixture
def refusal(sent, cast, now):
    invitation, _token = sent
    OutgoingMail.objects.create(kind="survey", subject_type="invitation", subject_id=str(invitation.pk), to_address="selin@bogazici.test", status="sent", next_attempt_at=now)
    return link_to(invitation, kind="unsubscribe", now=now)


def test_looking_at_the_unsubscribe_page_changes_nothing(customer, refusal):
    before = everything()
    page = customer.get(f"/u/{refusal}")
    assert page.status_code == 200
    assert customer.head(f"/u/{refusal}").status_code == 200
    assert everything() == before
    assert page["Referrer-Policy"] == "no-referrer"


def test_one_click_unsubscribes_at_once_without_a_page(customer, refusal, cast, now):
    waiting = planned(cast.selin, at=now, wave="later", status="queued")
    OutgoingMail.objects.create(kind="survey", subject_type="invitation", subject_id=str(waiting.pk), to_address="selin@bogazici.test", next_attempt_at=now)
    answer = customer.post(f"/u/{refusal}", "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.content) == (200, b"")
    assert not answer.cookies
    cast.selin.refresh_from_db()
    waiting.refresh_from_db()
    assert cast.selin.opted_out
    assert (waiting.status, waiting.skip_reason) == ("skipped", "no_consent")
    assert OutgoingMail.objects.get(subject_id=str(waiting.pk)).status == "aborted"
    assert Suppression.objects.get().scope == "global"
    assert AccountEvent.objects.get(kind="contact.unsubscribed").payload == {"scope": "all", "survey": "nps"}
    customer.post(f"/u/{refusal}", {"List-Unsubscribe": "One-Click"})
    assert AccountEvent.objects.filter(kind="contact.unsubscribed").count() == 1


def test_refusing_one_survey_leaves_the_others(customer, refusal, cast, now):
    other = planned(cast.selin, at=now, wave="other")
    assert customer.post(f"/u/{refusal}", {"scope": "survey"}).status_code == 200
    cast.selin.refresh_from_db()
    other.refresh_from_db()
    assert (cast.selin.opted_out, other.status, Suppression.objects.get().scope) == (False, "planned", "survey:nps")


def test_the_tokens_of_answers_and_refusals_do_not_open_each_other(customer, sent, refusal):
    _invitation, token = sent
    assert customer.get(f"/u/{token}").status_code == 404
    assert customer.post(f"/u/{token}", {"scope": "all"}).status_code == 404
    assert customer.get(f"/s/{refusal}").status_code == 404
    assert Suppression.objects.count() == 0
