"""How a question looks: numbers, faces or words, what is offered is what is taken, and every page is small."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from surveys.brand import contrast
from surveys.looks import PRESETS
from surveys.models import Response, Survey
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import everything, press, tell, weight_of_files

pytestmark = pytest.mark.django_db
WORDS = {
    "mail_subject": "s", "mail_body": "b", "question": "How was it?", "low_label": "the low end", "high_label": "the high end", "why_low": "What was bad?",
    "why_middle": "What was missing?", "why_high": "What was good?", "thanks": "Thank you.", "reason_labels": {"slow": "Too slow"},
}  # fmt: skip


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def customer():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def asked(cast, now):
    """Makes a survey of a scale and gives the token of a question sent an hour ago."""

    def make(kind, low, high, *, labels=None, languages=("en",), **fields):
        number = Survey.objects.count()
        brand = {name: fields.pop(name) for name in ("brand_color", "sender_name", "logo_file", "reply_to") if name in fields}
        survey = Survey.objects.create(key=f"look-{number}", name="Look", kind=kind, **brand)
        version = survey.versions.create(scale_min=low, scale_max=high, reasons=[{"key": "slow", "band": "low"}], **fields)
        for language in languages:
            version.texts.create(language=language, **WORDS, score_labels=labels or {})
        version.published_at = now
        version.save()
        invitation = planned(cast.selin, at=now, touchpoint=None, status="sent", sent_at=now - dt.timedelta(hours=1), wave=survey.key, language=languages[0])
        invitation.survey_version = version
        invitation.save()
        return link_to(invitation, now=now - dt.timedelta(hours=1))

    return make


def buttons(page):
    """(value, what a screen reader says) of every score, in the order of the page."""
    found = re.findall(r'<li><button type="submit" name="score" value="(\d+)"[^>]*?(?:aria-label="([^"]*)")?>(.*?)</button>', page, re.S)
    return [(int(value), label or re.sub(r"<[^>]+>", "", inner).strip()) for value, label, inner in found]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_every_scale_offers_its_scores_with_their_meaning_and_refuses_others(customer, asked, preset):
    token = asked(preset.kind, preset.low, preset.high, look=preset.look, offered=list(preset.offered), direction="high_good" if preset.high_good else "low_good", low_score=preset.low_score)  # fmt: skip
    scores = list(preset.offered) or list(range(preset.low, preset.high + 1))
    shown = buttons(customer.get(f"/s/{token}").content.decode())
    assert [value for value, _name in shown] == scores
    assert shown[0][1].endswith("the low end")
    assert shown[-1][1].endswith("the high end")
    before = everything()
    for strange in {preset.low - 1, preset.high + 1, *range(preset.low, preset.high + 1)} - set(scores):
        assert press(customer, token, strange).status_code == 400
    assert everything() == before
    assert press(customer, token, scores[1]).status_code == 303
    row = Response.objects.get()
    assert (row.score, row.scale_min, row.scale_max, row.direction) == (scores[1], preset.low, preset.high, "high_good" if preset.high_good else "low_good")


def test_three_faces_stand_for_one_three_and_five(customer, asked):
    token = asked("csat", 1, 5, offered=[1, 3, 5], labels={"1": "Bad", "3": "So so", "5": "Good"})
    page = customer.get(f"/s/{token}").content.decode()
    assert "faces of-3" in page
    assert page.count("<svg") == 3
    assert buttons(page) == [(1, "Bad"), (3, "So so"), (5, "Good")]
    assert press(customer, token, 2).status_code == 400
    press(customer, token, 3)
    assert (Response.objects.get().score, Response.objects.get().scale_max) == (3, 5)


@pytest.mark.parametrize(
    ("kind", "high", "look", "shape"),
    [
        ("csat", 5, "", "faces"),
        ("csat", 5, "numbers", "numbers"),
        ("nps", 10, "", "numbers"),
        ("exit", 5, "", "words"),
        ("ces", 7, "words", "words"),
        ("csat", 10, "faces", "numbers"),
    ],
)
def test_the_look_is_chosen_or_that_of_its_kind(customer, asked, kind, high, look, shape):
    page = customer.get(f"/s/{asked(kind, 1, high, look=look)}").content.decode()
    assert f'class="scale {shape} of-{high}"' in page
    assert ('class="ends"' in page) == (shape == "numbers"), "numbers need the words of both ends in sight"


def test_the_glad_face_stands_at_the_good_end_of_the_scale(customer, asked):
    glad = 'd="M9.2 18.6'
    faces = {way: customer.get(f"/s/{asked('ces', 1, 5, look='faces', direction=way)}").content.decode().split("<li>") for way in ("high_good", "low_good")}
    assert glad in faces["high_good"][5]
    assert glad in faces["low_good"][1]


@pytest.mark.parametrize(("direction", "score", "why"), [("high_good", 1, "What was bad?"), ("high_good", 7, "What was good?"), ("high_good", 4, "What was missing?"), ("low_good", 7, "What was bad?"), ("low_good", 1, "What was good?")])  # fmt: skip
def test_the_why_follows_the_meaning_of_the_score(customer, asked, direction, score, why):
    token = asked("ces", 1, 7, direction=direction)
    press(customer, token, score)
    page = customer.get(f"/s/{token}/done").content.decode()
    assert why in page
    assert ("Too slow" in page) == (why != "What was good?")


@pytest.mark.parametrize("colour", ["#ffe14d", "#000000", "#ffffff", "#23408e", "#7f7f7f"])
def test_a_brand_colour_is_made_readable_on_paper_and_at_night(customer, asked, colour):
    page = customer.get(f"/s/{asked('nps', 0, 10, brand_color=colour)}").content.decode()
    address = f"/brand/{colour[1:]}.css"
    assert f'<link rel="stylesheet" href="{address}">' in page
    style = customer.get(address)
    assert (style.status_code, style["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in style["Cache-Control"]
    light, dark = re.search(r"--accent: light-dark\((#\w+), (#\w+)\)", style.content.decode()).groups()
    on_light, on_dark = re.search(r"--on-accent: light-dark\((#\w+), (#\w+)\)", style.content.decode()).groups()
    assert contrast(light, "#ffffff") >= 4.5
    assert contrast(dark, "#1c1b1a") >= 4.5
    assert min(contrast(light, on_light), contrast(dark, on_dark)) >= 4.5


def test_only_colours_have_a_style(customer):
    for strange in ("GGGGGG", "fff", "1234567", "12345;", "FFFFFF"):
        assert customer.get(f"/brand/{strange}.css").status_code == 404


def test_the_page_names_the_surveys_sender_and_shows_its_logo(customer, asked):
    token = asked("nps", 0, 10, sender_name="Kervan & Co", logo_file="3f" * 16 + ".png", reply_to="care@kervan.test")
    page = customer.get(f"/s/{token}").content.decode()
    assert "<title>One question · Kervan &amp; Co</title>" in page
    assert re.search(r'<img class="sender" src="/brand/look-\d+/3f[^"]+\.png"[^>]* alt="Kervan &amp; Co">', page)
    Survey.objects.filter(sender_name="Kervan & Co").update(sender_name="Kervan")
    assert "Kervan</title>" in customer.get(f"/s/{token}").content.decode(), "what may change is not kept"


def test_a_right_to_left_language_mirrors_the_page_and_keeps_the_order_of_scores(customer, asked):
    page = customer.get(f"/s/{asked('nps', 0, 10, languages=('ar', 'en'))}").content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert [value for value, _name in buttons(page)] == list(range(11))


def test_exit_reasons_have_two_levels_and_a_detail_means_its_heading(customer, cast, now):
    hour_ago = now - dt.timedelta(hours=1)
    token = link_to(planned(cast.selin, survey="exit", touchpoint="subscription-cancelled", at=now, status="sent", sent_at=hour_ago), now=hour_ago)
    press(customer, token, 1)
    page = customer.get(f"/s/{token}/done").content.decode()
    assert page.count("<fieldset") == 5
    assert 'type="checkbox" name="reason" value="price.budget_cut"' in page, "the second level is there without a script"
    tell(customer, token, reason=["price.budget_cut"])
    assert Response.objects.get().reasons == ["price", "price.budget_cut"]


@pytest.mark.parametrize("survey", ["nps", "csat", "ces", "exit"])
@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_page_is_small_with_all_it_asks_for(customer, cast, now, survey, language):
    hour_ago = now - dt.timedelta(hours=1)
    Survey.objects.update(brand_color="#aa3300")
    invitation = planned(cast.selin, survey=survey, touchpoint=None, at=now, status="sent", sent_at=hour_ago, wave=survey)
    token = link_to(invitation, now=hour_ago)
    version = invitation.survey_version
    words = version.texts.get(language=language)
    sizes = {}

    def look(name, path):
        html = customer.get(f"{path}lang={language}").content.decode()
        sizes[name] = len(html.encode()) + weight_of_files(html)
        assert f'<html lang="{language}" dir="ltr">' in html
        return html

    page = look("question", f"/s/{token}?v=3&")
    for score in range(version.scale_min, version.scale_max + 1):
        assert words.score_labels[str(score)] in page
    press(customer, token, version.scale_min)
    assert words.why_low in look("why", f"/s/{token}/done?")
    tell(customer, token, comment="x" * 5000)
    assert words.thanks in look("thanks", f"/s/{token}/done?")
    Response.objects.update(answered_at=hour_ago - dt.timedelta(days=2))
    look("final", f"/s/{token}?")
    assert max(sizes.values()) < 50_000, sizes
