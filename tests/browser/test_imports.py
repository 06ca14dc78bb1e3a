"""Imports in a browser: a file is brought, its columns are said, it is looked at and loaded, and taken back; axe looks at every page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Account, ImportBatch
from config.import_runs import working
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks

FILE = "Müşteri No;Ünvan;Kayıt Tarihi;Koltuk\nm-1;Şişecam;03/04/2026;1.250\nm-2;İpek Yolu;05/04/2026;12\n".encode("cp1254")


def work_off() -> None:
    """What the worker does."""
    run = working.claim(now=timezone.now())
    assert run is not None
    working.work(run=run, now=timezone.now())


def sound(page: Any) -> None:
    """Nothing for axe, nothing that runs over, no complaint of the console but refusals and requests that a newer change overtook."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert [line for line in page.complaints if "400" not in line and not line.startswith("htmx:")] == []


def test_a_file_comes_in_and_goes_again(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    page = enter(browser, live_server.url, cast.ada, color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/imports/")
    sound(page)
    page.locator("#id_file").set_input_files([{"name": "müşteriler.csv", "mimeType": "text/csv", "buffer": FILE}])
    page.get_by_role("button", name="Upload", exact=True).click()
    # recognised: accounts, semicolons, Turkish letters; the own field is made a number, which can be read in two ways
    expect(page.get_by_role("cell", name="Şişecam").first).to_be_visible()
    page.get_by_label("Koltuk", exact=True).focus()
    page.get_by_label("Koltuk", exact=True).select_option("=number")
    expect(page.get_by_label("Numbers")).to_have_value("")
    # what was chosen keeps the focus while the form is drawn again
    expect(page.get_by_label("Koltuk", exact=True)).to_be_focused()
    page.get_by_role("button", name="Look what would happen").click()
    expect(page.get_by_text("These numbers can be read in two ways")).to_be_visible()
    expect(page.get_by_text("Say how the days are written.")).to_be_visible()
    sound(page)
    page.get_by_label("Numbers").select_option(",.")
    page.get_by_label("4 May 2026 in Kayıt Tarihi").select_option("%d/%m/%Y")
    page.get_by_label("all letters are right").check()
    expect(page.get_by_label("all letters are right")).to_be_checked()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Look what would happen").click()
    expect(page.get_by_text("It waits for a worker")).to_be_visible()
    sound(page)
    work_off()
    expect(page.get_by_role("button", name="Load it")).to_be_visible()
    sound(page)
    page.get_by_role("button", name="Load it").click()
    expect(page.get_by_text("It waits for a worker")).to_be_visible()
    work_off()
    expect(page.get_by_text("It is loaded.")).to_be_visible()
    assert Account.objects.get(external_id="m-1").attributes == {"Koltuk": 1250}
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{live_server.url}/imports/{ImportBatch.objects.get().pk}/")
    sound(page)
    page.get_by_role("button", name="Take back …").click()
    expect(page.get_by_text("It waits for a worker")).to_be_visible()
    work_off()
    page.get_by_role("button", name="Take it back").click()
    work_off()
    expect(page.get_by_text("It is taken back.")).to_be_visible()
    sound(page)
    assert not Account.objects.filter(external_id="m-1").exists()
