"""The editor of surveys in a browser: the preview follows what is typed, works without script, and axe has nothing to say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from surveys.actions.survey_versions import open_draft
from surveys.models import Survey, SurveyText, SurveyVersion

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)"),
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


def enter(browser: Any, address: str, user: Any, **options: Any) -> tuple[Any, list[str]]:
    """A page with the user's session, and what its console complains of."""
    client = Client()
    client.force_login(user)
    context = browser.new_context(**options)
    context.add_cookies([{"name": name, "value": cookie.value, "url": address} for name, cookie in client.cookies.items()])
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} and "favicon" not in str(message.location) else None)
    return page, said


def draft(cast: SimpleNamespace, key: str = "csat") -> SurveyVersion:
    return open_draft(survey_id=Survey.objects.get(key=key).pk, actor=cast.ada)


def test_the_preview_follows_what_is_typed_and_saves_nothing(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    version = draft(cast)
    page, said = enter(browser, live_server.url, cast.ada, viewport={"width": 1440, "height": 1000})
    page.goto(f"{live_server.url}/surveys/versions/{version.pk}/")
    frame = page.frame_locator("iframe[name=pv-frame]")
    expect(frame.get_by_text("Overall, how satisfied", exact=False).last).to_be_visible()
    page.locator("[name=text-en-question]").fill("Was it good, {first_name|friend}?")
    expect(frame.get_by_text("Was it good, Alex?").last).to_be_visible()
    page.get_by_role("radio", name="Page").check()
    expect(frame.get_by_role("heading", name="Was it good, friend?")).to_be_visible()
    page.get_by_role("radio", name="Türkçe").check()
    page.get_by_label("three of five: 1, 3 and 5").check()
    expect(frame.get_by_role("button")).to_have_count(3)
    assert not SurveyText.objects.filter(question__startswith="Was it good").exists()
    page.get_by_role("button", name="Save draft").first.click()
    page.get_by_text("Draft saved.").wait_for()
    version.refresh_from_db()
    assert version.offered == [1, 3, 5]
    assert version.texts.get(language="en").question == "Was it good, {first_name|friend}?"
    assert said == []


def test_a_draft_is_written_previewed_and_published_without_script(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    version = draft(cast)
    page, _said = enter(browser, live_server.url, cast.ada, java_script_enabled=False)
    page.goto(f"{live_server.url}/surveys/versions/{version.pk}/")
    page.locator("[name=text-en-question]").fill("Without a script?")
    page.get_by_role("button", name="Show").click()
    expect(page.frame_locator("iframe[name=pv-frame]").get_by_text("Without a script?").last).to_be_visible()
    page.get_by_role("button", name="Save draft").first.click()
    page.get_by_role("link", name="Publish…").click()
    expect(page.get_by_text("Without a script?")).to_be_visible()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("is published").first.wait_for()
    version.refresh_from_db()
    assert version.is_frozen


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1440, "en"), ("dark", 320, "tr")])
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int, language: str) -> None:
    cast.ada.language, cast.ada.theme = language, scheme
    cast.ada.save()
    version = draft(cast, "exit")
    published = Survey.objects.get(key="nps").versions.get()
    page, said = enter(browser, live_server.url, cast.ada, color_scheme=scheme, viewport={"width": width, "height": 844})
    for path in (
        "editor/", "editor/new/", "editor/of/exit/", f"versions/{version.pk}/", f"versions/{published.pk}/", f"versions/{version.pk}/letters/", f"versions/{version.pk}/publish/",
        f"preview/{version.pk}/{language}/mail/?theme={scheme}", f"preview/{published.pk}/{language}/page/?theme={scheme}",
    ):  # fmt: skip
        page.goto(f"{live_server.url}/surveys/{path}")
        page.wait_for_load_state("networkidle")
        found = Axe().run(page, options=RULES).response["violations"]
        assert [
            f"{path} {entry['id']}: {entry['nodes'][0]['html'][:160]}"
            for entry in found
            if not ("preview" in path and "mail" in path and entry["id"] in {"region", "landmark-one-main", "page-has-heading-one"})
        ] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert said == []
