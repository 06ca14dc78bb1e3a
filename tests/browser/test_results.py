"""Results in a browser: filters change in place with the address, figures open rows, exports arrive; and to the eyes of axe."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AccountSnapshot, Contact, Segment, SegmentMembership
from surveys.models import Response, Survey
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tests.surveys.making import planned


def furnish(cast: SimpleNamespace) -> None:
    """Forty answers over three months of two accounts, on two scales, and people who were never asked."""
    now = timezone.now()
    SegmentMembership.objects.create(account=cast.boga, segment=Segment.objects.get(key="vip"), valid_from=now - dt.timedelta(days=300))
    AccountSnapshot.objects.update(mrr_micros=4_000_000_000)
    for survey, scale in (("nps", (0, 10)), ("csat", (1, 5)), ("ces", (1, 7))):
        found = Survey.objects.get(key=survey)
        for number in range(40):
            account = cast.boga if number % 3 else cast.north
            person = Contact.objects.create(
                external_id=f"{survey}{number}", account=account, email=f"{survey}{number}@x.test", name=f"Person {number}", language="tr" if number % 2 else "en"
            )
            at = now - dt.timedelta(days=2 * number + 1)
            invitation = planned(person, survey=survey, touchpoint=None, at=at, sent_at=at, status="answered")
            Response.objects.create(
                survey=found, kind=survey, score=scale[0] + number % (scale[1] - scale[0] + 1), scale_min=1 if survey == "nps" and number == 20 else scale[0], scale_max=scale[1],
                answered_at=at, contact=person, account=account, invitation=invitation, language=person.language, comment="Çok iyi" if number % 4 else "",
            )  # fmt: skip


def test_a_filter_changes_the_figures_in_place_and_back_works(browser: Any, live_server: Any, cast: SimpleNamespace, tmp_path: Path) -> None:  # noqa: F811
    furnish(cast)
    page = enter(browser, live_server.url, cast.ada)
    page.goto(f"{live_server.url}/surveys/of/nps/")
    page.locator("#by-segment").select_option("vip")
    page.wait_for_url("**/surveys/of/nps/?segment=vip")
    assert page.locator(".spread a").count() == 3
    page.locator("#by-period").select_option("30d")
    page.wait_for_url("**/surveys/of/nps/?period=30d&segment=vip")
    page.go_back()
    page.wait_for_url("**/surveys/of/nps/?segment=vip")
    page.get_by_role("link", name="detractors").click()
    page.wait_for_url("**/rows/?*what=risk*")
    shown = page.locator("tbody tr").count()
    assert shown > 5
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export CSV").click()
    waiting.value.save_as(tmp_path / "rows.csv")
    assert len((tmp_path / "rows.csv").read_bytes().decode("utf-8-sig").strip().splitlines()) == shown + 1
    assert page.complaints == []


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1440, "en"), ("dark", 320, "tr")])
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int, language: str) -> None:  # noqa: F811
    furnish(cast)
    cast.ada.language = language
    cast.ada.save()
    page = enter(browser, live_server.url, cast.ada, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for path in (
        "results/",
        "of/nps/",
        "of/csat/?by=owner",
        "of/ces/?from=2026-01-01",
        "of/exit/",
        "of/nps/reach/",
        "of/nps/rows/",
        "of/nps/rows/?what=sent",
        "of/nps/rows/?what=never",
    ):
        page.goto(f"{live_server.url}/surveys/{path}")
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.complaints == []
