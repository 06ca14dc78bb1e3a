"""What a link opens and what it never does: looking writes nothing, unknown ones are all alike, over is over."""

import datetime as dt
import re
import time

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Contact, OutgoingMail
from surveys.models import Response, Survey, SurveyLink, Touchpoint
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import everything, press, tell

pytestmark = pytest.mark.django_db
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


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


def test_looking_changes_nothing_however_it_is_done(customer, sent):
    _invitation, token = sent
    before = everything()
    for path in (f"/s/{token}", *(f"/s/{token}?v={score}" for score in range(11)), f"/s/{token}?h=1", f"/s/{token}/done", f"/s/{token}?lang=en", f"/s/{token}?other=1"):
        assert customer.get(path).status_code in {200, 302}
        assert customer.head(path).status_code in {200, 302}
        customer.get(path, headers={"purpose": "prefetch", "sec-fetch-site": "cross-site"})
    assert everything() == before


def test_a_head_says_what_a_get_says_without_its_body(customer, sent):
    _invitation, token = sent
    for path in (f"/s/{token}", "/s/" + "x" * 43):
        asked, headed = customer.get(path), customer.head(path)
        assert (headed.status_code, headed.content) == (asked.status_code, b"")
        assert {name: headed[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(customer, sent, method):
    _invitation, token = sent
    before = everything()
    answer = getattr(customer, method)(f"/s/{token}")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    assert everything() == before


def test_unknown_tokens_of_any_shape_all_get_the_same_answer(customer, sent, now):
    invitation, _token = sent
    refusal = link_to(invitation, kind="unsubscribe", now=now)
    shapes = ["x", "A" * 43, "ı" * 300, refusal, "a/b", "A" * 43 + "/", "A" * 43 + "/done", "A" * 43 + "/done/", "%00", "..%2f", "A" * 42 + "\u202e", "%F0%9F%98%80", ""]
    answers = [customer.get(f"/s/{token}") for token in shapes] + [customer.get(f"/u/{token}") for token in ("B" * 43, "a/b")]
    answers += [customer.post("/s/" + "B" * 43, {"score": 9}), customer.post("/s/" + "B" * 43 + "/done", {"comment": "x"}), customer.get("/s")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1


def test_an_unknown_token_takes_the_time_of_one_of_any_other_shape(customer, sent):
    # in turns, and the fastest of each: what else the machine does meets both
    taken = {"x{}": [], "{:043d}": []}
    for number in range(120):
        for shape, times in taken.items():
            began = time.perf_counter()
            customer.get("/s/" + shape.format(number))
            times.append(time.perf_counter() - began)
    short, right = (min(times[20:]) for times in taken.values())
    assert 0.5 < short / right < 2


@pytest.mark.parametrize("field", ["expires_at", "revoked_at"])
def test_a_link_that_is_over_says_so_in_the_contacts_language(customer, sent, field):
    _invitation, token = sent
    SurveyLink.objects.update(**{field: timezone.now() - dt.timedelta(seconds=1)})
    before = everything()
    page = customer.get(f"/s/{token}")
    assert (page.status_code, page["Content-Language"]) == (410, "tr")
    assert "mailto:" in page.content.decode()
    assert press(customer, token, 9).status_code == 410
    assert tell(customer, token, comment="x").status_code == 410
    assert everything() == before


def test_a_link_to_an_address_that_was_given_up_is_over(customer, sent, now):
    invitation, token = sent
    mail = {"kind": "survey", "subject_type": "invitation", "subject_id": str(invitation.pk), "status": "sent", "next_attempt_at": now}
    OutgoingMail.objects.create(to_address="selin@bogazici.test", **mail)
    assert customer.get(f"/s/{token}").status_code == 200
    Contact.objects.filter(pk=invitation.contact_id).update(email="new@bogazici.test")
    assert customer.get(f"/s/{token}").status_code == 410
    assert press(customer, token, 9).status_code == 410
    assert Response.objects.count() == 0


def test_a_reminder_to_the_new_address_opens_while_the_first_mail_does_not(customer, sent, now):
    invitation, token = sent
    mail = {"subject_type": "invitation", "subject_id": str(invitation.pk), "status": "sent", "next_attempt_at": now}
    OutgoingMail.objects.create(kind="survey", to_address="old@bogazici.test", **mail)
    OutgoingMail.objects.create(kind="reminder", to_address="selin@bogazici.test", **mail)
    assert customer.get(f"/s/{token}").status_code == 410
    assert customer.get(f"/s/{link_to(invitation, kind='reminder', now=now)}").status_code == 200


def test_an_erased_contacts_link_is_over(customer, sent, now):
    invitation, token = sent
    OutgoingMail.objects.create(kind="survey", subject_type="invitation", subject_id=str(invitation.pk), to_address="selin@bogazici.test", status="sent", next_attempt_at=now)
    Contact.objects.filter(pk=invitation.contact_id).update(email="", name="")
    assert customer.get(f"/s/{token}").status_code == 410


def test_the_links_of_a_cancelled_programme_are_over_but_to_better_an_answer(customer, sent, now):
    _invitation, token = sent
    ended = Touchpoint.objects.filter(key="relationship-nps")
    ended.update(ended_at=now - dt.timedelta(minutes=1))
    assert customer.get(f"/s/{token}").status_code == 410
    assert press(customer, token, 9).status_code == 410
    ended.update(ended_at=None)
    press(customer, token, 9)
    ended.update(ended_at=now - dt.timedelta(minutes=1))
    assert press(customer, token, 8).status_code == 303
    assert Response.objects.get().score == 8


def test_the_page_keeps_its_token_to_itself_and_sets_no_cookie(customer, sent, now):
    invitation, token = sent
    refusal = link_to(invitation, kind="unsubscribe", now=now)
    pages = [customer.get(path) for path in (f"/s/{token}", f"/s/{'x' * 43}", f"/s/{token}/done", f"/u/{refusal}", f"/u/{'x' * 43}")]
    pages += [press(customer, token, 99), press(customer, token, 9), customer.get(f"/s/{token}/done"), customer.put(f"/s/{token}")]
    for answer in pages:
        assert {name: answer.get(name) for name in HEADERS} == HEADERS
        assert not answer.cookies
        assert not re.search(r"<script|style=|\son\w+=|https?://", answer.content.decode())


def test_the_page_greets_by_initials_alone(customer, sent, cast):
    _invitation, token = sent
    press(customer, token, 3, comment="private words")
    for path in (f"/s/{token}", f"/s/{token}/done", f"/s/{token}/done?edit=1"):
        page = customer.get(path).content.decode()
        assert "SA" in page
        assert "Boğaziçi Lojistik A.Ş." in page
        assert "Selin" not in page
        assert "selin@" not in page
        assert "private words" not in page


def test_a_name_in_a_question_is_not_shown_on_the_page(customer, cast, now):
    survey = Survey.objects.create(key="personal", name="Personal", kind="nps")
    version = survey.versions.create(scale_min=0, scale_max=10)
    version.texts.create(
        language="en", mail_subject="x", mail_body="x", question="Dear {name|customer} {first_name}, is {account} well with <{csm}>?", low_label="no", high_label="yes", why_low="?", why_high="!", thanks="ta",
    )  # fmt: skip
    invitation = planned(cast.selin, at=now, status="sent", survey="nps", touchpoint=None, wave="personal")
    invitation.survey_version = version
    invitation.save()
    page = customer.get(f"/s/{link_to(invitation, now=now)}").content.decode()
    assert "Dear customer, is Boğaziçi Lojistik A.Ş. well with &lt;Elif Yıldız&gt;?" in page
    assert "Selin" not in page


def test_what_customers_are_called_is_never_markup_nor_a_slot(customer, cast, now):
    cast.boga.name = "<b>VEFASLOTTOKENTOLSAFEV {sender}</b>"
    cast.boga.save()
    token = link_to(planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent"), now=now)
    page = customer.get(f"/s/{token}").content.decode()
    assert "&lt;b&gt;VEFASLOTTOKENTOLSAFEV {sender}&lt;/b&gt;" in page


def test_turkish_is_the_language_of_a_turkish_contact_and_english_one_press_away(customer, sent):
    _invitation, token = sent
    page = customer.get(f"/s/{token}?v=9").content.decode()
    assert '<html lang="tr" dir="ltr">' in page
    assert "önerme olasılığınız nedir?" in page
    assert f'href="/s/{token}?v=9&amp;lang=en" hreflang="en" lang="en">English' in page
    assert "How likely are you to recommend" in customer.get(f"/s/{token}?lang=en").content.decode()
    assert press(customer, token, 9, lang="en")["Location"] == f"/s/{token}/done?lang=en"


def test_a_score_in_the_link_only_preselects(customer, sent):
    _invitation, token = sent
    page = customer.get(f"/s/{token}?v=9").content.decode()
    assert 'class="btn primary" name="score" value="9"' in page
    for strange in ("77", "-1", "x", "٩", ""):
        assert "is-chosen" not in customer.get(f"/s/{token}?v={strange}").content.decode()


def test_another_host_is_refused_here_as_everywhere(customer, sent, settings):
    _invitation, token = sent
    settings.ALLOWED_HOSTS = ["vefa.test"]
    assert customer.get(f"/s/{token}", headers={"host": "evil.test"}).status_code == 400
    assert customer.get(f"/s/{token}", headers={"host": "vefa.test"}).status_code == 200


def test_an_admin_takes_links_back(customer, sent, cast, now):
    invitation, token = sent
    other = link_to(planned(cast.harry, survey="nps", touchpoint="relationship-nps", at=now, status="sent"), now=now)
    refusal = link_to(invitation, kind="unsubscribe", now=now)
    admin = Client()
    admin.force_login(cast.ada)
    chosen = SurveyLink.objects.filter(invitation=invitation, kind="invite").values_list("pk", flat=True)
    assert admin.post("/admin/surveys/surveylink/", {"action": "revoke", "_selected_action": list(chosen)}).status_code == 302
    assert [customer.get(path).status_code for path in (f"/s/{token}", f"/s/{other}", f"/u/{refusal}")] == [410, 200, 200]
