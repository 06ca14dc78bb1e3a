"""`manage.py screenshots`: pictures of a running installation's pages, for README and for looking at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import AccountSnapshot
from config.demo.people import DEMO_PASSWORD

TURKISH_READER = "can@kervan.example"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


class Command(BaseCommand):
    """Signs in as a demo user and takes a picture of each page."""

    help = "Takes pictures of the running installation (needs `make up`, the development requirements and a Chromium)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, as whom, which pages."""
        parser.add_argument("--into", default="docs/images", help="folder for the pictures")
        parser.add_argument("--user", default="admin@kervan.example")
        parser.add_argument("--password", default=DEMO_PASSWORD)
        parser.add_argument("--all", action="store_true", help="every page in light, dark, on a phone and in Turkish")

    def handle(self, **options: Any) -> None:
        """Opens the pages one by one."""
        try:
            from playwright.sync_api import sync_playwright
        except ImportError:
            raise CommandError("Playwright is not installed: pip install -r requirements-dev.txt") from None
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        if not Path(chromium).exists():
            raise CommandError(f"No Chromium at {chromium}; set CHROMIUM.")
        folder = Path(options["into"])
        folder.mkdir(parents=True, exist_ok=True)

        # asked before the browser starts: its loop lets no query through
        own_account = {reader: _account_of(reader) for reader in (options["user"], TURKISH_READER)}
        pages = {"work": "/"}
        if options["all"]:
            pages |= {"accounts": "/accounts/", "tickets": "/tickets/", "surveys": "/surveys/", "metrics": "/metrics/"}
        looks = [("light", "desktop", "en")]
        if options["all"]:
            looks += [("dark", "desktop", "en"), ("light", "phone", "en"), ("light", "desktop", "tr")]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium)
            for scheme, size, language in looks:
                width, height = SIZES[size]
                context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height}, locale=language, device_scale_factor=1)
                page = context.new_page()
                page.goto(f"{settings.PUBLIC_BASE_URL}/login/")
                reader = TURKISH_READER if language == "tr" else options["user"]
                # a person's own language wins over the browser's, so Turkish pages are a Turkish reader's
                page.fill("input[name=email], input[name=username]", reader)
                page.fill("input[name=password]", options["password"])
                page.press("input[name=password]", "Enter")
                page.wait_for_url(lambda url: "/login/" not in url)
                for name, address in (pages | own_account[reader]).items():
                    page.goto(settings.PUBLIC_BASE_URL + address)
                    page.wait_for_load_state("networkidle")
                    parts = [name, scheme] + ([size] if size != "desktop" else []) + ([language] if language != "en" else [])
                    path = folder / f"{'-'.join(parts)}.png"
                    page.screenshot(path=str(path), full_page=options["all"])
                    self.stdout.write(str(path))
                context.close()
            browser.close()


def _account_of(reader: str) -> dict[str, str]:
    """The page of a reader's account with the most at stake; of any account for a reader without a book."""
    accounts = AccountSnapshot.objects.filter(health__isnull=False).order_by("-stake_micros").values_list("pk", flat=True)
    account = accounts.filter(owner__email=reader).first() or accounts.first()
    return {"account": f"/accounts/{account}/"} if account else {}
