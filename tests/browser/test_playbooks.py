"""Playbooks in a browser: steps of a draft come, move and go without losing a word; and to the eyes of axe in light, dark and on a small phone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from accounts.actions.playbook_versions import open_draft
from accounts.models import Playbook, PlaybookVersion
from tests.browser.test_editor import RULES, browser, enter, pytestmark  # noqa: F401


def draft(cast: SimpleNamespace, key: str) -> PlaybookVersion:
    """The draft of a shipped playbook."""
    return open_draft(playbook_id=Playbook.objects.get(key=key).pk, actor=cast.ada, now=cast.boga.created_at)


def test_steps_come_move_and_go_without_losing_a_word(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    version = draft(cast, "card-refused")
    page, said = enter(browser, live_server.url, cast.ada, viewport={"width": 1400, "height": 1000})
    page.goto(f"{live_server.url}/playbooks/card-refused/edit/")
    steps = page.locator("[data-kind] h3")
    expect(steps).to_have_count(5)
    page.get_by_role("button", name="Work for a person").click()
    expect(steps).to_have_count(6)
    page.locator("[name=s5-title_en]").fill("Thank them")
    page.get_by_role("button", name="Move step 6 up").click()
    expect(page.locator("section.step").nth(4).locator("[name=s5-title_en]")).to_have_value("Thank them")
    page.get_by_role("button", name="Remove step 2").click()
    expect(steps).to_have_count(5)
    page.get_by_role("button", name="Save draft").last.click()
    expect(page.locator("section.step")).to_have_count(5)
    page.wait_for_load_state("networkidle")
    version.refresh_from_db()
    assert [step["key"] for step in version.steps] == ["new-card", "ask", "to-the-end", "work-1", "decide"]
    assert said == []


@pytest.mark.parametrize(
    ("scheme", "width", "paths"),
    [("light", 1400, ("", "offboarding/edit/", "dunning/past/")), ("dark", 320, ("offboarding/", "offboarding/try/?account={}", "dunning/runs/", "new/"))],
)
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int, paths: tuple[str, ...]) -> None:  # noqa: F811
    cast.ada.theme = scheme
    cast.ada.save()
    draft(cast, "offboarding")
    page, said = enter(browser, live_server.url, cast.ada, color_scheme=scheme, viewport={"width": width, "height": 844})
    for path in paths:
        page.goto(f"{live_server.url}/playbooks/{path.format(cast.boga.pk)}")
        page.wait_for_load_state("networkidle")
        found = Axe().run(page, options=RULES).response["violations"]
        assert [f"{path} {entry['id']}: {entry['nodes'][0]['html'][:200]}" for entry in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert said == []
