"""Reminders: one a survey, with a token of its own, at most once whatever dies; and the end of what nobody answered."""

import datetime as dt
import re

import pytest

from accounts.actions.suppressions import suppress
from accounts.models import AccountEvent, Contact, OutgoingMail
from surveys.actions.closing import close_expired, follow_mails, revoke_moved
from surveys.actions.dispatch import expire, queue_due, send_queued
from surveys.actions.reminders import queue_reminders
from surveys.actions.unknowns import drop_unknown, resend_unknown
from surveys.models import Invitation, Response, SurveyLink, Touchpoint
from surveys.tokens import token_digest
from tests.surveys.making import NOW, Sink, activate, link_to, planned

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.timedelta(days=1)
# four days after a Tuesday morning is a Saturday; the Monday after it is decent
MONDAY = NOW + 6 * DAY


@pytest.fixture
def asked(cast):
    """A survey that left on Tuesday and is not answered; its touchpoint reminds after four days."""
    activate(reminder_after_days=4)
    cast.invitation = planned(cast.selin)
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        send(sink, as_of=NOW)
        cast.first = token_in(sink)
    return cast


def send(sink, *, as_of):
    with sink.session() as session:
        return send_queued(as_of=as_of, now=as_of, worker="w", session=session)


def token_in(sink):
    return re.search(r"http\S+/s/([\w-]+)", sink.kept[-1][1].get_body(("plain",)).get_content())[1]


def reminders():
    return OutgoingMail.objects.filter(kind="reminder")


def test_one_reminder_leaves_after_its_days_with_a_token_of_its_own(asked):
    early = NOW + 3 * DAY
    assert queue_reminders(as_of=early, now=early) == {}
    assert queue_reminders(as_of=MONDAY, now=MONDAY) == {"send": 1}
    assert queue_reminders(as_of=MONDAY, now=MONDAY) == {}
    with Sink() as sink:
        assert send(sink, as_of=MONDAY) == {"sent": 1}
        second = token_in(sink)
    asked.invitation.refresh_from_db()
    assert (asked.invitation.status, asked.invitation.sent_at < NOW + DAY, asked.invitation.reminded_at >= MONDAY) == ("sent", True, True)
    assert second != asked.first
    kinds = dict(SurveyLink.objects.filter(token_hash__in=[token_digest(asked.first), token_digest(second)]).values_list("kind", "revoked_at"))
    assert kinds == {"invite": None, "reminder": None}
    event = AccountEvent.objects.get(kind="survey.reminded")
    assert event.payload == {"invitation": str(asked.invitation.pk), "survey": "csat", "survey_kind": "csat", "touchpoint": "ticket-solved"}
    for later in (MONDAY + DAY, MONDAY + 5 * DAY):
        assert queue_reminders(as_of=later, now=later) == {}
    assert reminders().count() == 1


def test_a_weekend_is_no_time_to_remind(asked):
    saturday = NOW + 4 * DAY + dt.timedelta(hours=1)
    assert queue_reminders(as_of=saturday, now=saturday) == {"hold": 1}
    assert reminders().get().next_attempt_at == dt.datetime(2026, 3, 9, 6, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "change",
    [
        lambda cast: Response.objects.create(
            survey=cast.invitation.survey_version.survey, kind="csat", invitation=cast.invitation, account=cast.boga, contact=cast.selin,
            score=1, scale_min=1, scale_max=5, answered_at=NOW + DAY, is_suspect=True,
        ),
        lambda cast: Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True),
        lambda cast: suppress(address=cast.selin.email, reason="unsubscribe"),
        lambda cast: Invitation.objects.filter(pk=cast.invitation.pk).update(bounced_at=NOW + DAY),
        lambda cast: Touchpoint.objects.update(paused_at=NOW),
        lambda cast: Invitation.objects.filter(pk=cast.invitation.pk).update(status="answered", answered_at=NOW + DAY),
    ],
    ids=["suspect answer", "opted out", "suppressed", "bounced", "paused", "answered"],
)  # fmt: skip
@pytest.mark.parametrize("moment", ["before", "queued"])
def test_nobody_is_reminded_who_must_not_be(asked, change, moment):
    if moment == "before":
        change(asked)
    queue_reminders(as_of=MONDAY, now=MONDAY)
    if moment == "queued":
        change(asked)
    with Sink() as sink:
        send(sink, as_of=MONDAY)
        assert sink.kept == []
    asked.invitation.refresh_from_db()
    assert asked.invitation.reminded_at is None
    assert SurveyLink.objects.filter(kind="reminder").count() == 0
    assert not reminders().filter(status__in=["queued", "sent"]).exists()


def test_one_person_gets_one_reminder_in_the_gap_over_all_surveys(asked):
    other = planned(asked.selin, survey="nps", touchpoint="relationship-nps", wave="2", status="sent", sent_at=NOW)
    link_to(other, now=NOW, days=30)
    queue_reminders(as_of=MONDAY, now=MONDAY)
    with Sink() as sink:
        made = send(sink, as_of=MONDAY)
        assert made["sent"] == 1
        assert len(sink.kept) == 1
    # the link of the second would be over before the gap is
    assert reminders().exclude(status="sent").get().reason == "reminder_gap"


def test_an_uncertain_reminder_is_listed_and_a_person_decides(asked):
    queue_reminders(as_of=MONDAY, now=MONDAY)
    with Sink(cut="after") as sink:
        assert send(sink, as_of=MONDAY) == {"unknown": 1}
        sink.cut = ""
        assert send(sink, as_of=MONDAY + DAY) == {}
    asked.invitation.refresh_from_db()
    assert asked.invitation.status == "sent"
    resend_unknown(invitation_id=asked.invitation.pk, now=MONDAY)
    with Sink() as sink:
        assert send(sink, as_of=MONDAY) == {"sent": 1}
    with Sink():
        OutgoingMail.objects.filter(kind="reminder").update(status="unknown")
    drop_unknown(invitation_id=asked.invitation.pk, now=MONDAY)
    asked.invitation.refresh_from_db()
    assert (asked.invitation.status, reminders().get().status) == ("sent", "aborted")


def test_a_reminder_whose_worker_died_is_unknown_and_its_survey_stays_sent(asked):
    queue_reminders(as_of=MONDAY, now=MONDAY)
    reminders().update(status="sending", worker="gone", lease_until=NOW)
    assert expire(now=MONDAY) == 0
    asked.invitation.refresh_from_db()
    assert (reminders().get().status, asked.invitation.status) == ("unknown", "sent")
    with Sink() as sink:
        assert send(sink, as_of=MONDAY) == {}


def test_a_reminder_that_is_refused_leaves_the_survey_as_it_was(asked):
    queue_reminders(as_of=MONDAY, now=MONDAY)
    with Sink(rcpt="550 no such user") as sink:
        assert send(sink, as_of=MONDAY) == {"failed": 1}
    asked.invitation.refresh_from_db()
    assert (asked.invitation.status, asked.invitation.reminded_at) == ("sent", None)
    asked.selin.refresh_from_db()
    assert asked.selin.bounced_at is not None


# ── the end ─────────────────────────────────────────────────────────────────


def test_what_nobody_answered_in_its_time_has_expired(asked):
    ends = SurveyLink.objects.get(kind="invite").expires_at
    assert close_expired(now=ends - dt.timedelta(seconds=1)) == 0
    assert close_expired(now=ends) == 1
    asked.invitation.refresh_from_db()
    assert asked.invitation.status == "expired"
    assert close_expired(now=ends) == 0


def test_a_reminders_link_keeps_the_survey_open(asked):
    ends = SurveyLink.objects.get(kind="invite").expires_at
    link_to(asked.invitation, kind="reminder", now=ends - DAY, days=14)
    assert close_expired(now=ends) == 0
    assert close_expired(now=ends + 14 * DAY) == 1


def test_an_expired_survey_still_counts_as_asked(asked):
    Invitation.objects.filter(pk=asked.invitation.pk).update(status="expired", sent_at=NOW - 20 * DAY, not_before=NOW - 20 * DAY)
    planned(asked.selin, wave="again")
    assert queue_due(as_of=NOW, now=NOW) == {"skip": 1}
    assert Invitation.objects.get(wave="again").skip_reason == "fatigue_contact"


def test_answers_and_uncertain_ones_do_not_expire(asked):
    Invitation.objects.filter(pk=asked.invitation.pk).update(status="answered", answered_at=NOW)
    assert close_expired(now=NOW + 400 * DAY) == 0
    Invitation.objects.filter(pk=asked.invitation.pk).update(status="unknown")
    assert close_expired(now=NOW + 400 * DAY) == 0


def test_a_survey_whose_links_were_revoked_is_over(asked):
    SurveyLink.objects.filter(kind="invite").update(revoked_at=MONDAY)
    assert close_expired(now=MONDAY) == 1


def test_links_end_when_the_contact_has_another_address_but_not_the_way_to_refuse(asked):
    assert revoke_moved(now=MONDAY) == 0
    Contact.objects.filter(pk=asked.selin.pk).update(email="selin@elsewhere.test")
    assert revoke_moved(now=MONDAY) == 1
    assert dict(SurveyLink.objects.values_list("kind", "revoked_at")) == {"invite": MONDAY, "unsubscribe": None}
    assert close_expired(now=MONDAY) == 1


def test_an_invitation_follows_a_mail_that_was_taken_out(asked):
    planned(asked.harry, wave="x")
    queue_due(as_of=NOW, now=NOW)
    OutgoingMail.objects.filter(status="queued").update(status="aborted", reason="by_hand")
    assert follow_mails() == 1
    assert Invitation.objects.get(wave="x").status == "failed"
    assert follow_mails() == 0
