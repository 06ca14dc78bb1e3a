"""A health model in a browser: changed in a draft, previewed, activated, and accounts change band; every page of health to the eyes of axe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actions.usage import put_usage
from accounts.models import Account, AccountSnapshot
from metrics.actions.backtests import ask, work_off
from metrics.actions.churn_models import score_customers, train_model
from metrics.actions.known_facts import keep_known_facts
from metrics.actions.plan_features import observe_plans
from metrics.actions.recompute import recompute_all, recompute_marked
from metrics.models import HealthModel
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tests.metrics.health_facts import answer, ticket
from tests.metrics.test_churn_risk import make_history


@pytest.fixture
def scored(cast: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """Boğaziçi praises and has a severe ticket, Northgate complains and has none; both have scores of now."""
    cache.clear()
    now = timezone.now()
    answer(cast.boga, 10, at=now - dt.timedelta(days=5))
    answer(cast.north, 2, at=now - dt.timedelta(days=5))
    for _turn in range(3):
        ticket(cast.boga, opened=now - dt.timedelta(days=3), severity=4)
    today = now.date()
    Account.objects.update(plan="Pro")
    put_usage([(cast.boga.pk, feature, today - dt.timedelta(days=ago), 10 + ago, 2, None, None) for feature in ("", "reports") for ago in range(1, 60)])
    observe_plans(now=now)
    recompute_all(as_of=now, now=now, workers=1)
    sum(keep_known_facts(now=now))
    yield cast
    # partitioned tables are not managed by Django, so nobody else empties them
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE metrics_healthscore, accounts_usageday")


def test_a_model_is_changed_previewed_and_activated_and_accounts_change_band(browser: Any, live_server: Any, scored: SimpleNamespace) -> None:  # noqa: F811
    bands = dict(AccountSnapshot.objects.values_list("account_id", "band"))
    page = enter(browser, live_server.url, scored.ada)
    page.goto(f"{live_server.url}/metrics/health-models/{HealthModel.objects.get().pk}/")
    page.get_by_role("button", name="Change it in a draft").click()
    page.wait_for_load_state("networkidle")
    draft = HealthModel.objects.get(number=2)
    # nothing that counts is refused at its field, and what was typed stays
    for source in ("usage_trend", "last_nps", "csat_90d", "severe_tickets", "days_to_renewal", "failed_payments"):
        page.locator(f"[name=weight_{source}]").fill("0")
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_text("The weights sum to nothing").first.wait_for()
    assert page.locator("[name=weight_usage_trend]").get_attribute("aria-invalid") == "true"
    assert draft.components.count() == 6
    # tickets no longer count, the answer alone does
    page.locator("[name=weight_last_nps]").fill("100")
    page.locator("[name=weight_last_nps]").press("Tab")
    expect(page.locator("#preview").get_by_text("2 accounts would change band.")).to_be_visible()
    assert dict(AccountSnapshot.objects.values_list("account_id", "band")) == bands
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_text("The draft is saved.").wait_for()
    assert list(HealthModel.objects.get(pk=draft.pk).components.values_list("source", "weight")) == [("last_nps", 100)]
    page.locator("summary", has_text="Activate").click()
    page.get_by_role("button", name="Let it score").click()
    page.wait_for_load_state("networkidle")
    # what the worker does every 20 seconds
    recompute_marked(now=timezone.now())
    now = dict(AccountSnapshot.objects.values_list("account_id", "band"))
    assert now == {scored.boga.pk: "healthy", scored.north.pk: "at_risk"} != bands
    page.goto(f"{live_server.url}/accounts/{scored.boga.pk}/")
    expect(page.locator(".vitals").get_by_text("Healthy")).to_be_visible()
    expect(page.locator("#health").get_by_text("model Standard v2", exact=False)).to_be_visible()
    expect(page.locator("#use").get_by_text("Features adopted")).to_be_visible()
    # and the version in use has no field to change it by
    page.goto(f"{live_server.url}/metrics/health-models/{draft.pk}/")
    assert page.locator("[name=weight_last_nps]").count() == 0
    assert [said for said in page.complaints if "422" not in said] == []


def test_axe_finds_nothing_on_any_page_of_health_in_either_look(browser: Any, live_server: Any, scored: SimpleNamespace) -> None:  # noqa: F811
    make_history(leavers=60, stayers=60)
    now = timezone.now()
    as_of = now.replace(hour=0, minute=0, second=0, microsecond=0)
    model = train_model(as_of=as_of, now=now)
    score_customers(model=model, as_of=as_of, now=now)
    run = ask(model=None, start=(now - dt.timedelta(days=400)).date(), end=now.date(), horizon_days=90, user=scored.ada, now=now)
    work_off(row=run, now=now)
    found = []
    for scheme, width in (("light", 1440), ("dark", 360)):
        scored.ada.theme = scheme
        scored.ada.save()
        page = enter(browser, live_server.url, scored.ada, color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        for path in (
            "backtest/", f"backtest/{run.pk}/", "churn-risk/", "health-models/", f"health-models/{HealthModel.objects.get().pk}/", "usage/gaps/", "usage/plans/",
            f"usage/{scored.boga.pk}/",
        ):  # fmt: skip
            page.goto(f"{live_server.url}/metrics/{path}")
            page.wait_for_load_state("networkidle")
            found += [(path, scheme, fault) for fault in violations(page)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((path, scheme, "runs over"))
        assert page.complaints == []
    assert found == []
