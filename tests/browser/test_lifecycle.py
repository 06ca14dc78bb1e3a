"""The lifecycle in a browser: a rule is built, previewed and saved, an account moves by hand; every page to the eyes of axe."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actions.customers import change_account
from accounts.models import Account, LifecycleStage, StageStay
from metrics.actions.stage_sweeps import sweep_everybody
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks


@pytest.fixture
def way(cast: SimpleNamespace) -> SimpleNamespace:
    """Boğaziçi is stuck in onboarding, by rule, and pays for the plan Pro."""
    cache.clear()
    now = timezone.now()
    change_account(account_id=cast.boga.pk, fields={"lifecycle_stage": LifecycleStage.objects.get(key="onboarding"), "plan": "Pro"}, actor=None, now=now - dt.timedelta(days=60))
    StageStay.objects.update(reason="rule")
    sweep_everybody(now=now)
    return cast


def test_a_rule_is_built_previewed_and_saved_and_an_account_is_moved_by_hand(browser: Any, live_server: Any, way: SimpleNamespace) -> None:  # noqa: F811
    page = enter(browser, live_server.url, way.ada)
    page.goto(f"{live_server.url}/lifecycle/adoption/edit/")
    begins = page.locator("#start_rule-rule")
    begins.get_by_role("button", name="Condition").click()
    page.locator("select[name='start_rule.0.0.field']").select_option("plan")
    page.locator("input[name='start_rule.0.0.value']").fill("Pro")
    page.get_by_role("button", name="Show who would move").click()
    expect(page.locator("#preview").get_by_text("1 account would move at the next look.")).to_be_visible()
    expect(page.locator("#preview").get_by_role("link", name="Boğaziçi Lojistik A.Ş.")).to_be_visible()
    assert Account.objects.get(pk=way.boga.pk).lifecycle_stage_id == "onboarding"
    page.get_by_role("button", name="Save the stage").click()
    page.get_by_text("Adoption is saved.", exact=False).wait_for()
    sweep_everybody(now=timezone.now())
    page.goto(f"{live_server.url}/accounts/{way.boga.pk}/")
    panel = page.locator("#way")
    expect(panel.get_by_role("link", name="Adoption")).to_be_visible()
    panel.get_by_text("Move by hand").click()
    panel.get_by_label("Stage").select_option("trial")
    panel.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#way").get_by_role("link", name="Trial")).to_be_visible()
    sweep_everybody(now=timezone.now())
    assert Account.objects.get(pk=way.boga.pk).lifecycle_stage_id == "trial"
    assert page.complaints == []


def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, way: SimpleNamespace) -> None:  # noqa: F811
    found = []
    stages, stuck, edit, panel, journey = "/lifecycle/", "/lifecycle/onboarding/?standing=stuck", "/lifecycle/onboarding/edit/", f"/lifecycle/panel/{way.boga.pk}/", "/journey/"
    for scheme, width, looked_at in (("light", 1440, {stages, edit}), ("dark", 360, {stuck, panel, journey})):
        way.ada.theme = scheme
        way.ada.save()
        page = enter(browser, live_server.url, way.ada, color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        for path in (stages, stuck, edit, panel, journey) if width < 1440 else (stages, edit):
            page.goto(f"{live_server.url}{path}")
            page.wait_for_load_state("networkidle")
            found += [(path, scheme, fault) for fault in (violations(page) if path in looked_at else [])]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((path, scheme, "runs over"))
        assert page.complaints == []
    assert found == []
