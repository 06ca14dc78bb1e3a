"""The filter builder in a browser: a rule written by keyboard, its fault at its place, the list under it, a view; and to the eyes of axe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from playwright.sync_api import expect

from accounts.models import Account, AccountSnapshot, SavedView
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks


def test_a_rule_is_written_by_keyboard_and_the_list_kept_as_a_view(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    Account.objects.create(external_id="small", name="Küçük Ltd", owner=cast.elif_)
    AccountSnapshot.objects.filter(account=cast.boga).update(mrr_micros=1_500_000_000)
    page = enter(browser, live_server.url, cast.elif_)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live_server.url}/accounts/")
    page.locator("#conditions > summary").press("Enter")
    add = page.locator("button[value='add:0']")
    add.press("Enter")
    # the focus waits on the new condition, and stays there while the builder is swapped
    expect(page.locator("#rule-0-0-field")).to_be_focused()
    page.keyboard.type("MRR")
    expect(page.locator("#rule-0-0-value1")).to_be_visible()
    expect(page.locator("#rule-0-0-field")).to_be_focused()
    page.locator("#rule-0-0-value1").fill("a lot")
    page.keyboard.press("Enter")
    expect(page.locator("#rule-0-0-faults")).to_have_text("Expected a number.")
    assert violations(page) == []
    page.locator("#rule-0-0-value1").fill("1,000")
    page.keyboard.press("Enter")
    page.wait_for_url("**rule=**")
    expect(page.locator("#conditions > summary")).to_contain_text("MRR is at least")
    expect(page.get_by_role("link", name="Boğaziçi Lojistik A.Ş.")).to_be_visible()
    expect(page.get_by_text("Küçük Ltd")).to_have_count(0)
    page.locator("summary", has_text="Views").press("Enter")
    page.get_by_label("Save this list as").fill("Those who pay")
    assert violations(page) == []
    page.keyboard.press("Enter")
    page.get_by_text("The view “Those who pay” is saved.").wait_for()
    assert SavedView.objects.get().owner == cast.elif_
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
