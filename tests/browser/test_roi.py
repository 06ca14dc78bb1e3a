"""The ROI studio in a browser: figures follow a field in place, a refused one keeps its text, a scenario is saved; and to the eyes of axe."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache

from metrics.models import RoiScenario
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tests.metrics.roi_book import fill


def left(page: Any) -> list[str]:
    """Complaints of the browser but for the field refused, and for charts still on their way when the figures changed again."""
    return [said for said in page.complaints if not said.startswith(("htmx:afterRequest", "htmx:sendAbort")) and "422" not in said]


def test_figures_follow_the_fields_and_a_scenario_is_saved(browser: Any, live_server: Any, cast: Any) -> None:  # noqa: F811
    cache.clear()
    fill(cast)
    page = enter(browser, live_server.url, cast.ada)
    page.goto(f"{live_server.url}/metrics/roi/")
    page.get_by_text("Nobody was lost in this period").wait_for()
    page.locator("#f-margin").fill("0.5")
    page.locator("#f-cost_team").fill("10")
    page.locator("#f-cost_team").press("Tab")
    page.wait_for_url("**/metrics/roi/?margin=0.5&cost_team=10")
    # one more for a month: 100 x 0.5 less 10
    page.locator("#roi-return").get_by_text("€40", exact=True).wait_for()
    page.locator("#f-cost_team").fill("-3")
    page.locator("#f-cost_team").press("Tab")
    page.locator("#state-cost_team .error").wait_for()
    assert page.locator("#f-cost_team").input_value() == "-3"
    assert page.locator("#f-cost_team").get_attribute("aria-invalid") == "true"
    page.locator("#f-cost_team").fill("20")
    page.locator("#f-cost_team").press("Tab")
    page.wait_for_url("**/metrics/roi/?margin=0.5&cost_team=20")
    page.get_by_label("Gross margin: back to live").click()
    page.wait_for_url("**/metrics/roi/?cost_team=20")
    assert page.locator("#f-margin").input_value() == ""
    page.locator("#keep-name").fill("Twenty a month")
    # saved right after typing, before the server has seen it
    page.locator("#f-one_off_cost").fill("7")
    page.get_by_role("button", name="Save as new").click()
    page.wait_for_url("**/metrics/roi/?scenario=*")
    row = RoiScenario.objects.get()
    assert (row.name, row.choices) == ("Twenty a month", {"cost_team": "20", "one_off_cost": "7"})
    assert page.locator("#f-cost_team").input_value() == "20"
    assert left(page) == []


def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: Any) -> None:  # noqa: F811
    cache.clear()
    fill(cast)
    page = enter(browser, live_server.url, cast.ada, color_scheme="dark")
    page.goto(f"{live_server.url}/metrics/roi/?margin=0.5&cost_team=10")
    page.locator("#keep-name").fill("One")
    page.get_by_role("button", name="Save as new").click()
    page.wait_for_url("**scenario=*")
    row = RoiScenario.objects.get()
    page.set_viewport_size({"width": 320, "height": 844})
    for path in (f"?scenario={row.pk}", f"board/?scenario={row.pk}", f"compare/?s={row.pk}"):
        page.goto(f"{live_server.url}/metrics/roi/{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert violations(page) == [], path
    assert left(page) == []
