"""The mails of surveys: complete without images, safe against whatever a customer is called, the words of the segment."""

import datetime as dt
import email
import email.policy
import re
import uuid

import pytest

from accounts.models import Installation, OutgoingMail, Segment
from surveys.actions.letters import BLOTTED, write_letter
from surveys.models import SegmentLetter, Survey, SurveyText, SurveyVersion
from tests.surveys.making import NOW, happens, planned

pytestmark = pytest.mark.django_db
TOKEN, REFUSAL = "T" * 43, "R" * 43


def texts(invitation):
    return {text.language: text for text in SurveyText.objects.filter(version=invitation.survey_version).select_related("version__survey")}


def letter_to(contact, *, survey="nps", reminder=False, to=None, **fields):
    invitation = planned(contact, survey=survey, touchpoint=None, **fields)
    return write_letter(invitation, texts(invitation), mail=OutgoingMail(to_address=to or contact.email, attempt=1), token=TOKEN, refusal=REFUSAL, now=NOW, reminder=reminder)


def parts(letter):
    """Subject, plain text and HTML as a mail program reads them."""
    message = email.message_from_bytes(letter.content, policy=email.policy.default)
    assert message.defects == []
    return message, message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()


def draft_of(key):
    """A draft version beside the published one, so that words may be changed."""
    published = Survey.objects.get(key=key).versions.get(number=1)
    words = list(published.texts.all())
    version = SurveyVersion.objects.create(
        survey=published.survey, number=2, scale_min=published.scale_min, scale_max=published.scale_max, direction=published.direction, reasons=published.reasons
    )
    for text in words:
        text.pk, text.version = None, version
        text.save()
    return version


def letter_of(version, contact, *, reminder=False, language=None):
    invitation = planned(contact, survey=version.survey.key, touchpoint=None, wave=str(uuid.uuid4()))
    invitation.survey_version = version
    invitation.language = language or invitation.language
    return write_letter(invitation, texts(invitation), mail=OutgoingMail(to_address=contact.email, attempt=1), token=TOKEN, refusal=REFUSAL, now=NOW, reminder=reminder)


@pytest.mark.parametrize("survey", ["nps", "csat", "ces", "exit"])
def test_plain_text_comes_first_and_says_everything(cast, survey):
    Installation.objects.update_or_create(pk=1, defaults={"postal_address": "Moda Cad. 12, 34710 İstanbul"})
    for contact in (cast.selin, cast.harry):
        letter = letter_to(contact, survey=survey, wave=survey)
        message, plain, html = parts(letter)
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        version = Survey.objects.get(key=survey).versions.get()
        for score in range(version.scale_min, version.scale_max + 1):
            assert re.search(rf"^{score} \(.+\)\nhttps?://.+/s/{TOKEN}\?v={score}$", plain.replace("\r\n", "\n"), re.M)
        assert re.search(rf"/s/{TOKEN}\s", plain)
        assert f"/u/{REFUSAL}" in plain
        assert "Moda Cad. 12, 34710 İstanbul" in plain
        assert "Moda Cad. 12" in html
        assert all(len(line) < 76 for line in plain.splitlines())
        assert letter.content.isascii()
        assert all(len(line) < 76 for line in letter.content.split(b"--=_")[1].split(b"\r\n"))
        assert b"\n" not in letter.content.replace(b"\r\n", b"")


def test_html_holds_nothing_that_acts_or_is_fetched(cast):
    _message, _plain, html = parts(letter_to(cast.selin))
    assert re.search(r"<(script|form|iframe|img|link|object|embed|svg)\b", html) is None
    assert re.search(r"\bon[a-z]+=", html) is None
    assert "url(" not in html
    assert "@import" not in html
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert '<html lang="tr"' in html
    assert len(html.encode()) < 60_000


def test_headers_tell_machines_what_it_is_and_how_to_end_it(cast, settings):
    settings.UNSUBSCRIBE_MAILTO = "leave@vefa.test"
    letter = letter_to(cast.harry)
    message, _plain, _html = parts(letter)
    assert f"/u/{REFUSAL}>" in message["List-Unsubscribe"]
    assert f"<mailto:leave@vefa.test?subject=unsubscribe-{REFUSAL}>" in message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Feedback-ID"] == "request:nps:survey:vefa"
    assert message["Message-ID"] == letter.message_id
    assert message["To"] == "harry@northgate.test"
    assert message["Date"].datetime == NOW
    assert re.search(r"track|pixel|open\.gif", letter.content.decode()) is None


def test_turkish_words_arrive_whole(cast):
    message, plain, html = parts(letter_to(cast.selin))
    assert message["Subject"] == "Tek soru: Vefa önerilir mi?"
    assert letter_to(cast.selin, wave="again").content.count(b"Subject: =?utf-8?") == 1
    assert "Merhaba Selin Aydın," in plain
    assert "Boğaziçi Lojistik A.Ş." in html


@pytest.mark.parametrize(
    "name",
    [
        "x\r\nBcc: all@evil.test",
        "x\nSubject: y",
        "<script>alert(1)</script>",
        '"><img src=x onerror=y>',
        "{sender} {csm_email}",
        "a" * 300,
        "Ş" * 300,
        "\u202eevil",
        "=?utf-8?q?x?=",
        "\x00\x0b\x85",
    ],
)
def test_whatever_a_customer_is_called_nothing_breaks(cast, name):
    version = draft_of("nps")
    version.texts.update(mail_subject="{name}: {account}")
    type(cast.selin).objects.filter(pk=cast.selin.pk).update(name=name.replace("\x00", "")[:200])
    type(cast.boga).objects.filter(pk=cast.boga.pk).update(name=name.replace("\x00", "")[:200] or "x")
    cast.selin.refresh_from_db()
    letter = letter_of(version, cast.selin)
    message, plain, html = parts(letter)
    assert message.keys().count("Subject") == 1
    assert "Bcc" not in message
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in plain + html + message["Subject"]
    assert "vefa.test {" not in plain
    assert all(len(line) < 76 for line in plain.splitlines())
    assert all(len(line) < 400 for line in letter.content.split(b"\r\n\r\n")[0].split(b"\r\n"))
    if name.startswith("{sender}"):
        assert "{sender} {csm_email}" in plain


@pytest.mark.parametrize("address", ["a@b.test\r\nBcc: c@d.test", "a@b.test, c@d.test", "a@b.test>\n", '"x" <a@b.test>'])
def test_an_address_cannot_become_another_header_or_a_second_receiver(cast, address):
    letter = letter_to(cast.harry, to=address)
    message, _plain, _html = parts(letter)
    assert "Bcc" not in message
    assert len(message.get_all("To")) == 1
    assert "," not in message["To"]


def test_a_survey_has_its_own_sender_and_address_for_answers(cast):
    Survey.objects.filter(key="nps").update(sender_name='Çağrı "Q" Ltd\r\nBcc: x@y.test', sender_address="ask@firm.test", reply_to="team@firm.test")
    letter = letter_to(cast.harry)
    message, plain, _html = parts(letter)
    assert message["From"].addresses[0].addr_spec == "ask@firm.test"
    assert message["From"].addresses[0].display_name == 'Çağrı "Q" Ltd Bcc: x@y.test'
    assert message["Reply-To"] == "team@firm.test"
    assert "Bcc" not in message
    assert letter.sender == "ask@firm.test"
    assert letter.message_id.endswith("@firm.test>")
    assert 'recommend Çağrı "Q" Ltd' in plain


def test_accounts_of_a_segment_get_its_words_and_others_the_plain_ones(cast):
    version = draft_of("nps")
    vip = Segment.objects.get(key="vip")
    text = version.texts.get(language="en")
    SegmentLetter.objects.create(text=text, segment=vip, mail_subject="{first_name}, a word?", mail_body="Dear {name}, {csm|we} would like to know.")
    cast.north.segment = vip
    cast.north.save()
    cast.harry.account = cast.north
    message, plain, _html = parts(letter_of(version, cast.harry))
    assert message["Subject"] == "Harry, a word?"
    assert "Dear Harry Hill, Can Polat would like to know." in plain
    cast.north.segment = None
    cast.north.save()
    message, _plain, _html = parts(letter_of(version, cast.harry, language="en-GB"))
    assert message["Subject"] == "One question: would you recommend Vefa?"


def test_a_reminder_has_words_of_its_own_or_the_shipped_ones(cast):
    version = draft_of("nps")
    letter = letter_of(version, cast.selin, reminder=True)
    message, plain, _html = parts(letter)
    assert message["Subject"] == "Hatırlatma: Tek soru: Vefa önerilir mi?"
    assert "birkaç gün önce" in plain
    assert "Selin Aydın" in plain
    assert re.search(r"<[0-9a-f-]{36}\.r1@", letter.message_id)
    assert message["Feedback-ID"].endswith(":reminder:vefa")
    version.texts.filter(language="tr").update(reminder_subject="Hatırlatma", reminder_body="Merhaba {first_name}")
    message, plain, _html = parts(letter_of(version, cast.selin, reminder=True))
    assert message["Subject"] == "Hatırlatma"
    assert plain.splitlines()[0] == "Merhaba Selin"


@pytest.mark.parametrize(("offered", "look", "scores"), [([1, 3, 5], "faces", [1, 3, 5]), ([], "numbers", [1, 2, 3, 4, 5]), ([], "words", [1, 2, 3, 4, 5])])
def test_the_scores_offered_are_links_that_only_preselect(cast, offered, look, scores):
    version = draft_of("csat")
    version.offered, version.look = offered, look
    version.save()
    _message, plain, html = parts(letter_of(version, cast.harry))
    assert [int(found) for found in re.findall(rf"/s/{TOKEN}\?v=(\d+)", html)] == scores
    assert [int(found) for found in re.findall(rf"/s/{TOKEN}\?v=(\d+)", plain)] == scores
    assert re.search(r'title="(1, )?Very dissatisfied"', html)
    # a link is at least 44 px tall: its own height, or that of its line and what is around it
    assert {"faces": "min-height:58px", "numbers": "line-height:44px", "words": "padding:10px 16px;min-height:24px"}[look] in html
    assert ("\U0001f61e" in html) == (look == "faces")


def test_a_scale_of_one_to_ten_offers_ten(cast):
    version = draft_of("nps")
    version.scale_min = 1
    version.save()
    _message, plain, html = parts(letter_of(version, cast.harry))
    assert len(re.findall(rf"/s/{TOKEN}\?v=\d+", html)) == len(re.findall(rf"/s/{TOKEN}\?v=\d+", plain)) == 10


def test_brand_colour_and_logo_stand_in_the_html_alone(cast):
    Survey.objects.filter(key="nps").update(brand_color="#ffd400", logo_file="ab12.png", logo_width=120, logo_height=40, sender_name="Boğaz & Co")
    _message, plain, html = parts(letter_to(cast.harry))
    images = re.findall(r"<img\b[^>]*>", html)
    assert len(images) == 1
    assert 'alt="Boğaz &amp; Co"' in images[0]
    assert "/brand/nps/ab12.png" in images[0]
    assert "ffd400" in html
    assert "color:#ffd400" not in re.sub(r"background(-color)?:#ffd400|solid #ffd400", "", html)
    assert "/brand/" not in plain


def test_a_language_that_runs_from_the_right_is_set_so(cast):
    version = draft_of("nps")
    version.texts.filter(language="tr").update(language="ar", question="كم تقيّم خدمتنا؟")
    _message, plain, html = parts(letter_of(version, cast.selin, language="ar"))
    assert re.search(r'<html[^>]*\bdir="rtl"', html)
    assert "كم تقيّم خدمتنا؟" in plain


def test_what_is_kept_holds_no_token(cast):
    letter = letter_to(cast.harry)
    assert TOKEN not in letter.archived_text
    assert REFUSAL not in letter.archived_text
    assert BLOTTED in letter.archived_text
    assert letter.message.get_body(("plain",)).get_content().replace("\r\n", "\n").replace(TOKEN, BLOTTED).replace(REFUSAL, BLOTTED) == letter.archived_text


def test_the_facts_of_the_event_fill_product_and_renewal(cast):
    version = draft_of("nps")
    version.texts.update(mail_body="{product|it} renews on {renews_on|soon}.")
    invitation = planned(cast.harry, survey="nps", touchpoint="renewal-due")
    invitation.survey_version = version
    letter = write_letter(invitation, texts(invitation), mail=OutgoingMail(to_address="a@b.test", attempt=1), token=TOKEN, refusal=REFUSAL, now=NOW)
    assert "it renews on soon." in parts(letter)[1]
    invitation.event = happens(cast.harry, "subscription.renewal_due", subscription="s1", renews_at="2026-05-01T00:00:00+00:00", days=60, at=NOW - dt.timedelta(hours=1))
    letter = write_letter(invitation, texts(invitation), mail=OutgoingMail(to_address="a@b.test", attempt=1), token=TOKEN, refusal=REFUSAL, now=NOW)
    assert re.search(r"it renews on .*May.*2026", parts(letter)[1])
