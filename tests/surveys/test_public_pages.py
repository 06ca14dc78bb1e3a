"""What customers see and do: looking changes nothing, one press saves, machines do not count, refusing holds at once."""

import datetime as dt
import re
import threading
import time

import pytest
from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from accounts.models import AccountDirty, AccountEvent, OutgoingMail, Suppression, WorkItem
from surveys.forms import new_nonce
from surveys.models import Invitation, Response, ResponseRevision, SurveyLink
from surveys.tokens import token_digest
from surveys.views.suspicion import preselection_key
from tests.surveys.making import link_to, planned

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


def nonce_of(link_token, looked_at_ms=5000):
    """A form's nonce as if the page had been looked at for five seconds."""
    link = SurveyLink.objects.get(token_hash=token_digest(link_token))
    real = time.time_ns
    try:
        time.time_ns = lambda: real() - looked_at_ms * 1_000_000
        return new_nonce(link.pk)
    finally:
        time.time_ns = real


def press(customer, token, score, **fields):
    headers = fields.pop("headers", None)
    return customer.post(f"/s/{token}", {"form_nonce": fields.pop("form_nonce", None) or nonce_of(token), "score": score, **fields}, headers=headers)


def everything():
    """The number of rows and a checksum of every table."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.managed:
                cursor.execute(f"SELECT count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{model._meta.db_table}\" t")
                found[model._meta.db_table] = cursor.fetchone()
    return found


def test_six_kinds_of_scanner_change_nothing(customer, sent):
    _invitation, token = sent
    before = everything()
    for path in (f"/s/{token}", *(f"/s/{token}?v={score}" for score in range(11)), f"/s/{token}/done", f"/s/{token}?lang=en", f"/s/{token}?other=1"):
        assert customer.get(path).status_code in {200, 302}
        assert customer.head(path).status_code in {200, 302}
        customer.get(path, headers={"purpose": "prefetch", "sec-fetch-site": "cross-site"})
    assert everything() == before


def test_a_press_saves_the_score_at_once_and_the_reasons_after(customer, sent, cast):
    invitation, token = sent
    answer = press(customer, token, 4)
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{token}/done")
    row = Response.objects.get()
    assert (row.score, row.state, row.is_suspect, row.kind, row.scale_max, row.language) == (4, "partial", False, "nps", 10, "tr")
    invitation.refresh_from_db()
    assert (invitation.status, invitation.answered_at) == ("answered", row.answered_at)
    page = customer.get(f"/s/{token}/done").content.decode()
    assert "Sizi en çok ne hayal kırıklığına uğrattı?" in page
    done = customer.post(f"/s/{token}/done", {"form_nonce": nonce_of(token), "reason": ["support", "nonsense"], "comment": "Çok yavaş.\r\nGerçekten."})
    assert done.status_code == 303
    row.refresh_from_db()
    assert (row.state, row.comment, row.reasons, row.score) == ("complete", "Çok yavaş.\nGerçekten.", ["support"], 4)
    assert "Teşekkür ederiz" in customer.get(f"/s/{token}/done").content.decode()
    assert ResponseRevision.objects.count() == 2


def test_an_answer_is_an_event_and_marks_the_account(customer, sent, cast):
    _invitation, token = sent
    press(customer, token, 9)
    event = AccountEvent.objects.get(kind="survey.answered")
    expected = {
        "score": 9,
        "scale_min": 0,
        "scale_max": 10,
        "group": "promoter",
        "low": False,
        "is_suspect": False,
        "survey": "nps",
        "survey_kind": "nps",
        "touchpoint": "relationship-nps",
    }
    assert {key: event.payload[key] for key in expected} == expected
    assert (event.account_id, event.contact_id) == (cast.boga.pk, cast.selin.pk)
    assert AccountDirty.objects.filter(account=cast.boga).exists()
    assert WorkItem.objects.count() == 0


def test_a_low_answer_opens_exactly_one_work_item_for_the_owner(customer, cast, now):
    invitation = planned(cast.selin, at=now, status="sent", sent_at=now, ticket_id=4760, rated_object="4760")
    token = link_to(invitation, now=now)
    press(customer, token, 2)
    press(customer, token, 1)
    customer.post(f"/s/{token}/done", {"form_nonce": nonce_of(token), "comment": "hâlâ açık", "call_me": "1"})
    item = WorkItem.objects.get()
    assert (item.type, item.owner, item.contact, item.source, item.status) == ("close_loop", cast.elif_, cast.selin, "survey", "open")
    assert item.reason == f"survey:{Response.objects.get().pk}"
    assert item.why == {"key": "call_me", "values": {"score": 1, "scale_max": 5}}
    assert dt.timedelta(hours=23) < item.due_at - now < dt.timedelta(days=4)


def test_changing_to_a_better_answer_drops_the_work(customer, sent):
    _invitation, token = sent
    press(customer, token, 3)
    press(customer, token, 9)
    assert (WorkItem.objects.get().status, Response.objects.get().score) == ("dropped", 9)
    assert list(ResponseRevision.objects.order_by("id").values_list("score", flat=True)) == [3, 9]
    assert AccountEvent.objects.filter(kind="survey.answered").count() == 2


def test_the_same_form_posted_again_is_stored_once(customer, sent):
    _invitation, token = sent
    nonce = nonce_of(token)
    for _ in range(5):
        assert press(customer, token, 8, form_nonce=nonce).status_code == 303
    assert press(customer, token, 2, form_nonce=nonce).status_code == 303
    assert (ResponseRevision.objects.count(), Response.objects.get().score) == (1, 8)
    assert AccountEvent.objects.filter(kind="survey.answered").count() == 1


@pytest.mark.parametrize(
    ("flag", "fields"),
    [
        ("too_fast", {"form_nonce": "fresh"}),
        ("trap_filled", {"website": "http://spam.test"}),
        ("cross_site", {"headers": {"sec-fetch-site": "cross-site"}}),
        ("several_scores_fetched", {"look": [1, 9]}),
    ],
)
def test_what_looks_automatic_is_kept_left_out_and_does_not_lock_the_link(customer, sent, flag, fields):
    invitation, token = sent
    for score in fields.pop("look", []):
        customer.get(f"/s/{token}?v={score}")
    if fields.get("form_nonce"):
        fields["form_nonce"] = re.search(r'name="form_nonce" value="([^"]+)"', customer.get(f"/s/{token}").content.decode())[1]
    assert press(customer, token, 1, **fields).status_code == 303
    row = Response.objects.get()
    assert (row.is_suspect, row.automation_flags) == (True, [flag])
    assert Response.objects.counted().count() == 0
    assert (WorkItem.objects.count(), AccountEvent.objects.filter(kind="survey.answered").count()) == (0, 0)
    invitation.refresh_from_db()
    assert invitation.status == "sent"
    cache.delete(preselection_key(SurveyLink.objects.get()))
    press(customer, token, 9)
    row.refresh_from_db()
    assert (row.score, row.is_suspect, row.automation_flags) == (9, False, [])
    assert Response.objects.counted().get().score == 9
    assert list(ResponseRevision.objects.order_by("id").values_list("score", "is_suspect")) == [(1, True), (9, False)]


def test_a_suspect_press_after_an_answer_changes_nothing_that_counts(customer, sent):
    _invitation, token = sent
    press(customer, token, 9)
    press(customer, token, 0, website="x")
    assert Response.objects.counted().get().score == 9
    assert ResponseRevision.objects.count() == 2


def test_after_a_day_an_answer_is_final(customer, sent):
    _invitation, token = sent
    press(customer, token, 9)
    Response.objects.update(answered_at=timezone.now() - dt.timedelta(hours=25))
    page = customer.get(f"/s/{token}")
    assert page.status_code == 200
    assert "<form" not in page.content.decode()
    before = everything()
    assert press(customer, token, 1).status_code == 409
    assert customer.post(f"/s/{token}/done", {"form_nonce": nonce_of(token), "comment": "late"}).status_code == 409
    assert everything() == before


@pytest.mark.parametrize("score", ["11", "-1", "", "9.5", "٩", "999999999999", "x"])
def test_a_score_off_the_scale_is_refused_and_nothing_is_stored(customer, sent, score):
    _invitation, token = sent
    before = everything()
    assert press(customer, token, score).status_code == 400
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
    answer = press(customer, token, 9, form_nonce=nonce or "-")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert everything() == before


def test_unknown_tokens_all_get_the_same_answer(customer, sent, now):
    invitation, _token = sent
    refusal = link_to(invitation, kind="unsubscribe", now=now)
    answers = [customer.get(f"/s/{token}") for token in ("x", "A" * 43, "ı" * 300, refusal)] + [customer.post("/s/" + "B" * 43, {"score": 9})]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1


@pytest.mark.parametrize("field", ["expires_at", "revoked_at"])
def test_a_link_that_is_over_says_so(customer, sent, field):
    _invitation, token = sent
    SurveyLink.objects.update(**{field: timezone.now() - dt.timedelta(seconds=1)})
    before = everything()
    assert customer.get(f"/s/{token}").status_code == 410
    assert press(customer, token, 9).status_code == 410
    assert everything() == before


def test_an_answer_by_somebody_else_is_kept_and_does_not_count_for_the_contact(customer, sent):
    _invitation, token = sent
    assert 'name="respondent" value="other"' in customer.get(f"/s/{token}?other=1").content.decode()
    press(customer, token, 2, respondent="other")
    assert Response.objects.get().respondent == "other"
    assert (Response.objects.counted().count(), WorkItem.objects.count()) == (0, 0)
    press(customer, token, 8)
    assert (Response.objects.get().respondent, Response.objects.counted().get().score) == ("contact", 8)


def test_the_page_keeps_its_token_to_itself_and_sets_no_cookie(customer, sent):
    _invitation, token = sent
    for path in (f"/s/{token}", f"/s/{'x' * 43}"):
        answer = customer.get(path)
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert policy == {
            "default-src": "'none'", "style-src": "'self'", "img-src": "'self'", "script-src": "'self'",
            "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
        }  # fmt: skip
        assert not answer.cookies
        assert not re.search(r"<script|style=|\son\w+=|https?://", answer.content.decode())


def test_the_page_greets_by_initials_alone(customer, sent, cast):
    _invitation, token = sent
    press(customer, token, 3, comment="private words")
    for path in (f"/s/{token}", f"/s/{token}/done"):
        page = customer.get(path).content.decode()
        assert "SA" in page
        assert "Selin" not in page
        assert "selin@" not in page
        assert "private words" not in page


@pytest.mark.parametrize("survey", ["nps", "csat", "ces", "exit"])
@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_page_is_small_and_says_each_score_in_words(customer, cast, now, survey, language):
    invitation = planned(cast.selin, survey=survey, touchpoint=None, at=now, status="sent", wave=survey)
    token = link_to(invitation, now=now)
    page = customer.get(f"/s/{token}?lang={language}").content
    style = len(open(finders.find("vefa/css/public.css"), "rb").read())  # noqa: SIM115
    assert len(page) + style < 50_000
    text = page.decode()
    assert f'<html lang="{language}" dir="ltr">' in text
    version = invitation.survey_version
    words = version.texts.get(language=language)
    assert text.count('type="submit" name="score"') == version.scale_max - version.scale_min + 1
    for score in range(version.scale_min, version.scale_max + 1):
        assert words.score_labels[str(score)] in text
    press(customer, token, version.scale_min)
    after = customer.get(f"/s/{token}/done?lang={language}").content
    assert len(after) + style < 50_000
    assert words.why_low in after.decode()


def test_turkish_is_the_language_of_a_turkish_contact_and_english_one_press_away(customer, sent):
    _invitation, token = sent
    page = customer.get(f"/s/{token}").content.decode()
    assert '<html lang="tr"' in page
    assert "önerme olasılığınız nedir?" in page
    assert f'href="/s/{token}?lang=en" hreflang="en" lang="en">English' in page
    assert "How likely are you to recommend" in customer.get(f"/s/{token}?lang=en").content.decode()


def test_a_score_in_the_link_only_preselects(customer, sent):
    _invitation, token = sent
    page = customer.get(f"/s/{token}?v=9").content.decode()
    assert 'class="btn primary" name="score" value="9"' in page
    assert "is-chosen" not in customer.get(f"/s/{token}?v=77").content.decode()


def test_exit_reasons_have_two_levels_and_a_detail_means_its_heading(customer, cast, now):
    token = link_to(planned(cast.selin, survey="exit", touchpoint="subscription-cancelled", at=now, status="sent"), now=now)
    press(customer, token, 1)
    page = customer.get(f"/s/{token}/done").content.decode()
    assert page.count("<fieldset") == 5
    customer.post(f"/s/{token}/done", {"form_nonce": nonce_of(token), "reason": ["price.budget_cut"]})
    assert Response.objects.get().reasons == ["price", "price.budget_cut"]


def test_an_answer_settles_an_uncertain_mail(customer, sent, cast):
    invitation, token = sent
    Invitation.objects.update(status="unknown", sent_at=None)
    OutgoingMail.objects.create(
        kind="survey", subject_type="invitation", subject_id=str(invitation.pk), to_address="selin@bogazici.test", status="unknown", next_attempt_at=timezone.now()
    )
    press(customer, token, 9)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.sent_at is not None, OutgoingMail.objects.get().status) == ("answered", True, "sent")


# ── refusing ────────────────────────────────────────────────────────────────


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


@pytest.mark.django_db(transaction=True)
def test_a_hundred_posts_at_once_store_one_answer(cast):
    now = timezone.now()
    token = link_to(planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent"), now=now)
    nonce, start, codes = nonce_of(token), threading.Barrier(5), []

    def post():
        browser = Client()
        start.wait()
        for _ in range(20):
            codes.append(press(browser, token, 7, form_nonce=nonce).status_code)
        connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [303] * 100
    assert (Response.objects.count(), ResponseRevision.objects.count()) == (1, 1)
