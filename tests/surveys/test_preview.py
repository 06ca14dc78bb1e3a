"""Previews show what would be sent and count nothing; trials go to their writer alone."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Installation, OutgoingMail, Segment
from surveys.actions.trial_letters import MOST_A_MINUTE, send_trials
from surveys.models import Invitation, Response, SegmentLetter, Survey, SurveyLink, SurveyVersion
from tests.surveys.making import Sink
from tests.surveys.test_editor import draft_of, form_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def mert(client, cast):
    client.force_login(cast.mert)
    return client


@pytest.fixture
def draft(mert):
    return draft_of(mert)


def shown(client, version, part="mail", language="en", **query):
    return client.get(reverse("surveys:preview", args=[version.pk, language, part]), query)


@pytest.mark.parametrize("part", ["mail", "text", "reminder", "page"])
@pytest.mark.parametrize("language", ["en", "tr"])
def test_a_preview_may_be_framed_by_us_and_runs_nothing(mert, draft, part, language):
    answer = shown(mert, draft, part, language)
    policy = answer["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert ("'unsafe-inline'" in policy) == (part in {"mail", "reminder"})
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Cache-Control"] == "no-store"
    assert f'lang="{language}"' in answer.content.decode()


def test_a_preview_speaks_to_nobody_real_unless_asked(mert, draft, cast):
    page = shown(mert, draft).content.decode()
    assert "Alex Morgan" in page
    assert "Selin" not in page
    assert "Selin Aydın" in shown(mert, draft, contact=cast.selin.pk, language="tr").content.decode()


def test_a_contact_of_another_book_is_404(mert, draft, cast):
    assert shown(mert, draft, contact=cast.harry.pk).status_code == 404
    assert shown(mert, draft, contact="x'").status_code == 404
    assert "Harry" not in mert.get(reverse("surveys:version", args=[draft.pk])).content.decode()


def test_links_of_a_preview_lead_to_the_page_and_nowhere_else(mert, draft):
    page = shown(mert, draft).content.decode()
    links = set(re.findall(r'href="([^"]+)"', page))
    own = reverse("surveys:preview", args=[draft.pk, "en", "page"])
    assert {link.split("?")[0] for link in links} - {"/static/vefa/css/preview-light.css"} == {own}
    assert "Save 9, very likely" in mert.get(f"{own}?v=9").content.decode()


def test_looking_counts_nothing(mert, draft):
    for part in ("mail", "text", "reminder", "page"):
        shown(mert, draft, part)
    assert (Invitation.objects.count(), SurveyLink.objects.count(), Response.objects.count(), OutgoingMail.objects.count()) == (0, 0, 0, 0)


def test_a_theme_can_be_forced(mert, draft):
    dark, light = shown(mert, draft, theme="dark").content.decode(), shown(mert, draft, theme="light").content.decode()
    assert "@media all" in dark
    assert "@media not all" in light
    assert "preview-dark.css" in shown(mert, draft, "page", theme="dark").content.decode()


def test_segments_see_their_own_words(mert, draft):
    vip = Segment.objects.get(key="vip")
    SegmentLetter.objects.create(text=draft.texts.get(language="en"), segment=vip, mail_subject="x", mail_body="Only for the important.")
    assert "Only for the important." in shown(mert, draft, segment=vip.pk).content.decode()
    assert "Only for the important." not in shown(mert, draft).content.decode()


def test_what_stands_in_the_form_is_shown_before_it_is_saved(mert, draft):
    vip = Segment.objects.get(key="vip")
    SegmentLetter.objects.create(text=draft.texts.get(language="en"), segment=vip, mail_subject="x", mail_body="Only for the important.")
    data = form_of(
        mert, draft, **{"text-en-question": "Not saved yet?", "text-en-mail_subject": "Hi {first_name}", "scale-preset": "nps-1-10", "pv-language": "en", "pv-part": "mail"}
    )
    fragment = mert.post(reverse("surveys:version_sketch", args=[draft.pk]), data, headers={"HX-Request": "true"})
    assert "Hi Alex" in fragment.content.decode()
    address = re.search(r'src="([^"]+)"', fragment.content.decode())[1].replace("&amp;", "&")
    page = mert.get(address).content.decode()
    assert "Not saved yet?" in page
    assert len(re.findall(r"\?v=\d+", page)) == 10
    assert "Only for the important." in mert.get(f"{address}&segment={vip.pk}").content.decode()
    assert "Not saved yet?" in mert.get(address.replace("/mail/", "/page/")).content.decode()
    assert "Not saved yet?" not in draft.texts.get(language="en").question
    without_script = mert.post(reverse("surveys:version_sketch", args=[draft.pk]), data)
    assert without_script.status_code == 302
    assert "Not saved yet?" in mert.get(without_script["Location"]).content.decode()


def test_a_sketch_belongs_to_its_writer(mert, draft, cast):
    answer = mert.post(reverse("surveys:version_sketch", args=[draft.pk]), form_of(mert, draft, **{"text-en-question": "Mine alone?"}))
    other = Client()
    other.force_login(cast.ada)
    assert "Mine alone?" not in other.get(answer["Location"]).content.decode()


def test_a_draft_full_of_nonsense_still_shows_something(mert, draft):
    data = form_of(mert, draft, **{"text-en-question": "{nope} <script>", "text-en-mail_body": "x" * 6000, "scale-preset": "what", "reasons-TOTAL_FORMS": "x"})
    answer = mert.post(reverse("surveys:version_sketch", args=[draft.pk]), data)
    page = mert.get(answer["Location"])
    assert page.status_code == 200
    assert "<script" not in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_trial_goes_to_its_writer_alone_is_marked_and_counts_nothing(mert, cast):
    draft = draft_of(mert)
    Survey.objects.filter(key="nps").update(sender_name="Vefa Ekibi", reply_to="team@vefa.test")
    data = form_of(mert, draft, **{"text-en-mail_subject": "Hi {first_name}", "pv-language": "en", "to": "harry@northgate.test", "email": "harry@northgate.test"})
    assert mert.post(reverse("surveys:version_test", args=[draft.pk]), data).status_code == 302
    with Sink() as sink, sink.session() as session:
        assert send_trials(now=timezone.now(), worker="w", session=session) == {"sent": 1}
        assert send_trials(now=timezone.now(), worker="w", session=session) == {}
    address, message = sink.kept[0]
    assert address == message["To"] == cast.mert.email
    assert message["Subject"] == "[TEST] Hi Alex"
    assert message["From"].addresses[0].display_name == "Vefa Ekibi"
    assert message["Reply-To"] == "team@vefa.test"
    plain = message.get_body(("plain",)).get_content()
    assert reverse("surveys:preview", args=[draft.pk, "en", "page"]) in plain
    assert re.search(r"/[su]/", plain) is None
    assert re.search(r'href="[^"]*/[su]/', message.get_body(("html",)).get_content()) is None
    assert (Invitation.objects.count(), SurveyLink.objects.count()) == (0, 0)
    assert SurveyVersion.objects.get(pk=draft.pk).texts.get(language="en").mail_subject != "Hi {first_name}"


def test_trials_are_few_a_minute(mert, draft):
    for _ in range(MOST_A_MINUTE + 2):
        mert.post(reverse("surveys:version_test", args=[draft.pk]))
    assert OutgoingMail.objects.filter(kind="test").count() == MOST_A_MINUTE


def test_no_trial_leaves_while_sending_is_off(mert, draft):
    Installation.objects.update_or_create(pk=1, defaults={"sending_enabled": False})
    answer = mert.post(reverse("surveys:version_test", args=[draft.pk]), follow=True)
    assert "Sending is switched off" in answer.content.decode()
    assert OutgoingMail.objects.count() == 0
