"""The catalogue in a browser: values arrive, typing searches, a number opens its rows; to the eyes of axe in light, dark and on a phone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from accounts.models import Subscription
from metrics.models import KpiSetting
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks


def test_from_the_catalogue_to_a_figure_to_its_rows(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    Subscription.objects.create(account=cast.boga, start="2024-01-01T00:00Z", amount=Decimal(100), currency="EUR")
    KpiSetting.objects.create(kpi="mrr", target=Decimal(90), owner=cast.mert, valid_from=dt.date(2024, 1, 1))
    page = enter(browser, live_server.url, cast.ada)
    page.goto(f"{live_server.url}/metrics/catalogue/")
    page.locator("#catalogue").get_by_text("on target").wait_for()
    assert violations(page) == []
    page.locator("#q").press_sequentially("recurring")
    page.locator("#catalogue section", has_text="Voice of the customer").wait_for(state="detached")
    page.locator("#catalogue").get_by_role("link", name="€100", exact=True).first.click()
    page.wait_for_url("**/metrics/kpi/**")
    page.wait_for_load_state("networkidle")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 800})
    page.locator(".kpi-form summary").first.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".kpi-figure .v a").click()
    page.wait_for_url("**/rows/**")
    assert page.locator("tfoot").get_by_text("€100").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{live_server.url}/metrics/report/")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
