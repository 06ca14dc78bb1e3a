"""A sandbox as a test has it: made and moved on by `manage.py sandbox`, served by it, spoken to over HTTP like any installation."""

from __future__ import annotations

import datetime as dt
import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.actions.api_keys import create_key
from accounts.models import ApiKey, User
from config.environment import ROOT
from config.sandbox import building, place
from config.services import inbox
from config.services.ports import free_port

PASSWORD = "a rehearsal needs a password"
PATIENCE = 90.0
# what a survey mail leads to
LINK = re.compile(r"https?://[^\s/]+/s/([A-Za-z0-9_-]+)")


class Sandbox:
    """The sandbox of one test run: `advance`, `api`, `touch`, `answer`, and what is inside."""

    def __init__(self) -> None:
        self.began = timezone.now()
        self.days = 0
        self.token = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._browsers: dict[str, urllib.request.OpenerDirector] = {}

    # ── the clock ──────────────────────────────────────────────────────────
    def create(self, **options: Any) -> None:
        """Copies what there is; then an admin's key of its own, as an operator would make one inside."""
        self.began = timezone.now()
        _command("create", **options)
        key, self.token = create_key(user=User.objects.get(email="ada@vefa.test"), scopes=["*"], now=self.began)
        self._put(ApiKey.objects.get(pk=key.pk))

    def advance(self, days: int, *, hours: int = 8) -> None:
        """Moves its clock on; three rounds of sweeps a day, so that one falls into decent hours."""
        self.days += days
        _command("advance", days=days, hours=hours)

    def now(self) -> dt.datetime:
        """What time it is inside."""
        (offset,) = self.ask("SELECT clock_offset_seconds FROM accounts_installation WHERE id = 1")[0]
        return timezone.now() + dt.timedelta(seconds=offset)

    def at(self, days: float) -> dt.datetime:
        """An instant so many days after it was made."""
        return self.began + dt.timedelta(days=days)

    # ── looking ────────────────────────────────────────────────────────────
    def ask(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Reads from its database."""
        with psycopg.connect(**place.conninfo(place.database_name())) as there:
            return there.execute(statement, values).fetchall()

    def mails(self, address: str) -> list[inbox.OpenedMail]:
        """What its catcher kept for an address, oldest first."""
        kept = [mail.key for mail in inbox.newest(place.data_folder(), limit=1000) if address in mail.recipients]
        return [mail for key in reversed(kept) if (mail := inbox.opened(place.data_folder(), key)) is not None]

    # ── doing ──────────────────────────────────────────────────────────────
    def api(self, method: str, path: str, body: Any) -> Any:
        """A call of the API inside."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **({"If-Match": "*"} if method == "PATCH" else {})}
        status, text = _send(urllib.request.build_opener(), f"{place.address()}/api/v1{path}", json.dumps(body).encode(), headers, method)
        assert status in {200, 201}, text
        return json.loads(text)

    def touch(self, email: str, account: int) -> None:
        """Somebody logs a call at the page."""
        browser = self._browsers.get(email) or self._signed_in(email)
        self._form(browser, f"/touch/?account={account}", "/touch/", {"account": account, "channel": "call", "minutes": 15, "note": "Görüştük."})

    def answer(self, address: str, *, score: int, **details: Any) -> str:
        """A customer follows the link of the last survey that came, presses a score and says why; the page they were shown."""
        letter = self.mails(address)[-1]
        found = LINK.search(letter.text)
        assert found, letter.text
        browser, page = urllib.request.build_opener(), f"{place.address()}/s/{found[1]}"
        assert found[0].startswith(place.address()), "the link leads into the sandbox"
        shown = _send(browser, page)[1]
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        _status, reasons = _send(browser, page, urlencode({"form_nonce": _field(shown, "form_nonce"), "score": score}).encode(), headers)
        status, text = _send(browser, f"{page}/done", urlencode({"form_nonce": _field(reasons, "form_nonce"), **details}, doseq=True).encode(), headers)
        assert status == 200, text
        return shown

    def _signed_in(self, email: str) -> urllib.request.OpenerDirector:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self._form(browser, "/login/", "/login/", {"email": email, "password": PASSWORD})
        self._browsers[email] = browser
        return browser

    def _form(self, browser: urllib.request.OpenerDirector, page: str, target: str, fields: dict[str, Any]) -> None:
        csrf = _field(_send(browser, place.address() + page)[1], "csrfmiddlewaretoken")
        headers = {"Origin": place.address(), "Referer": place.address() + page, "Content-Type": "application/x-www-form-urlencoded"}
        status, text = _send(browser, place.address() + target, urlencode({"csrfmiddlewaretoken": csrf, **fields}).encode(), headers)
        assert status == 200, text
        assert 'action="/login/"' not in text, "signed in"

    def _put(self, row: ApiKey) -> None:
        columns = [field.column for field in row._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(columns)} FROM {row._meta.db_table} WHERE id = %s", [row.pk])
            values = cursor.fetchone()
        with psycopg.connect(**place.conninfo(place.database_name())) as there:
            there.execute(f"INSERT INTO {row._meta.db_table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})", values)

    # ── its pages ──────────────────────────────────────────────────────────
    def serve(self) -> None:
        """Starts `manage.py sandbox serve` and waits until it answers."""
        from django.conf import settings

        variables = {**os.environ, "DATABASE_URL": place.database_url(str(connection.settings_dict["NAME"])), "VEFA_DATA": str(settings.VEFA_DATA), "PORT": str(settings.PORT)}
        self._process = subprocess.Popen([sys.executable, "manage.py", "sandbox", "serve"], cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                if _send(urllib.request.build_opener(), f"{place.address()}/healthz")[0] == 200:
                    return
            except urllib.error.URLError:
                time.sleep(0.1)
        raise AssertionError("the sandbox was not served")

    def stop(self) -> None:
        """Ends serving."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)


@contextmanager
def a_place_of_its_own() -> Iterator[None]:
    """A data folder and ports that no other test uses, and no sandbox left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="vefa-rehearsal-"))
    port = free_port() - 1
    try:
        with override_settings(VEFA_DATA=folder, PORT=port):
            yield
    finally:
        building.drop_database()
        shutil.rmtree(folder, ignore_errors=True)


def password() -> str:
    """The stored form of PASSWORD, by a hash that the processes of a sandbox know."""
    return PBKDF2PasswordHasher().encode(PASSWORD, "a-salt-of-the-rehearsal", iterations=1000)


def _command(action: str, **options: Any) -> None:
    call_command("sandbox", action, *(part for name, value in options.items() for part in (f"--{name}", str(value))), stdout=StringIO())


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def _send(browser: urllib.request.OpenerDirector, address: str, data: bytes | None = None, headers: dict[str, str] | None = None, method: str | None = None) -> tuple[int, str]:
    try:
        with browser.open(urllib.request.Request(address, data=data, headers=headers or {}, method=method), timeout=PATIENCE) as answer:  # noqa: S310 - to this machine
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()
