"""Overview and revenue in a browser: parts load by themselves, a bar opens its accounts, a card says how it is computed; and to the eyes of axe."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import AccountSnapshot, Subscription
from metrics.kpis.question import add_months
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks

PARTS = ".kpi .skeleton, [aria-busy=true]"


@pytest.fixture
def book(cast: Any) -> Any:
    """Boğaziçi pays since two years, Northgate left in the last month."""
    cache.clear()
    month = timezone.localdate().replace(day=1)
    Subscription.objects.create(account=cast.boga, start=f"{add_months(month, -24)}T00:00Z", amount=100, currency="EUR")
    Subscription.objects.create(account=cast.boga, start=f"{add_months(month, -1)}T12:00Z", amount=30, currency="EUR", kind="seats")
    Subscription.objects.create(
        account=cast.north, start=f"{add_months(month, -20)}T00:00Z", end=f"{add_months(month, -1).replace(day=20)}T00:00Z", amount=40, currency="EUR", end_reason="price"
    )
    AccountSnapshot.objects.filter(pk=cast.boga.pk).update(health=4200, band="at_risk", mrr_micros=130_000_000, renews_on=timezone.localdate())
    return cast


def test_a_bar_opens_its_accounts_and_filters_stay_in_the_address(browser: Any, live_server: Any, book: Any) -> None:  # noqa: F811
    page = enter(browser, live_server.url, book.ada)
    page.goto(f"{live_server.url}/metrics/revenue/")
    page.wait_for_selector(PARTS, state="detached")
    page.get_by_role("button", name="How Monthly recurring revenue is computed").click()
    page.locator("#how-mrr").get_by_text("Formula").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#how-mrr").is_visible()
    page.locator("#by-country").select_option("GB")
    page.wait_for_url("**country=GB**")
    page.wait_for_selector(PARTS, state="detached")
    page.get_by_role("link", name="Lost: −€40, 1 customer").click()
    page.get_by_role("link", name="Northgate Freight Ltd").wait_for()
    assert "country=GB" in page.url
    assert page.complaints == []


def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, book: Any) -> None:  # noqa: F811
    book.ada.language = "tr"
    book.ada.save(update_fields=["language"])
    page = enter(browser, live_server.url, book.ada, color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 844})
    for path in ("", "revenue/?period=month"):
        page.goto(f"{live_server.url}/metrics/{path}")
        page.wait_for_selector(PARTS, state="detached")
        for table in page.locator("figure.chart details").all():
            table.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert violations(page) == [], path
    assert page.complaints == []
