"""The plan a customer opens by link, on a phone without script: read, ticked by finger, taken back; nothing for axe to find, nothing too wide."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from axe_playwright_python.base import AXE_FILE_PATH
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actions.onboarding_plans import do_step
from accounts.actions.plan_links import issue_link
from accounts.models import PlanStep
from tests.accounts.plan_builders import plan
from tests.browser import test_work

pytestmark = test_work.pytestmark
browser = test_work.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """() => {
    const box = element => element.getBoundingClientRect();
    return {
        small: [...document.querySelectorAll('button')].filter(e => box(e).height < 43.5 || box(e).width < 43.5).map(e => e.outerHTML.slice(0, 90)),
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    };
}"""


def test_a_customer_ticks_on_a_phone_without_script(cast: SimpleNamespace, live_server: Any, browser: Any) -> None:
    now = timezone.now()
    made = plan(cast.boga, now=now, language="tr", name="Kurulum")
    do_step(step_id=PlanStep.objects.get(plan=made, name="Meet").pk, how="hand", actor=cast.elif_, now=now)
    _link, token = issue_link(plan_id=made.pk, actor=cast.elif_, now=now, contact=cast.selin)
    address = f"{live_server.url}/p/{token}"
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True, java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(address)
    theirs = page.locator("li", has_text="Name a champion").last
    expect(page.locator("progress")).to_have_attribute("value", "1")
    theirs.locator("button").tap()
    expect(page.locator("progress")).to_have_attribute("value", "2")
    assert page.url.startswith(address)
    assert PlanStep.objects.get(plan=made, name="Name a champion").done_how == "customer"
    theirs.locator("button").tap()
    expect(page.locator("progress")).to_have_attribute("value", "1")
    assert PlanStep.objects.get(plan=made, name="Name a champion").done_at is None
    assert context.cookies() == []
    context.close()
    axe = Path(AXE_FILE_PATH).read_text()
    for scheme, width in (("light", 320), ("dark", 1280)):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message, kept=complaints: kept.append(message.text) if message.type == "error" and "status of 4" not in message.text else None)
        for path in (address, f"{live_server.url}/p/nobody"):
            page.goto(path)
            page.evaluate(axe)
            found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)["violations"]
            assert found == [], (path, scheme, [(each["id"], [node["html"][:120] for node in each["nodes"][:2]]) for each in found])
            assert page.evaluate(LOOK) == {"small": [], "wide": False}
        assert complaints == []
        context.close()
