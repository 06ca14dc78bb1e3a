"""A CSM's Monday by keyboard alone: from signing in to the last thing done, without a pointer."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from playwright.sync_api import expect

from accounts.models import AccountEvent, WorkItem
from tests.browser import test_work
from tests.browser.test_work import book

pytestmark = test_work.pytestmark
browser = test_work.browser

# what has the focus, as somebody would say it
_NAMED = "() => { const at = document.activeElement; return (at.getAttribute('aria-label') || (at.labels && at.labels[0] && at.labels[0].innerText) || at.innerText || '').trim() }"


def tab_to(page: Any, name: str) -> None:
    """Presses Tab until something of that name has the focus; fails after forty presses."""
    seen = []
    for _press in range(40):
        seen.append(page.evaluate(_NAMED))
        if re.fullmatch(name, seen[-1]):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab; there were: {seen}")


def test_a_monday_by_keyboard_alone(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    items = book(cast.elif_)
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    # sign in
    page.goto(live_server.url + "/")
    tab_to(page, "E-mail")
    page.keyboard.type(cast.elif_.email)
    tab_to(page, "Password")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="My work")).to_be_visible()
    page.wait_for_load_state("networkidle")

    # the most urgent: done, with what came of it
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "Outcome.*")
    page.keyboard.type("Reached, n")
    tab_to(page, "Done")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(5)
    items[0].refresh_from_db()
    assert items[0].status == "done"
    assert items[0].outcome
    # a slip: taken back, and done again
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(6)
    items[0].refresh_from_db()
    assert items[0].status == "open"

    # the next is on holiday: asleep, with a reason
    page.keyboard.press("j")
    page.keyboard.press("s")
    tab_to(page, "Reason.*")
    page.keyboard.type("on holiday")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(5)
    assert WorkItem.objects.get(status="snoozed").snooze_reason == "on holiday"

    # a call, logged in two keystrokes
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Log a touch")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    touch = AccountEvent.objects.get(kind="touch.logged")
    assert touch.actor_id == cast.elif_.pk
    assert touch.payload["channel"] == "call"

    # somebody rings: who is that?
    page.keyboard.press("/")
    page.keyboard.type("izmir")
    expect(page.locator("#found a").first).to_contain_text("İzmir Kurye")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#found a").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="İzmir Kurye", level=1)).to_be_visible()
    assert page.url.endswith(f"/accounts/{items[4].account_id}/")

    # and back to the list; the keys are told
    tab_to(page, "My work")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(5)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert complaints == []
