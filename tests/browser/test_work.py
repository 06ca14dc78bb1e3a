"""My work in a browser: by keyboard, by dialog, in bulk, with undo; and to the eyes of axe."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect, sync_playwright

from accounts.models import Account, User, WorkItem
from tests.accounts.work_builders import account

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


def book(owner: User) -> list[WorkItem]:
    """Six items over three groups, the most valuable first in each."""
    now = timezone.now()
    names = ["Boğaziçi Lojistik", "Northgate Freight", "Ege Soğuk Zincir", "Çınar Gıda", "İzmir Kurye", "Trakya Tarım"]
    made = []
    for number, name in enumerate(names):
        of: Account = account(name, owner, segment="vip" if number % 2 else "core", stake=100 - number, health=30 + 10 * number, band="at_risk" if number < 2 else "watch")
        due = now + dt.timedelta(days=(-3, -2, 0, 0, 4, 5)[number])
        made.append(WorkItem.objects.create(account=of, type="risk", reason="r", title=f"Step {number}", due_at=due, owner=owner, stake_micros=(100 - number) * 1_000_000, why={}))
    return made


def enter(browser: Any, address: str, user: User, **context: Any) -> Any:
    """A page of a signed-in reader, which remembers what the console complained of."""
    client = Client()
    client.force_login(user)
    opened = browser.new_context(viewport={"width": 1440, "height": 900}, **context)
    opened.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value, "url": address}])
    page = opened.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.goto(address + "/")
    page.wait_for_load_state("networkidle")
    return page


def violations(page: Any) -> list[str]:
    """What axe finds, with the first place of each."""
    return [f"{found['id']}: {found['nodes'][0]['html'][:120]}" for found in Axe().run(page, options=RULES).response["violations"]]


def test_the_keyboard_does_the_work_and_keeps_its_place(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    items = book(cast.elif_)
    page = enter(browser, live_server.url, cast.elif_)
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.get_by_label("Outcome").select_option(label="Reached, next step agreed")
    page.get_by_role("dialog").get_by_role("button", name="Done").click()
    page.locator(f"#w-{items[0].pk}").wait_for(state="detached")
    expect(page.locator(f"#w-{items[1].pk}")).to_be_focused()
    assert page.locator("#g0-count").inner_text() == "1"
    assert page.locator("#work-tabs [aria-current]").inner_text() == "Mine 5"
    page.get_by_role("button", name="Undo").click()
    page.locator(f"#w-{items[0].pk}").wait_for()
    assert WorkItem.objects.filter(status="open").count() == 6
    page.keyboard.press("s")
    page.get_by_label("Reason").fill("holiday")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(5)
    assert WorkItem.objects.get(status="snoozed").snooze_reason == "holiday"
    page.keyboard.press("t")
    page.get_by_role("heading", name="Log a touch").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("15 min", exact=False).first.wait_for()
    assert page.complaints == []


def test_a_selection_is_done_at_once_and_taken_back(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    book(cast.elif_)
    page = enter(browser, live_server.url, cast.elif_)
    assert not page.locator("#bulk").is_visible()
    for key in "jxjx":
        page.keyboard.press(key)
    assert page.locator("#bulk output").inner_text() == "2 selected"
    page.locator("#bulk").get_by_role("button", name="Done").click()
    page.get_by_role("dialog").get_by_role("button", name="Done").click()
    expect(page.locator("[data-row]")).to_have_count(4)
    assert WorkItem.objects.filter(status="done").count() == 2
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-row]")).to_have_count(6)
    assert WorkItem.objects.filter(status="open").count() == 6
    assert page.complaints == []


def test_filters_stand_in_the_address_and_back_works(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    book(cast.elif_)
    page = enter(browser, live_server.url, cast.elif_)
    page.locator("#work-segments").get_by_role("link", name="VIP").click()
    page.wait_for_url("**/?scope=mine&segment=vip")
    page.locator("#work-q").fill("IZMIR")
    expect(page.locator("[data-row]")).to_have_count(0)
    page.locator("#work-q").fill("CINAR")
    expect(page.locator("[data-row]")).to_have_count(1)
    assert page.evaluate("document.activeElement.id") == "work-q"
    assert page.url.endswith("/?scope=mine&segment=vip&q=CINAR")
    page.reload()
    assert page.locator("[data-row]").count() == 1
    page.evaluate("history.back()")
    page.wait_for_url("**/?scope=mine&segment=vip&q=IZMIR")
    expect(page.locator("#work-q")).to_have_value("IZMIR")
    assert page.complaints == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int) -> None:
    items = book(cast.elif_)
    page = enter(browser, live_server.url, cast.elif_, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for query in ("", "?view=risk", "?scope=done"):
        page.goto(live_server.url + "/" + query)
        page.wait_for_load_state("networkidle")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(live_server.url + "/")
    for way in (f"#w-{items[0].pk} [data-key=s]", f"#w-{items[0].pk} [data-key=m]"):
        page.locator(way).click()
        page.locator("#dialog[open] h2").wait_for()
        assert violations(page) == []
        page.keyboard.press("Escape")
    assert page.complaints == []


def test_without_script_work_can_be_done_and_taken_back(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    items = book(cast.elif_)
    page = enter(browser, live_server.url, cast.elif_, java_script_enabled=False)
    page.locator(f"#w-{items[0].pk} .done").click()
    page.locator("main").get_by_role("button", name="Done").click()
    assert page.locator(f"#w-{items[0].pk}").count() == 0
    page.get_by_role("button", name="Undo the last change").click()
    assert page.locator(f"#w-{items[0].pk}").count() == 1
    assert WorkItem.objects.filter(status="open").count() == 6
