"""The pages customers see, in a browser: every state to the eyes of axe, large enough to touch, and answered by keyboard without script."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from django.utils import timezone
from playwright.sync_api import sync_playwright

from accounts.models import Contact
from surveys.models import Response, Survey, SurveyLink
from tests.surveys.making import link_to, planned

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)"),
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# 640 is what 1280 is at twice the size
WIDTHS = (320, 640, 768, 1280)
LOOK = """() => {
    const box = element => element.getBoundingClientRect(), shown = element => box(element).width > 0;
    const all = query => [...document.querySelectorAll(query)].filter(shown);
    const scores = all('.scale button'), reach = 'button, label:has(input), textarea, header a, .thanks a';
    return {
        small: all(reach).filter(e => box(e).height < 43.5 || box(e).width < 43.5).map(e => e.outerHTML.slice(0, 90)),
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
        rows: new Set(scores.map(e => Math.round(box(e).top))).size,
        order: scores.map(e => Math.round(box(e).left)),
    };
}"""


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def ask(cast: SimpleNamespace) -> Callable[..., str]:
    """Makes a link of a survey sent an hour ago, answered already where fields of an answer are given."""
    hour_ago = timezone.now() - dt.timedelta(hours=1)

    def make(survey: str, *, kind: str = "invite", answer: dict[str, Any] | None = None, **fields: Any) -> str:
        person = Contact.objects.create(account=cast.boga, email=f"c{Contact.objects.count()}@bogazici.test", name="İrem Işık", language="tr")
        invitation = planned(person, survey=survey, touchpoint=None, at=hour_ago, status="sent", sent_at=hour_ago, **fields)
        if answer is not None:
            version = invitation.survey_version
            assert version is not None
            given = {"score": version.scale_min, "answered_at": timezone.now(), "state": "partial", **answer}
            Response.objects.create(
                survey=version.survey, survey_version=version, kind=version.survey.kind, invitation=invitation, account=cast.boga, contact=person,
                scale_min=version.scale_min, scale_max=version.scale_max, **given,
            )  # fmt: skip
        return link_to(invitation, kind=kind, now=hour_ago)

    return make


def three_faces() -> None:
    """Beside the shipped ones: three faces on a scale of five, in a loud colour."""
    survey = Survey.objects.create(key="faces", name="Faces", kind="csat", brand_color="#ffe14d", sender_name="Kervan")
    version = survey.versions.create(scale_min=1, scale_max=5, offered=[1, 3, 5])
    words = {"mail_subject": "s", "mail_body": "b", "low_label": "Bad", "high_label": "Good", "why_low": "Why?", "why_high": "Why?", "thanks": "Thank you."}
    for language, question in (("en", "How was it?"), ("tr", "Nasıldı?"), ("ar", "كيف كان؟")):
        version.texts.create(language=language, question=question, score_labels={"1": "Bad", "3": "So so", "5": "Good"}, **words)


def states(ask: Callable[..., str]) -> dict[str, str]:
    """The path of every state that a page can be in."""
    three_faces()
    over = ask("nps")
    long_ago = timezone.now() - dt.timedelta(days=3)
    found = {
        "NPS": f"/s/{ask('nps')}?", "preselected": f"/s/{ask('nps')}?v=9&", "somebody else": f"/s/{ask('nps')}?other=1&", "CSAT faces": f"/s/{ask('csat', rated_object='4760')}?",
        "three faces": f"/s/{ask('faces')}?", "CES": f"/s/{ask('ces')}?", "exit": f"/s/{ask('exit')}?", "why": f"/s/{ask('nps', answer={})}/done?",
        "two levels": f"/s/{ask('exit', answer={})}/done?", "why, faces": f"/s/{ask('faces', answer={})}/done?",
        "thanks": f"/s/{ask('nps', answer={'state': 'complete', 'call_me': True})}/done?", "final": f"/s/{ask('nps', answer={'answered_at': long_ago})}?", "over": f"/s/{over}?",
        "open it again": f"/s/{ask('csat', rated_object='4760', answer={'state': 'complete', 'score': 2})}/done?", "unknown": "/s/nobody?", "refuse": f"/u/{ask('nps', kind='unsubscribe')}?",
    }  # fmt: skip
    revoked = SurveyLink.objects.order_by("id").first()
    assert revoked is not None
    SurveyLink.objects.filter(pk=revoked.pk).update(revoked_at=long_ago)
    return found


def test_axe_finds_nothing_on_any_page_and_everything_can_be_touched(browser: Any, live_server: Any, ask: Callable[..., str]) -> None:
    complaints: list[str] = []
    axe = Path(AXE_FILE_PATH).read_text()
    paths = states(ask)
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            # a context of its own: a page that is resized and recoloured again and again may stand still in a busy browser
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" and "status of 4" not in message.text else None)
            for name, path in paths.items():
                for language in ("en", "tr"):
                    place = (name, language, scheme, width)
                    page.goto(f"{live_server.url}{path}lang={language}")
                    if width == 1280 or (scheme, width) == ("light", 320):
                        page.evaluate(axe)
                        found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)["violations"]
                        assert found == [], (place, [(each["id"], [node["html"][:120] for node in each["nodes"][:2]]) for each in found])
                    seen = page.evaluate(LOOK)
                    assert (seen["small"], seen["wide"]) == ([], False), place
                    if name == "NPS":
                        assert seen["rows"] == (2 if width == 320 else 1), place
            context.close()
    assert complaints == []


def test_right_to_left_mirrors_the_scale(browser: Any, live_server: Any, ask: Callable[..., str]) -> None:
    three_faces()
    token = ask("faces")
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{live_server.url}/s/{token}?lang=en")
    order = page.evaluate(LOOK)["order"]
    assert order == sorted(order)
    page.goto(f"{live_server.url}/s/{token}?lang=ar")
    assert page.locator("html").get_attribute("dir") == "rtl"
    mirrored = page.evaluate(LOOK)["order"]
    assert mirrored == sorted(mirrored, reverse=True)
    assert [button.get_attribute("value") for button in page.locator(".scale button").all()] == ["1", "3", "5"]


def test_the_keyboard_alone_answers_without_script_and_without_images(browser: Any, live_server: Any, ask: Callable[..., str]) -> None:
    token = ask("exit")
    page = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800}).new_page()
    page.route("**/*.{svg,png,jpg}", lambda route: route.abort())
    page.goto(f"{live_server.url}/s/{token}?lang=en")
    # longer than a machine looks
    page.wait_for_timeout(1600)

    def focused() -> str:
        return page.locator(":focus").inner_text() if page.locator(":focus").count() else ""

    def tab_to(words: str, key: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.locator(f":focus:text-is('{words}'), label:has(:focus):text-is('{words}')").count():
                assert page.locator(":focus-visible").count() == 1, "the focus can be seen"
                page.keyboard.press(key)
                return
        raise AssertionError(f"no way to {words}, only to {focused()}")

    tab_to("rather not", "Enter")
    page.wait_for_url("**/done*")
    assert Response.objects.get().score == 2
    page.wait_for_timeout(1600)
    tab_to("Price", "Space")
    tab_to("Our budget was cut", "Space")
    tab_to("Send", "Enter")
    page.get_by_role("heading", name="Thank you").wait_for()
    row = Response.objects.get()
    assert (row.reasons, row.state, row.is_suspect) == (["price", "price.budget_cut"], "complete", False)


def test_a_page_closed_before_the_comment_loses_no_score(browser: Any, live_server: Any, ask: Callable[..., str]) -> None:
    tokens = [ask("nps") for _ in range(5)]
    context = browser.new_context()
    pages = []
    for token in tokens:
        page = context.new_page()
        page.goto(f"{live_server.url}/s/{token}")
        pages.append(page)
    pages[0].wait_for_timeout(1600)
    for score, page in enumerate(pages):
        # a page behind another one takes no press
        page.bring_to_front()
        page.locator(f".scale button[value='{score}']").click()
        page.wait_for_url("**/done*")
        page.close()
    assert sorted(Response.objects.counted().values_list("score", "state")) == [(score, "partial") for score in range(5)]
