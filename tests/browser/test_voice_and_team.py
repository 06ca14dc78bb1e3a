"""Voice, voice and money, team, funnels and cohorts in a browser: panels load in their places; axe finds nothing, nothing runs over a small phone."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from accounts.models import Account, AccountEvent, Subscription
from metrics.models import Funnel
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tests.metrics.health_facts import answer


def fill(cast: Any) -> None:
    now = timezone.now()
    for number in range(7):
        account = Account.objects.create(external_id=f"b{number}", name=f"B {number}", owner=cast.elif_)
        end = now - dt.timedelta(days=40) if number == 0 else None
        Subscription.objects.create(account=account, start=now - dt.timedelta(days=800), end=end, amount=100, currency="EUR")
        for days, score in ((500, 9 if number else 3), (100, 8)):
            answer(account, score, at=now - dt.timedelta(days=days))
        for days, kind in ((200, "trial.started"), (180, "subscription.started")):
            AccountEvent.objects.create(account=account, kind=kind, occurred_at=now - dt.timedelta(days=days), origin="app")
        AccountEvent.objects.create(account=account, kind="touch.logged", occurred_at=now - dt.timedelta(days=60), origin="app", actor=cast.elif_, payload={"minutes": 30})


def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: Any) -> None:  # noqa: F811
    cache.clear()
    fill(cast)
    page = enter(browser, live_server.url, cast.ada, color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 844})
    funnel = Funnel.objects.get(key="trial_to_paid")
    for path, loaded in (
        ("voice/?period=last_12_months", "#voice-silent"),
        ("voice/money/", ".money-bands"),
        ("team/", "#team-agents"),
        (f"funnels/{funnel.pk}/?by=month", "#chart-funnel"),
        (f"funnels/{funnel.pk}/edit/", ".funnel-steps"),
        ("cohorts/", "#chart-kept"),
    ):
        page.goto(f"{live_server.url}/metrics/{path}")
        page.locator(loaded).wait_for()
        page.locator("[aria-busy=true]").first.wait_for(state="detached")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert violations(page) == [], path
    assert page.complaints == []
