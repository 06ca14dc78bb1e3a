"""The editor of surveys: who may do what, drafts that others cannot overwrite unseen, publishing that freezes."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import Error, transaction
from django.urls import reverse

from accounts.models import Segment
from surveys.models import SegmentLetter, Survey, SurveyLogo, SurveyText, SurveyVersion

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00x\x00\x00\x00(\x08\x06\x00\x00\x00" + b"\x00" * 40


def draft_of(client, key="nps"):
    """A draft made through the page, as its maker."""
    answer = client.post(reverse("surveys:editor_draft", args=[key]))
    assert answer.status_code == 302
    return SurveyVersion.objects.get(survey__key=key, published_at=None)


def form_of(client, version, **changes):
    """What the browser would send from the page of a draft, with some fields typed over."""
    page = client.get(reverse("surveys:version", args=[version.pk]))
    forms = page.context["forms"]
    data = {"revision": version.revision}
    for form in (forms.scale, *forms.texts, forms.reasons.management_form, *forms.reasons.forms):
        for field in form:
            value = field.value()
            data[field.html_name] = "" if value is None or value is False else value
    return {**data, **changes}


@pytest.fixture
def mert(client, cast):
    client.force_login(cast.mert)
    return client


@pytest.fixture
def draft(mert):
    return draft_of(mert)


def pages(version):
    return [
        ("get", reverse("surveys:editor")), ("get", reverse("surveys:editor_survey", args=["nps"])), ("get", reverse("surveys:version", args=[version.pk])),
        ("get", reverse("surveys:version_letters", args=[version.pk])), ("get", reverse("surveys:preview", args=[version.pk, "en", "mail"])),
        ("get", reverse("surveys:preview", args=[version.pk, "tr", "page"])),
    ]  # fmt: skip


def writes(version):
    return [
        ("get", reverse("surveys:editor_new")), ("post", reverse("surveys:editor_new")), ("post", reverse("surveys:editor_survey", args=["nps"])),
        ("post", reverse("surveys:editor_draft", args=["csat"])), ("post", reverse("surveys:version", args=[version.pk])),
        ("post", reverse("surveys:version_letters", args=[version.pk])), ("get", reverse("surveys:version_publish", args=[version.pk])),
        ("post", reverse("surveys:version_publish", args=[version.pk])), ("post", reverse("surveys:version_discard", args=[version.pk])),
        ("post", reverse("surveys:version_sketch", args=[version.pk])), ("post", reverse("surveys:version_test", args=[version.pk])),
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["ada", "mert", "elif_", "vera"])
def test_everybody_who_reads_programmes_reads_surveys(client, cast, draft, who):
    client.force_login(getattr(cast, who))
    for method, address in pages(draft):
        assert getattr(client, method)(address).status_code == 200, address


@pytest.mark.parametrize("who", ["deniz", "ana"])
def test_agents_and_analysts_find_nothing(client, cast, draft, who):
    client.force_login(getattr(cast, who))
    for method, address in pages(draft) + writes(draft):
        assert getattr(client, method)(address).status_code == 404, address
    assert SurveyVersion.objects.count() == 5


@pytest.mark.parametrize("who", ["elif_", "vera"])
def test_readers_write_nothing(client, cast, draft, who):
    client.force_login(getattr(cast, who))
    before = list(SurveyVersion.objects.values_list("pk", "revision", "published_at"))
    for method, address in writes(draft):
        assert getattr(client, method)(address, {"revision": 1}).status_code == 403, address
    assert list(SurveyVersion.objects.values_list("pk", "revision", "published_at")) == before
    assert Survey.objects.count() == 4


def test_strangers_are_sent_to_the_login(client, cast, draft):
    client.logout()
    for method, address in pages(draft) + writes(draft):
        answer = getattr(client, method)(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/")


def test_what_is_not_there_is_404(mert):
    for name, args in (("version", [99999]), ("editor_survey", ["nope"]), ("version_publish", [99999]), ("preview", [99999, "en", "mail"])):
        assert mert.get(reverse(f"surveys:{name}", args=args)).status_code == 404
    version = SurveyVersion.objects.first()
    assert mert.get(reverse("surveys:preview", args=[version.pk, "en", "nothing"])).status_code == 404


def test_a_draft_begins_as_a_copy_of_the_newest_version_and_there_is_only_one(mert, draft):
    published = Survey.objects.get(key="nps").versions.get(number=1)
    assert (draft.number, draft.reasons, draft.low_score, draft.published_at) == (2, published.reasons, 6, None)
    for text in published.texts.all():
        copy = draft.texts.get(language=text.language)
        assert (copy.mail_body, copy.score_labels, copy.reason_labels) == (text.mail_body, text.score_labels, text.reason_labels)
    assert draft_of(mert) == draft


def test_words_scale_and_look_are_saved(mert, draft):
    changes = {
        "text-en-question": "Would you recommend {sender}?",
        "text-tr-thanks": "Sağ olun.",
        "scale-preset": "nps-1-10",
        "text-en-mail_body": "Hello {name|there}\r\n\r\nOne question.",
    }
    answer = mert.post(reverse("surveys:version", args=[draft.pk]), form_of(mert, draft, **changes))
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert (draft.scale_min, draft.scale_max, draft.low_score, draft.revision) == (1, 10, 6, 2)
    english = draft.texts.get(language="en")
    assert (english.question, english.mail_body) == ("Would you recommend {sender}?", "Hello {name|there}\n\nOne question.")
    assert "0" not in english.score_labels
    assert english.score_labels["10"] == "extremely likely"
    assert draft.texts.get(language="tr").thanks == "Sağ olun."
    assert len(english.reason_labels) == 7


@pytest.mark.parametrize(
    ("field", "words", "message"),
    [
        ("text-en-mail_subject", "Hi {firstname}", "{firstname} is no placeholder. There are: {name}"),
        ("text-tr-question", "{{name}}?", "{{name}} is no placeholder"),
        ("text-en-thanks", "Thanks {name}", "{name} would be shown as it is"),
        ("text-en-score_3", "{name}", "{name} would be shown as it is"),
        ("reasons-0-label_en", "{csm}", "{csm} would be shown as it is"),
        ("scale-look", "faces", "More than five faces cannot be told apart"),
        ("scale-preset", "csat-5", "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field_and_changes_nothing(mert, draft, field, words, message):
    before = list(SurveyText.objects.order_by("pk").values())
    answer = mert.post(reverse("surveys:version", args=[draft.pk]), form_of(mert, draft, **{field: words}))
    assert answer.status_code == 422
    assert message.replace("'", "&#x27;") in answer.content.decode()
    assert list(SurveyText.objects.order_by("pk").values()) == before
    draft.refresh_from_db()
    assert (draft.revision, draft.look) == (1, "")


def test_a_draft_that_somebody_else_saved_is_not_overwritten_unseen(mert, draft, cast, client):
    mine = form_of(mert, draft, **{"text-en-question": "Mine?"})
    theirs = form_of(mert, draft, **{"text-en-question": "Theirs?"})
    assert mert.post(reverse("surveys:version", args=[draft.pk]), theirs).status_code == 302
    answer = mert.post(reverse("surveys:version", args=[draft.pk]), mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Theirs?" in page
    assert "Mine?" in page
    assert draft.texts.get(language="en").question == "Theirs?"
    again = {**mine, "revision": re.search(r'name="revision" value="(\d+)"', page)[1]}
    assert mert.post(reverse("surveys:version", args=[draft.pk]), again).status_code == 302
    assert draft.texts.get(language="en").question == "Mine?"


def test_reasons_are_added_renamed_sorted_nested_and_removed(mert, draft):
    data = form_of(mert, draft)
    data |= {
        "reasons-0-label_en": "Worth it", "reasons-6-ORDER": 1, "reasons-0-ORDER": 2, "reasons-1-DELETE": "on",
        "reasons-7-label_en": "Slow at night", "reasons-7-label_tr": "Geceleri yavaş", "reasons-7-parent": "reliability", "reasons-7-band": "low", "reasons-7-ORDER": 9,
    }  # fmt: skip
    assert mert.post(reverse("surveys:version", args=[draft.pk]), data).status_code == 302
    draft.refresh_from_db()
    keys = [entry["key"] for entry in draft.reasons]
    assert keys == ["other", "value", "features", "reliability", "reliability.slow_at_night", "support", "price"]
    assert draft.reasons[4] == {"key": "reliability.slow_at_night", "band": "low", "parent": "reliability"}
    english, turkish = draft.texts.get(language="en"), draft.texts.get(language="tr")
    assert (english.reason_labels["value"], turkish.reason_labels["reliability.slow_at_night"]) == ("Worth it", "Geceleri yavaş")
    assert "ease" not in english.reason_labels


def test_publishing_freezes_the_version_in_the_database_too(mert, draft):
    mert.post(reverse("surveys:version", args=[draft.pk]), form_of(mert, draft, **{"text-en-question": "Would you?"}))
    page = mert.get(reverse("surveys:version_publish", args=[draft.pk])).content.decode()
    assert "<ins>Would you?</ins>" in page
    assert "<del>How likely are you to recommend {sender} to a friend or colleague?</del>" in page
    assert mert.post(reverse("surveys:version_publish", args=[draft.pk]), {"revision": 1}).status_code == 409
    draft.refresh_from_db()
    assert not draft.is_frozen
    assert mert.post(reverse("surveys:version_publish", args=[draft.pk]), {"revision": 2}).status_code == 302
    draft.refresh_from_db()
    assert draft.is_frozen
    for change in (
        lambda: draft.texts.update(question="x"),
        lambda: SurveyVersion.objects.filter(pk=draft.pk).update(scale_min=1),
        lambda: SegmentLetter.objects.create(text=draft.texts.first(), segment=Segment.objects.first(), mail_subject="x", mail_body="y"),
    ):
        with pytest.raises(Error), transaction.atomic():
            change()
    answer = mert.post(reverse("surveys:version", args=[draft.pk]), {"revision": 2})
    assert answer.status_code == 302
    assert mert.post(reverse("surveys:version_discard", args=[draft.pk]), {"revision": 2}).status_code == 302
    assert SurveyVersion.objects.filter(pk=draft.pk).exists()
    assert "<form" in mert.get(reverse("surveys:version", args=[draft.pk])).content.decode()


def test_an_unfinished_draft_is_not_published(mert, draft):
    data = form_of(mert, draft, **{"text-tr-question": "", "text-tr-reminder_subject": "Hatırlatma", "reasons-7-label_en": "New"})
    assert mert.post(reverse("surveys:version", args=[draft.pk]), data).status_code == 302
    answer = mert.post(reverse("surveys:version_publish", args=[draft.pk]), {"revision": 2})
    page = answer.content.decode()
    assert answer.status_code == 422
    for words in ("Question (Türkçe)", "Text of the reminder (Türkçe)", "Each reason needs words: new."):
        assert words in page
    draft.refresh_from_db()
    assert not draft.is_frozen


def test_a_draft_is_thrown_away_with_its_words(mert, draft):
    assert mert.post(reverse("surveys:version_discard", args=[draft.pk]), {"revision": 7}).status_code == 302
    assert SurveyVersion.objects.filter(pk=draft.pk).exists()
    mert.post(reverse("surveys:version_discard", args=[draft.pk]), {"revision": 1})
    assert not SurveyVersion.objects.filter(pk=draft.pk).exists()
    assert Survey.objects.filter(key="nps").exists()


@pytest.mark.parametrize(
    ("preset", "scale"),
    [("nps-1-10", (1, 10, [], "high_good")), ("csat-3", (1, 5, [1, 3, 5], "high_good")), ("ces-7-effort", (1, 7, [], "low_good")), ("exit-5", (1, 5, [], "high_good"))],
)
def test_a_new_survey_begins_as_a_draft_in_shipped_words(mert, preset, scale):
    answer = mert.post(reverse("surveys:editor_new"), {"name": "Yeni anket", "key": "yeni-anket", "preset": preset})
    version = SurveyVersion.objects.get(survey__key="yeni-anket")
    assert answer["Location"] == reverse("surveys:version", args=[version.pk])
    assert (version.scale_min, version.scale_max, version.offered, version.direction) == scale
    assert {text.language for text in version.texts.all()} == {"en", "tr"}
    assert not version.is_frozen
    assert mert.get(answer["Location"]).status_code == 200
    mert.post(reverse("surveys:version_discard", args=[version.pk]), {"revision": 1})
    assert not Survey.objects.filter(key="yeni-anket").exists()


@pytest.mark.parametrize("key", ["nps", "Üç", "a b", ""])
def test_a_key_that_is_taken_or_no_key_is_refused(mert, key):
    assert mert.post(reverse("surveys:editor_new"), {"name": "x", "key": key, "preset": "nps-0-10"}).status_code == 422
    assert Survey.objects.count() == 4


def brand(**fields):
    return {"name": "Relationship NPS", "sender_name": "", "sender_address": "", "reply_to": "", "brand_color": "", "revision": 1, **fields}


def upload(content, name="logo.png"):
    return SimpleUploadedFile(name, content)


def test_brand_sender_and_logo_hold_at_once_and_the_picture_is_public(mert, client):
    address = reverse("surveys:editor_survey", args=["nps"])
    assert mert.post(address, brand(sender_name="Vefa Ekibi", brand_color="#ffd400", reply_to="a@b.test", logo=upload(PNG))).status_code == 302
    survey = Survey.objects.get(key="nps")
    assert (survey.sender_name, survey.brand_color, survey.reply_to, survey.logo_width, survey.logo_height, survey.revision) == ("Vefa Ekibi", "#ffd400", "a@b.test", 120, 40, 2)
    client.logout()
    picture = client.get(f"/brand/nps/{survey.logo_file}")
    assert (picture.status_code, picture["Content-Type"], picture.content) == (200, "image/png", PNG)
    assert "immutable" in picture["Cache-Control"]
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in picture
    assert client.get(f"/brand/csat/{survey.logo_file}").status_code == 404
    assert client.post(f"/brand/nps/{survey.logo_file}").status_code in {403, 405}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "logo.svg"),
        (b"<html>", "logo.png"),
        (PNG + b"\0" * 200_000, "logo.png"),
        (b"\x89PNG\r\n\x1a\n", "logo.png"),
        (b"GIF89a\0\0\0\0", "x.gif"),
    ],
)
def test_what_is_no_small_picture_is_refused_by_its_first_bytes(mert, content, name):
    answer = mert.post(reverse("surveys:editor_survey", args=["nps"]), brand(logo=upload(content, name)))
    assert answer.status_code == 422
    assert SurveyLogo.objects.count() == 0
    assert Survey.objects.get(key="nps").revision == 1


def test_a_brand_that_somebody_else_saved_is_not_overwritten_unseen(mert):
    address = reverse("surveys:editor_survey", args=["nps"])
    mert.post(address, brand(sender_name="Theirs"))
    answer = mert.post(address, brand(sender_name="Mine"))
    assert answer.status_code == 409
    assert "Theirs" in answer.content.decode()
    assert Survey.objects.get(key="nps").sender_name == "Theirs"
    assert mert.post(address, brand(sender_name="Mine", revision=2)).status_code == 302


@pytest.mark.parametrize("field", [{"brand_color": "red"}, {"sender_address": "a@b\r\nBcc: c@d.e"}, {"reply_to": "nobody"}])
def test_a_brand_that_cannot_be_is_refused(mert, field):
    assert mert.post(reverse("surveys:editor_survey", args=["nps"]), brand(**field)).status_code == 422
    assert Survey.objects.get(key="nps").revision == 1


def test_mails_for_a_segment_are_written_changed_and_taken_away(mert, draft):
    vip = Segment.objects.get(key="vip")
    address = reverse("surveys:version_letters", args=[draft.pk])
    words = {f"letter-en-{vip.pk}-mail_subject": "Dear {first_name}", f"letter-en-{vip.pk}-mail_body": "A word."}
    assert mert.post(address, {"revision": 1, **words}).status_code == 302
    letter = SegmentLetter.objects.get(text__version=draft)
    assert (letter.text.language, letter.segment, letter.mail_subject) == ("en", vip, "Dear {first_name}")
    assert mert.post(address, {"revision": 1, **words}).status_code == 409
    wrong = mert.post(address, {"revision": 2, **words, f"letter-en-{vip.pk}-mail_body": "{nope}"})
    assert wrong.status_code == 422
    assert "{nope} is no placeholder" in wrong.content.decode()
    assert mert.post(address, {"revision": 2, f"letter-tr-{vip.pk}-mail_subject": "Konu"}).status_code == 422
    assert SegmentLetter.objects.get().mail_body == "A word."
    assert mert.post(address, {"revision": 2}).status_code == 302
    assert SegmentLetter.objects.count() == 0


def test_pages_ask_a_bounded_number_of_questions(mert, draft, django_assert_max_num_queries):
    for name, args, most in (
        ("editor", [], 14),
        ("editor_survey", ["nps"], 14),
        ("version", [draft.pk], 32),
        ("version_publish", [draft.pk], 24),
        ("version_letters", [draft.pk], 16),
    ):
        with django_assert_max_num_queries(most):
            assert mert.get(reverse(f"surveys:{name}", args=args)).status_code == 200
