"""Programmes in a browser: the sentence follows what is typed, a pause can be taken back; and to the eyes of axe."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Installation
from surveys.actions.programme_changes import change_programme, make_programme
from surveys.actions.programme_values import plain_values
from surveys.models import SendingHold, Survey, Touchpoint
from surveys.programme_forms import empty_values
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tests.surveys.making import happens


def furnish(cast: SimpleNamespace) -> Touchpoint:
    """A draft, a proposal, a hold, and a moment nobody asks about."""
    now = timezone.now()
    Installation.current()
    happens(cast.selin, "touch.logged", at=now - dt.timedelta(days=1))
    made = make_programme(values=empty_values(Survey.objects.get(key="ces")) | {"name": "Milestone", "event_kind": "usage.milestone", "sampling": "0"}, actor=cast.mert, now=now)
    row = Touchpoint.objects.get(key="ticket-solved")
    change_programme(touchpoint_id=row.pk, values=plain_values(row) | {"delay_minutes": 120}, actor=cast.mert, now=now, version=None)
    SendingHold.objects.create(touchpoint=Touchpoint.objects.get(key="trial-ended"), reason="bounces", held_at=now)
    return made


def test_the_sentence_follows_what_is_typed_and_nothing_is_saved_before_it_is(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    draft = furnish(cast)
    page = enter(browser, live_server.url, cast.ada)
    page.goto(f"{live_server.url}/surveys/programmes/{draft.key}/")
    expect(page.locator("#sentence")).to_contain_text("1 day after a milestone in the product is reached")
    page.locator("#id_delay_value").fill("3")
    page.locator("#id_delay_value").press("Tab")
    expect(page.locator("#sentence")).to_contain_text("3 days after a milestone")
    page.locator("#id_event_kind").select_option("ticket.solved")
    expect(page.locator("#id_condition_key_0")).to_contain_text("severity")
    expect(page.locator("#id_audience")).to_contain_text("the person who opened it")
    page.locator("#id_condition_key_0").select_option("severity")
    page.locator("#id_condition_value_0").fill("1, 2")
    page.locator("#id_condition_value_0").press("Tab")
    expect(page.locator("#sentence")).to_contain_text("the severity is 1 or 2")
    page.locator("#id_event_kind").select_option("")
    expect(page.locator("#id_delay_value")).to_be_hidden()
    page.locator("#id_every_days").fill("90")
    page.locator("#id_every_days").press("Tab")
    assert Touchpoint.objects.get(pk=draft.pk).version == 1
    page.locator("#id_event_kind").select_option("trial.ended")
    expect(page.locator("#id_condition_key_0")).to_contain_text("turned into a subscription")
    page.locator("#sentence a").first.click()
    expect(page.locator("#id_delay_value")).to_be_in_viewport()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved.").wait_for()
    saved = Touchpoint.objects.get(pk=draft.pk)
    assert (saved.event_kind, saved.delay_minutes, saved.version) == ("trial.ended", 3 * 1440, 2)
    assert page.complaints == []


def test_a_pause_in_place_is_taken_back(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    furnish(cast)
    page = enter(browser, live_server.url, cast.mert)
    page.goto(live_server.url + "/surveys/")
    page.get_by_role("button", name="Pause After a solved ticket").click()
    page.get_by_role("button", name="Resume After a solved ticket").wait_for()
    assert Touchpoint.objects.get(key="ticket-solved").state == "paused"
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Pause After a solved ticket").wait_for()
    assert Touchpoint.objects.get(key="ticket-solved").state == "active"
    assert page.complaints == []


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1440, "en"), ("dark", 320, "tr")])
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int, language: str) -> None:  # noqa: F811
    draft = furnish(cast)
    cast.ada.language = language
    cast.ada.save()
    page = enter(browser, live_server.url, cast.ada, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("", "programmes/ticket-solved/", "programmes/relationship-nps/", f"programmes/{draft.key}/", "programmes/new/?copy=ticket-solved", "settings/"):
        page.goto(f"{live_server.url}/surveys/{path}")
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.complaints == []
