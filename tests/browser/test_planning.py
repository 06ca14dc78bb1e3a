"""The planner's pages in a browser: a day opens its people, a filter narrows the dry run; and to the eyes of axe."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Account, Contact
from surveys.models import Touchpoint
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tests.surveys.making import activate, happens, planned


def furnish(cast: SimpleNamespace) -> None:
    """A rhythm over some people, events of today, and decisions of all sorts."""
    cache.clear()
    activate(reminder_after_days=5)
    Touchpoint.objects.filter(event_kind="").update(every_days=20)
    now = timezone.now()
    for number in range(30):
        account = Account.objects.create(external_id=f"a{number}", name=f"Çınar Gıda Dağıtım ve Lojistik {number}", owner=cast.elif_, time_zone="Europe/Istanbul", country="TR")
        person = Contact.objects.create(external_id=f"c{number}", account=account, email=f"c{number}@x.test", name=f"Ayşe Yılmaz {number}", opted_out=number % 7 == 0)
        happens(person, "purchase.completed", at=now)
    planned(cast.selin, at=now + dt.timedelta(days=9))
    planned(cast.harry, at=now - dt.timedelta(days=2), status="skipped", skip_reason="fatigue_account", wave="x",
            decision={"rule": "fatigue_account", "value": 3, "limit": {"people": 3, "days": 7}})  # fmt: skip


def test_a_day_opens_its_people_and_a_total_narrows_the_dry_run(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    furnish(cast)
    page = enter(browser, live_server.url, cast.ada)
    page.goto(f"{live_server.url}/surveys/forecast/")
    page.locator(".calendar a").last.click()
    page.wait_for_url("**/forecast/?day=*")
    assert page.locator(".calendar td.here").count() == 1
    page.get_by_role("link", name="Dry run").click()
    page.wait_for_url("**/dry-run/")
    rows = page.locator("table.plan tbody tr").count()
    page.get_by_role("link", name="the contact refused surveys").click()
    page.wait_for_url("**reason=no_consent**")
    assert 0 < page.locator("table.plan tbody tr").count() < rows
    assert page.complaints == []


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1440, "en"), ("dark", 320, "tr")])
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int, language: str) -> None:  # noqa: F811
    furnish(cast)
    cast.ada.language = language
    cast.ada.save()
    page = enter(browser, live_server.url, cast.ada, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("forecast/", "dry-run/", "dry-run/?as_of=nonsense", "decisions/", "decisions/?account=nobody"):
        page.goto(f"{live_server.url}/surveys/{path}")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.complaints == []
