"""The frame in a real browser: accessibility in both languages and themes, keyboard, life without script."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, sync_playwright

from accounts.actions.notes import add_note
from accounts.models import AccountSnapshot

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="needs a Chromium: set CHROMIUM"),
]
PAGES = ["/accounts/", "/accounts/{account}/", "/accounts/{account}/timeline/", "/search/?q=bo", "/preferences/", "/kit/"]


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM)
        yield made
        made.close()


def sign_in(browser: Browser, server: object, user: object, **options: object) -> tuple[Page, list[str]]:
    """A page with the user's session, and what its console complains of."""
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    (name, cookie) = next(iter(client.cookies.items()))
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
    context.add_cookies([{"name": name, "value": cookie.value, "url": server.url}])  # type: ignore[attr-defined]
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda problem: said.append(str(problem)))
    return page, said


@pytest.fixture
def filled(cast: SimpleNamespace) -> SimpleNamespace:
    """An account with something in every place."""
    AccountSnapshot.objects.filter(account=cast.boga).update(health=3800, health_before=6400, band="at_risk", mrr_micros=7_000_000_000, stake_micros=52_000_000_000, nps=4)
    add_note(account_id=cast.boga.pk, author=cast.elif_, body="Board meets soon.", now=timezone.now())
    return cast


@pytest.mark.parametrize(("language", "theme", "width"), [("en", "light", 1280), ("tr", "dark", 390)])
def test_no_page_of_the_frame_breaks_a_rule_of_access_or_the_content_policy(browser, live_server, filled, language, theme, width):
    filled.ada.language, filled.ada.theme = language, theme
    filled.ada.save()
    page, said = sign_in(browser, live_server, filled.ada, viewport={"width": width, "height": 844})
    for address in PAGES:
        page.goto(live_server.url + address.format(account=filled.boga.pk))
        page.wait_for_load_state("networkidle")
        found = Axe().run(page).response["violations"]
        assert found == [], (address, [(rule["id"], [node["html"][:120] for node in rule["nodes"][:2]]) for rule in found])
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), f"{address} overflows"
    assert said == []


def test_the_page_to_sign_in_breaks_no_rule_of_access(browser, live_server, db):
    page = browser.new_page()
    for language in ("en", "tr"):
        page.context.add_cookies([{"name": "vefa-language", "value": language, "url": live_server.url}])
        page.goto(live_server.url + "/login/")
        assert page.get_attribute("html", "lang") == language
        assert Axe().run(page).response["violations"] == []


def test_the_keyboard_searches_moves_and_opens(browser, live_server, filled):
    page, said = sign_in(browser, live_server, filled.ada)
    page.goto(live_server.url + "/accounts/?sort=name")
    page.keyboard.press("/")
    page.keyboard.type("BOGAZICI")
    page.wait_for_selector(".found a")
    page.keyboard.press("ArrowDown")
    assert "Boğaziçi" in page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "Northgate" in page.inner_text("[data-row][aria-current]")
    page.keyboard.press("k")
    page.keyboard.press("o")
    page.wait_for_url(f"**/accounts/{filled.boga.pk}/")
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.matches('[data-search]')")
    assert said == []


def test_the_list_is_filtered_in_place_and_back_works(browser, live_server, filled):
    page, _said = sign_in(browser, live_server, filled.ada)
    page.goto(live_server.url + "/accounts/")
    page.fill("#filters [name=q]", "north")
    page.wait_for_url("**/accounts/?q=north")
    assert page.locator("tbody [data-row]").count() == 1
    page.go_back()
    page.wait_for_url("**/accounts/")
    page.wait_for_function("document.querySelectorAll('tbody [data-row]').length === 2")


def test_a_note_is_written_in_place_and_a_panel_that_failed_loads_again(browser, live_server, filled):
    page, _said = sign_in(browser, live_server, filled.elif_)
    page.route("**/timeline/", lambda route: route.fulfill(status=500, body=""))
    page.goto(f"{live_server.url}/accounts/{filled.boga.pk}/")
    page.wait_for_selector("#timeline [data-failed]:visible")
    page.unroute("**/timeline/")
    page.click("#timeline [data-retry]")
    page.wait_for_selector("#timeline .timeline")
    page.fill("#note-body", "They compare us on price.")
    page.click("#notes button[type=submit]")
    page.wait_for_selector("#notes article:has-text('They compare us on price.')")


def test_theme_turns_at_once_and_stays(browser, live_server, filled):
    page, _said = sign_in(browser, live_server, filled.elif_, color_scheme="light")
    page.goto(live_server.url + "/preferences/")
    with page.expect_response("**/preferences/"):
        page.click("form[data-prefs] [name=theme]")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"


def test_without_script_language_theme_filters_and_notes_still_work(browser, live_server, filled):
    page, _said = sign_in(browser, live_server, filled.elif_, java_script_enabled=False)
    page.goto(live_server.url + "/accounts/")
    page.click(".topbar .end > form [name=language]")
    assert page.get_attribute("html", "lang") == "tr"
    page.click(".topbar .end > form [name=theme]")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.goto(f"{live_server.url}/accounts/{filled.boga.pk}/notes/")
    page.fill("#note-body", "Plain form.")
    page.click("#new-note button[type=submit]")
    assert page.locator("article:has-text('Plain form.')").count() == 1
