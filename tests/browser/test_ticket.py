"""The page of a ticket in a browser: by keyboard, with canned replies and a draft that survives; and to the eyes of axe."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect, sync_playwright

from accounts.models import Contact, User
from tickets.actions import messages, tickets
from tickets.actions.attachments import keep_files
from tickets.actions.copies import add_copy
from tickets.models import Interaction, Ticket, TicketMessage

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)"),
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


def opened(cast: SimpleNamespace) -> Ticket:
    """A ticket with a file, quoted text and somebody in copy."""
    now = timezone.now()
    ticket = tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject="İhracat hatası", body="500", channel="web", now=now)[0]
    emre = Contact.objects.create(account=cast.boga, email="emre@bogazici.test", name="Emre Demir")
    add_copy(ticket_id=ticket.pk, contact_id=emre.pk, now=now)
    message, _new = messages.customer_reply(ticket_id=ticket.pk, body="Bkz. https://status.example.com/incidents/42 <b>acil</b>", now=now)
    TicketMessage.objects.filter(pk=message.pk).update(quoted="> eski yazışma")
    keep_files(message=message, files=[("fatura-2026-son-hali-imzali-kopya.pdf", b"%PDF-1.7"), ("kur.exe", b"MZ")])
    return ticket


def enter(browser: Any, address: str, user: User, **context: Any) -> Any:
    """A page of a signed-in reader, which remembers what the console complained of."""
    client = Client()
    client.force_login(user)
    made = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **context})
    made.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value, "url": address}])
    page = made.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" and "409" not in message.text else None)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


def test_a_ticket_is_worked_by_keyboard_and_nothing_typed_is_lost(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    ticket = opened(cast)
    page = enter(browser, live_server.url + reverse("tickets:ticket", args=[ticket.pk]), cast.deniz)
    text = page.locator("#id_body")
    page.keyboard.press("j")
    expect(page.locator("[data-row][aria-current='true']")).to_have_count(1)
    page.keyboard.press("n")
    expect(page.get_by_label("Internal note")).to_be_checked()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="What was said").click()
    page.keyboard.press("r")
    expect(text).to_be_focused()
    # a canned reply takes the place of its shortcut; what stood before it stays
    page.keyboard.type("Önce bu. /rec")
    expect(page.locator("#canned [data-canned]:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(text).to_have_value(f"Önce bu. Merhaba Selin,\n\nbize yazdığınız için teşekkür ederiz. #{ticket.pk} numaralı talebinizi inceliyorum; "
                               "bir sonuca varır varmaz size döneceğim.\n\nDeniz Kaya")  # fmt: skip
    # another change redraws the page around the text; taking it back does so again
    page.get_by_role("button", name="Escalate").click()
    expect(page.get_by_role("button", name="No longer escalated")).to_be_visible()
    expect(text).to_have_value(re.compile("^Önce bu\\. Merhaba Selin"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Escalate", exact=True)).to_be_visible()
    assert Ticket.objects.get().escalated is False
    # somebody else writes meanwhile: told by name, nothing lost, and the next press sends
    messages.reply(ticket_id=ticket.pk, body="Ben bakıyorum.", public=False, author=cast.elif_, now=timezone.now())
    text.focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Elif Yıldız")
    assert text.input_value().startswith("Önce bu.")
    text.focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread .text").last).to_contain_text("Önce bu.")
    expect(text).to_have_value("")
    page.reload()
    expect(text).to_have_value("")
    # the clock of the handle time runs into a field, and is saved by a press alone
    clock = page.get_by_label("Work time")
    expect(clock).to_have_value(re.compile("^0:[0-9]{2}$"))
    assert not Interaction.objects.exists()
    clock.fill("12:30")
    page.get_by_role("button", name="Note the time").click()
    expect(page.get_by_text("12:30 in 1 contact")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("back to the queue")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.wait_for_url("**" + reverse("tickets:queue"))
    assert page.complaints == []


def test_the_page_fits_and_axe_finds_nothing(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:
    ticket = opened(cast)
    Ticket.objects.filter(pk=ticket.pk).update(rating=2, rated_at=timezone.now())
    for width, scheme in ((1400, "light"), (360, "dark")):
        page = enter(browser, live_server.url + reverse("tickets:ticket", args=[ticket.pk]), cast.deniz, viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.locator("details.folded summary").click()
        page.keyboard.press("/")
        expect(page.locator("#canned .menu-panel")).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("link", name="Make it work").click()
    expect(page.get_by_role("dialog")).to_contain_text("Next step")
    assert violations(page) == []


def violations(page: Any) -> list[str]:
    """What axe finds, with the first place of each."""
    return [f"{found['id']}: {found['nodes'][0]['html'][:120]}" for found in Axe().run(page, options=RULES).response["violations"]]
