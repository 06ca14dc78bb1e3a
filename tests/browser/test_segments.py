"""Segments in a browser: a rule is changed with the builder, previewed, saved and swept; an account is held by hand; axe looks at every page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Account, AccountSnapshot
from metrics.actions.segment_sweeps import sweep_due, sweep_everybody
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks


@pytest.fixture
def placed(cast: SimpleNamespace) -> SimpleNamespace:
    """Boğaziçi pays 3,000 a month and is VIP, Northgate 700 and is core."""
    cache.clear()
    for account, amount in ((cast.boga, 3000), (cast.north, 700)):
        AccountSnapshot.objects.filter(pk=account.pk).update(mrr_micros=amount * 1_000_000)
    now = timezone.now()
    sweep_everybody(as_of=now, now=now)
    return cast


def segment_of(account: Account) -> str:
    segment = Account.objects.select_related("segment").get(pk=account.pk).segment
    return segment.key if segment else ""


def test_a_rule_is_changed_previewed_and_saved_and_an_account_is_held(browser: Any, live_server: Any, placed: SimpleNamespace) -> None:  # noqa: F811
    page = enter(browser, live_server.url, placed.ada)
    page.goto(f"{live_server.url}/segments/vip/edit/")
    page.get_by_label("Value", exact=True).last.fill("600")
    page.locator("#try").fill("northgate")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#preview")
    expect(preview.get_by_text("1 account would move.")).to_be_visible()
    expect(preview.get_by_text("would be in VIP.")).to_be_visible()
    # every condition with what the account has
    expect(preview.get_by_text("has €700").first).to_be_visible()
    assert violations(page) == []
    assert segment_of(placed.north) == "core"
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Accounts move as soon as the sweep").wait_for()
    sweep_due(now=timezone.now(), health_done=False, seconds=30)
    assert segment_of(placed.north) == "vip"
    for address in ("/segments/", "/segments/vip/"):
        page.goto(live_server.url + address)
        assert violations(page) == [], address
    # held by hand on the account's page, without a reason it is refused at the field
    page.goto(f"{live_server.url}/segments/account/{placed.north.pk}/")
    panel = page.locator("#segment-place")
    panel.locator("summary").click()
    panel.get_by_label("Segment").select_option("core")
    panel.get_by_label("Why").fill("   ")
    panel.get_by_role("button", name="Hold it there").click()
    expect(panel.get_by_text("Say why in a sentence")).to_be_visible()
    panel.get_by_label("Why").fill("A quiet year was agreed")
    panel.get_by_role("button", name="Hold it there").click()
    expect(panel.get_by_text("A quiet year was agreed")).to_be_visible()
    assert violations(page) == []
    assert segment_of(placed.north) == "core"
    panel.get_by_role("button", name="Give it back to the rules").click()
    expect(panel.get_by_text("By rule,")).to_be_visible()
    assert segment_of(placed.north) == "vip"
