"""Answering: one press saves, reasons follow, a repeat stores nothing, a change keeps what was before."""

import datetime as dt
import threading

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AccountDirty, AccountEvent, OutgoingMail, WorkItem
from surveys.models import Invitation, PendingFollowUp, Response, ResponseRevision, SurveyLink
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import everything, nonce_of, press, tell

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
    hour_ago = now - dt.timedelta(hours=1)
    invitation = planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent", sent_at=hour_ago)
    return invitation, link_to(invitation, now=hour_ago)


def test_a_press_saves_the_score_at_once_and_the_reasons_after(customer, sent, cast):
    invitation, token = sent
    answer = press(customer, token, 4)
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{token}/done")
    row = Response.objects.get()
    assert (row.score, row.state, row.is_suspect, row.kind, row.scale_max, row.language) == (4, "partial", False, "nps", 10, "tr")
    assert Response.objects.counted().get() == row
    invitation.refresh_from_db()
    assert (invitation.status, invitation.answered_at) == ("answered", row.answered_at)
    page = customer.get(f"/s/{token}/done").content.decode()
    assert "Sizi en çok ne hayal kırıklığına uğrattı?" in page
    assert tell(customer, token, reason=["support", "nonsense"], comment="Çok yavaş.\r\nGerçekten.").status_code == 303
    row.refresh_from_db()
    assert (row.state, row.comment, row.reasons, row.score) == ("complete", "Çok yavaş.\nGerçekten.", ["support"], 4)
    assert "Teşekkür ederiz" in customer.get(f"/s/{token}/done").content.decode()
    assert ResponseRevision.objects.count() == 2


def test_the_first_answer_is_kept_with_all_that_was_asked(customer, cast, now):
    invitation = planned(cast.selin, at=now, status="sent", sent_at=now - dt.timedelta(hours=2), ticket_id=4760, rated_object="4760", agent_id=cast.deniz.pk)
    token = link_to(invitation, now=now - dt.timedelta(hours=2), kind="reminder")
    press(customer, token, 5, comment="Hızlıydı", lang="en")
    row = Response.objects.get()
    assert (row.survey.key, row.survey_version, row.invitation, row.touchpoint.key, row.touchpoint_label) == (
        "csat", invitation.survey_version, invitation, "ticket-solved", "ticket-solved",
    )  # fmt: skip
    assert (row.account, row.contact, row.respondent, row.invited_at, row.ticket_id, row.rated_object) == (cast.boga, cast.selin, "contact", invitation.sent_at, 4760, "4760")
    assert (row.agent_id, row.agent_email, row.scale_min, row.scale_max, row.direction) == (cast.deniz.pk, "deniz@vefa.test", 1, 5, "high_good")
    assert (row.state, row.comment, row.language, row.test, row.origin, row.reasons, row.automation_flags) == ("complete", "Hızlıydı", "en", False, "app", [], [])
    assert len(row.external_id) > 8
    kept = row.revisions.get()
    assert (kept.score, kept.comment, kept.link, kept.submitted_at) == (5, "Hızlıydı", SurveyLink.objects.get(), row.answered_at)
    assert SurveyLink.objects.get().first_answer_at == row.answered_at


def test_an_answer_is_an_event_and_marks_the_account(customer, sent, cast):
    invitation, token = sent
    press(customer, token, 9)
    event = AccountEvent.objects.get(kind="survey.answered")
    assert event.payload == {
        "response": str(Response.objects.get().pk), "invitation": str(invitation.pk), "score": 9, "scale_min": 0, "scale_max": 10, "group": "promoter", "low": False,
        "is_suspect": False, "survey": "nps", "survey_kind": "nps", "touchpoint": "relationship-nps",
    }  # fmt: skip
    assert (event.account_id, event.contact_id) == (cast.boga.pk, cast.selin.pk)
    assert AccountDirty.objects.filter(account=cast.boga).exists()
    assert (WorkItem.objects.count(), PendingFollowUp.objects.count()) == (0, 0)


def test_a_press_of_the_first_score_takes_two_statements(customer, sent):
    _invitation, token = sent
    nonce = nonce_of(token)
    # the words of a published version are read once a process
    customer.get(f"/s/{token}")
    with CaptureQueriesContext(connection) as queries:
        press(customer, token, 9, nonce=nonce)
    # the link with all it opens; the answer with all it means
    assert len(queries) == 2
    assert (Response.objects.count(), AccountEvent.objects.filter(kind="survey.answered").count()) == (1, 1)


def test_a_look_at_the_question_takes_one_statement(customer, sent):
    _invitation, token = sent
    customer.get(f"/s/{token}")
    with CaptureQueriesContext(connection) as queries:
        customer.get(f"/s/{token}")
    assert len(queries) == 1


def test_the_same_form_posted_again_is_stored_once(customer, sent):
    _invitation, token = sent
    nonce = nonce_of(token)
    first = press(customer, token, 8, nonce=nonce)
    for _ in range(4):
        again = press(customer, token, 8, nonce=nonce)
        assert (again.status_code, again["Location"]) == (first.status_code, first["Location"]) == (303, f"/s/{token}/done")
    assert press(customer, token, 2, nonce=nonce).status_code == 303
    assert (ResponseRevision.objects.count(), Response.objects.get().score) == (1, 8)
    assert AccountEvent.objects.filter(kind="survey.answered").count() == 1


def test_a_changed_answer_keeps_all_before_it_and_counts_once(customer, sent):
    _invitation, token = sent
    for score in (9, 4, 7):
        press(customer, token, score)
    assert Response.objects.counted().get().score == 7
    assert list(ResponseRevision.objects.order_by("id").values_list("score", flat=True)) == [9, 4, 7]
    assert list(AccountEvent.objects.filter(kind="survey.answered").order_by("id").values_list("payload__score", flat=True)) == [9, 4, 7]


def test_the_links_of_a_mail_and_its_reminder_make_one_answer(customer, sent, now):
    invitation, token = sent
    reminder = link_to(invitation, kind="reminder", now=now - dt.timedelta(minutes=5))
    press(customer, token, 3)
    press(customer, reminder, 8)
    assert Response.objects.get().score == 8
    assert ResponseRevision.objects.values("link").distinct().count() == 2


def test_after_a_day_an_answer_is_final(customer, sent):
    _invitation, token = sent
    nonce = nonce_of(token)
    press(customer, token, 9, nonce=nonce)
    Response.objects.update(answered_at=timezone.now() - dt.timedelta(hours=25))
    before = everything()
    for path in (f"/s/{token}", f"/s/{token}?v=3", f"/s/{token}/done"):
        page = customer.get(path)
        assert page.status_code == 200
        assert "<form" not in page.content.decode()
    refused = press(customer, token, 1)
    assert refused.status_code == 409
    assert "mailto:" in refused.content.decode(), "offers a way to say something else"
    assert tell(customer, token, comment="late").status_code == 409
    assert press(customer, token, 9, nonce=nonce).status_code == 303, "the very same form again is no change"
    assert everything() == before


def test_within_the_day_the_first_answer_counts_not_the_change(customer, sent):
    _invitation, token = sent
    press(customer, token, 9)
    Response.objects.update(answered_at=timezone.now() - dt.timedelta(hours=23))
    press(customer, token, 5)
    assert dt.timedelta(hours=22) < timezone.now() - Response.objects.get().answered_at
    Response.objects.update(answered_at=timezone.now() - dt.timedelta(hours=25))
    assert press(customer, token, 6).status_code == 409


@pytest.mark.parametrize("score", ["11", "-1", "", "9.5", "٩", "999999999999", "x"])
def test_a_score_off_the_scale_is_refused_and_nothing_is_stored(customer, sent, score):
    _invitation, token = sent
    before = everything()
    answer = press(customer, token, score)
    assert answer.status_code == 400
    assert 'role="alert" id="problem"' in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("nonce", ["", "forged", "of another link", "old"])
def test_a_form_without_its_own_nonce_saves_nothing_and_is_shown_again(customer, sent, cast, now, nonce, time_machine):
    _invitation, token = sent
    if nonce == "of another link":
        nonce = nonce_of(link_to(planned(cast.harry, survey="nps", touchpoint="relationship-nps", at=now), now=now))
    if nonce == "old":
        nonce = nonce_of(token)
        time_machine.move_to(now + dt.timedelta(hours=25))
    before = everything()
    answer = press(customer, token, 9, nonce=nonce or "-")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert 'role="alert" id="problem" tabindex="-1" autofocus' in page
    assert 'class="btn primary" name="score" value="9"' in page, "what was pressed is one press away"
    assert everything() == before


def test_reasons_that_come_back_keep_what_was_typed(customer, sent):
    _invitation, token = sent
    press(customer, token, 2)
    before = everything()
    answer = tell(customer, token, nonce="old", comment='My "words" <b>', reason=["support"], call_me="1")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "My &quot;words&quot; &lt;b&gt;</textarea>" in page
    assert 'value="support" checked' in page
    assert 'name="call_me" value="1" checked' in page
    assert 'aria-describedby="problem' in page
    assert everything() == before


def test_reasons_before_any_score_lead_to_the_question(customer, sent):
    _invitation, token = sent
    before = everything()
    for answer in (customer.get(f"/s/{token}/done"), tell(customer, token, comment="first")):
        assert (answer.status_code, answer["Location"]) == (302, f"/s/{token}")
    assert everything() == before


def test_an_answer_settles_an_uncertain_mail(customer, sent, cast):
    invitation, token = sent
    Invitation.objects.update(status="unknown", sent_at=None)
    OutgoingMail.objects.create(
        kind="survey", subject_type="invitation", subject_id=str(invitation.pk), to_address="selin@bogazici.test", status="unknown", next_attempt_at=timezone.now()
    )
    press(customer, token, 9)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.sent_at is not None, OutgoingMail.objects.get().status) == ("answered", True, "sent")


def test_a_test_mail_is_answered_apart(customer, sent, now):
    invitation, _token = sent
    token = link_to(invitation, kind="test", now=now)
    press(customer, token, 0)
    assert (Response.objects.get().test, Response.objects.counted().count()) == (True, 0)
    assert (AccountEvent.objects.filter(kind="survey.answered").count(), PendingFollowUp.objects.count()) == (0, 0)


def test_an_answer_by_somebody_else_is_kept_and_does_not_count_for_the_contact(customer, sent):
    invitation, token = sent
    assert 'name="respondent" value="other"' in customer.get(f"/s/{token}?other=1").content.decode()
    press(customer, token, 2, respondent="other")
    assert Response.objects.get().respondent == "other"
    invitation.refresh_from_db()
    assert (Response.objects.counted().count(), PendingFollowUp.objects.count(), invitation.status) == (0, 0, "sent")
    press(customer, token, 8)
    assert (Response.objects.get().respondent, Response.objects.counted().get().score) == ("contact", 8)
    press(customer, token, 1, respondent="other")
    assert Response.objects.counted().get().score == 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_form", [True, False])
def test_a_hundred_posts_at_once_make_one_answer(cast, same_form):
    now = timezone.now()
    hour_ago = now - dt.timedelta(hours=1)
    token = link_to(planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent", sent_at=hour_ago), now=hour_ago)
    nonces = [nonce_of(token)] * 100 if same_form else [nonce_of(token) for _ in range(100)]
    start, codes = threading.Barrier(5), []

    def post(mine):
        browser = Client()
        start.wait()
        for nonce in mine:
            codes.append(press(browser, token, 7, nonce=nonce).status_code)
        connections.close_all()

    threads = [threading.Thread(target=post, args=[nonces[part::5]]) for part in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [303] * 100
    assert (Response.objects.count(), ResponseRevision.objects.count()) == (1, 1 if same_form else 100)
    assert AccountEvent.objects.filter(kind="survey.answered").count() == 1
