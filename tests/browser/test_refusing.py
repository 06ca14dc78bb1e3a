"""The pages behind “unsubscribe”, and the admins' list of suppressed addresses, to the eyes of axe and on a phone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.actions.suppressions import suppress
from accounts.models import Contact
from tests.browser.test_work import browser, enter, violations  # noqa: F401
from tests.surveys.making import link_to, planned

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_customer_refuses_undoes_and_is_forgotten_without_script_on_a_small_phone(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, language: str) -> None:  # noqa: F811
    now = timezone.now()
    invitation = planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent", sent_at=now)
    token = link_to(invitation, kind="unsubscribe", now=now)
    # axe runs as a script of its own, so the page that is looked at may have scripts; the one that acts may not
    seen = browser.new_context(viewport={"width": 320, "height": 640}, color_scheme=scheme).new_page()
    acting = browser.new_context(viewport={"width": 320, "height": 640}, color_scheme=scheme, java_script_enabled=False).new_page()

    def look(path: str) -> None:
        seen.goto(live_server.url + path)
        assert violations(seen) == []
        assert seen.evaluate("document.documentElement.scrollWidth") <= 320

    page, erase = f"/u/{token}?lang={language}", f"/u/{token}/erase?lang={language}"
    look(page)
    look(erase)
    acting.goto(live_server.url + page)
    acting.locator("button[name=scope][value=survey]").click()
    look(page)
    acting.locator("button[name=undo][value=survey]").click()
    acting.locator("button[name=scope][value=all]").click()
    assert Contact.objects.get(pk=cast.selin.pk).opted_out
    look(page)
    acting.locator("button[name=undo][value=all]").click()
    assert not Contact.objects.get(pk=cast.selin.pk).opted_out
    acting.locator(f"a[href^='/u/{token}/erase']").click()
    acting.locator("input[name=understood]").check()
    acting.locator("main button[type=submit]").click()
    assert Contact.objects.get(pk=cast.selin.pk).name == ""
    look(page)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1300), ("dark", 360)])
def test_the_list_of_suppressed_addresses_reads_well(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int) -> None:  # noqa: F811
    suppress(address=cast.selin.email, reason="complaint", source_ref="brevo:complained:1")
    page = enter(browser, live_server.url, cast.ada, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(live_server.url + "/suppressions/")
    page.locator("form[action$='/find/'] input[name=address]").fill(cast.selin.email)
    page.get_by_role("button", name="Look up").click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_label("I know what the person asked for").is_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
