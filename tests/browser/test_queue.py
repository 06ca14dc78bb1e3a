"""The queue in a browser: by keyboard, with clocks that turn by themselves and a list that draws itself again; and to the eyes of axe."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tickets.actions import tickets
from tickets.models import ServiceLevel, Ticket


def furnish(cast: SimpleNamespace) -> list[Ticket]:
    """One late, one that breaks its promise within seconds, one with time."""
    ServiceLevel.objects.create(severity=2, first_reply_seconds=4 * 3600)
    now = timezone.now()
    ages = (dt.timedelta(hours=5), dt.timedelta(hours=4) - dt.timedelta(seconds=6), dt.timedelta(hours=1))
    return [tickets.open_ticket(account_id=cast.boga.pk, subject=f"Ticket {n}", severity=2, opened_at=now - age, group="Destek", now=now)[0] for n, age in enumerate(ages)]


def test_the_keyboard_walks_takes_and_opens_while_the_clocks_run(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    late, turning, calm = furnish(cast)
    page = enter(browser, live_server.url, cast.deniz)
    page.goto(f"{live_server.url}/tickets/?view=open")
    clock = page.locator(f"#t-{turning.pk} .sla")
    expect(page.locator(f"#t-{late.pk} .sla")).to_have_class("sla late")
    expect(page.locator(f"#t-{calm.pk} .sla")).not_to_have_class("late")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(f"#t-{turning.pk}")).to_have_attribute("aria-current", "true")
    page.keyboard.press("a")
    page.get_by_text("Given to Deniz Kaya.").wait_for()
    expect(page.locator(f"#t-{turning.pk}")).to_contain_text("Deniz Kaya")
    # the list was drawn again and the same ticket is the current one; the tab counts it
    expect(page.locator(f"#t-{turning.pk}")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Mine 1")).to_be_visible()
    # the promise breaks before the eyes, without a request
    expect(clock).to_have_class("sla late", timeout=8000)
    expect(clock).to_contain_text("late")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f"#t-{turning.pk}")).to_contain_text("nobody")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(f"#t-{calm.pk}").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{calm.pk}/")
    page.goto(f"{live_server.url}/tickets/?view=accounts")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"**/tickets/?view=open&account={cast.boga.pk}")
    page.get_by_role("link", name="Show all accounts").click()
    page.wait_for_url("**/tickets/?view=open")
    page.keyboard.press("c")
    page.wait_for_url("**/tickets/new/")
    assert page.complaints == []


@pytest.mark.parametrize(("scheme", "width", "view", "language"), [("light", 1440, "open", "en"), ("dark", 390, "accounts", "tr")])
def test_axe_finds_nothing_and_nothing_runs_over(
    browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int, view: str, language: str  # noqa: F811
) -> None:  # fmt: skip
    furnish(cast)
    cast.deniz.language = language
    cast.deniz.save()
    page = enter(browser, live_server.url, cast.deniz, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/tickets/?view={view}&account={cast.boga.pk}")
    page.wait_for_load_state("networkidle")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
