"""Unsorted messages in a browser: read, placed, dropped and brought back; to the eyes of axe, on a phone too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect, sync_playwright

from accounts.models import Installation
from tests.tickets.letters import BASE, incoming
from tickets.actions import tickets
from tickets.actions.incoming_mail import place
from tickets.actions.reply_mails import reply_address

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)"),
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def looks_right(page: Any) -> None:
    """Axe finds nothing, and nothing stands out at the side."""
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/unsorted-{len(list(Path(folder).glob('unsorted-*')))}.png", full_page=True)


def test_messages_are_read_dropped_brought_back_and_placed(live_server: Any, cast: Any) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"ticket_address": BASE})
    ticket = tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject="İhracat hatası", channel="email", now=timezone.now())[0]
    long = "Merhaba,\n\nfaturayı ekte gönderiyorum, son satırdaki tutar yanlış görünüyor. " * 6
    mails = [
        incoming("I am out of the office until Monday.", subject="Automatic reply: İhracat hatası", to=reply_address(ticket.pk), number=1),
        incoming("Who is this?", sender="Somebody Else <who@elsewhere.test>", subject=f"Re: İhracat hatası [#{ticket.pk}]", to=reply_address(ticket.pk), number=2),
        incoming(
            long, sender="Zeynep Çok-Uzun-Soyadlı <zeynep.cok.uzun.soyadli@bogazici.test>", subject="Fatura", number=3, files=(("fatura-2026-son-hali-imzalı.pdf", b"%PDF-1.7"),)
        ),
    ]
    for mail in mails:
        place(mail=mail, source="mail:pipe", now=timezone.now())
    client = Client()
    client.force_login(cast.ada)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme, width in (("dark", 390), ("light", 1400)):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value, "url": live_server.url}])
            page = context.new_page()
            page.goto(f"{live_server.url}/tickets/unsorted/")
            looks_right(page)
            page.get_by_role("link", name="Fatura").click()
            page.get_by_label("A ticket of another account").fill("north")
            page.get_by_role("button", name="Find").click()
            expect(page.get_by_role("button", name="New ticket of Northgate Freight Ltd")).to_be_visible()
            looks_right(page)
        page.goto(f"{live_server.url}/tickets/unsorted/")
        page.get_by_role("article", name="Automatic reply").get_by_role("button", name="Drop").click()
        expect(page.get_by_role("article")).to_have_count(2)
        looks_right(page)
        page.get_by_role("button", name="Bring it back").click()
        expect(page.get_by_role("article")).to_have_count(3)
        page.get_by_role("button", name="New ticket of Boğaziçi Lojistik A.Ş.").click()
        expect(page.get_by_role("heading", name="Fatura")).to_be_visible()
        expect(page.get_by_text("zeynep.cok.uzun.soyadli@bogazici.test").or_(page.get_by_text("Zeynep Çok-Uzun-Soyadlı")).first).to_be_visible()
        browser.close()
