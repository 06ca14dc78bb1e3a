"""Nobody answers about the own work: users are not asked, and what they press is kept and left out."""

import datetime as dt

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountEvent, Contact, OutgoingMail
from surveys.actions.dispatch import queue_due
from surveys.actions.planning import plan
from surveys.actions.reminders import queue_reminders
from surveys.models import Invitation, PendingFollowUp, Response, Touchpoint
from tests.surveys.making import NOW, activate, happens, link_to, planned, solved
from tests.surveys.pressing import everything, press, tell

pytestmark = pytest.mark.django_db
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def ready():
    activate()
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)


def decisions():
    return list(Invitation.objects.order_by("event__occurred_at", "pk").values_list("event__payload__resolution", "status", "skip_reason"))


def test_a_contact_with_the_address_of_a_user_is_not_asked_and_the_rule_is_named(cast):
    ready()
    Contact.objects.filter(pk=cast.selin.pk).update(email=cast.deniz.email)
    solved(cast.selin)
    plan(as_of=NOW)
    row = Invitation.objects.get()
    assert (row.status, row.skip_reason, row.decision["rule"]) == ("skipped", "staff", "staff")


def test_an_address_that_became_a_users_meanwhile_stops_the_survey_before_it_leaves(cast):
    ready()
    solved(cast.selin)
    assert plan(as_of=NOW) == {"planned": 1}
    Contact.objects.filter(pk=cast.selin.pk).update(email=cast.deniz.email)
    assert queue_due(as_of=NOW + DAY, now=NOW + DAY) == {"skip": 1}
    assert Invitation.objects.get().skip_reason == "staff"


def test_a_ticket_without_a_contact_is_asked_of_nobody(cast):
    ready()
    happens(None, "ticket.solved", account=cast.boga, ticket=7, resolution=1, person_replied=True)
    plan(as_of=NOW)
    assert decisions() == [(1, "skipped", "no_contact")]


def test_a_ticket_solved_twice_is_asked_about_for_the_latest_resolution_only(cast):
    ready()
    solved(cast.selin)
    assert plan(as_of=NOW) == {"planned": 1}
    happens(cast.selin, "ticket.reopened", at=NOW + HOUR, ticket=4760, resolution=1)
    happens(cast.selin, "ticket.solved", at=NOW + 2 * HOUR, ticket=4760, resolution=2, person_replied=True)
    later = NOW + 3 * HOUR
    assert plan(as_of=later) == {"planned": 1}
    assert decisions() == [(1, "skipped", "reopened"), (2, "planned", "")]
    assert Invitation.objects.get(status="skipped").decision["rule"] == "reopened"
    assert plan(as_of=later) == {}
    assert queue_due(as_of=NOW + DAY + HOUR, now=later) == {}
    assert queue_due(as_of=NOW + DAY + 2 * HOUR, now=later) == {"send": 1}


def test_a_later_resolution_is_asked_about_again_only_within_the_limits(cast):
    ready()
    first = solved(cast.selin)
    plan(as_of=NOW)
    Invitation.objects.filter(event=first).update(status="sent", sent_at=NOW + DAY)
    for days, resolution in ((5, 2), (60, 3)):
        at = NOW + days * DAY
        happens(cast.selin, "ticket.reopened", at=at - HOUR, ticket=4760, resolution=resolution - 1)
        happens(cast.selin, "ticket.solved", at=at, ticket=4760, resolution=resolution, person_replied=True)
        plan(as_of=at)
    # what was sent stays sent; the same resolution told a second time is no second question
    assert decisions() == [(1, "sent", ""), (2, "skipped", "fatigue_contact"), (3, "planned", "")]
    happens(cast.selin, "ticket.solved", at=NOW + 60 * DAY + HOUR, ticket=4760, resolution=1, person_replied=True)
    plan(as_of=NOW + 60 * DAY + HOUR)
    assert decisions()[-1] == (1, "skipped", "duplicate")


def test_nobody_is_reminded_of_a_ticket_that_was_opened_again(cast):
    ready()
    Touchpoint.objects.update(reminder_after_days=4)
    planned(cast.selin, wave="", event=solved(cast.selin), status="sent", sent_at=NOW + DAY)
    happens(cast.selin, "ticket.reopened", at=NOW + 2 * DAY, ticket=4760)
    assert queue_reminders(as_of=NOW + 6 * DAY, now=NOW + 6 * DAY) == {"skip": 1}
    mail = OutgoingMail.objects.get(kind="reminder")
    assert (mail.status, mail.reason) == ("aborted", "reopened")


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def sent(cast, now):
    """A survey about Deniz's ticket, an hour after it left, and its token."""
    invitation = planned(cast.selin, at=now, status="sent", sent_at=now - HOUR, ticket_id=4760, rated_object="4760", agent_id=cast.deniz.pk)
    return link_to(invitation, now=now - HOUR)


def nothing_came_of_it():
    assert Response.objects.counted().count() == 0
    assert (PendingFollowUp.objects.count(), AccountEvent.objects.filter(kind="survey.answered").count()) == (0, 0)
    assert Invitation.objects.get().status == "sent"


@pytest.mark.parametrize(("who", "flag"), [("deniz", "own_ticket"), ("vera", "by_staff")])
def test_whoever_is_signed_in_here_answers_and_is_left_out(cast, sent, who, flag):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(getattr(cast, who))
    assert press(browser, sent, 5).status_code == 303
    row = Response.objects.get()
    assert (row.score, row.is_suspect, row.automation_flags, row.revisions.count()) == (5, True, [flag], 1)
    nothing_came_of_it()
    before = everything()
    for page in ("done?lang=en", "done?sent=1&lang=en"):
        assert "this answer is kept and not counted" in browser.get(f"/s/{sent}/{page}").content.decode()
        assert "not counted" not in Client().get(f"/s/{sent}/{page}").content.decode()
    assert everything() == before
    # more words from another browser do not make it good; a press of the customer's own does
    tell(Client(), sent, comment="Excellent agent.")
    nothing_came_of_it()
    press(Client(), sent, 2)
    assert Response.objects.counted().get().score == 2


def test_a_contact_with_a_users_address_answers_and_is_left_out(cast, sent):
    Contact.objects.filter(pk=cast.selin.pk).update(email=cast.deniz.email)
    press(Client(), sent, 5)
    assert Response.objects.get().automation_flags == ["own_ticket"]
    nothing_came_of_it()


def test_a_session_from_before_a_new_password_is_no_sign_and_stays_untouched(cast, sent):
    browser = Client()
    browser.force_login(cast.deniz)
    cast.deniz.set_password("another horse battery")
    cast.deniz.save()
    press(browser, sent, 4)
    assert Response.objects.counted().get().score == 4
    assert Session.objects.count() == 1


def test_a_cookie_of_nobody_is_no_sign(sent, settings):
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    press(browser, sent, 4)
    assert Response.objects.counted().get().score == 4


def test_nobody_confirms_an_answer_about_the_own_work(cast, sent):
    Invitation.objects.update(agent_id=cast.elif_.pk)
    browser = Client()
    browser.force_login(cast.elif_)
    press(browser, sent, 5)
    row = Response.objects.get()
    browser.post(reverse("surveys:confirm", args=[row.pk]))
    nothing_came_of_it()
    browser.force_login(cast.ada)
    browser.post(reverse("surveys:confirm", args=[row.pk]))
    assert Response.objects.counted().get().score == 5
