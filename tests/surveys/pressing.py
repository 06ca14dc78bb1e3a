"""What the tests of the public pages do: look at a page for a while, press a button, and compare all tables."""

from __future__ import annotations

import re
import time
from typing import Any

from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from surveys.forms import new_nonce
from surveys.models import SurveyLink
from surveys.tokens import token_digest

# what a browser says of a form of our own page, which keeps its address to itself
BROWSER = {"origin": "null", "sec-fetch-site": "same-origin"}


def nonce_of(token: str, looked_at_ms: int = 5000) -> str:
    """A form's nonce as if the page had been looked at for five seconds."""
    link = SurveyLink.objects.get(token_hash=token_digest(token))
    real = time.time_ns
    try:
        time.time_ns = lambda: real() - looked_at_ms * 1_000_000
        return new_nonce(link.pk)
    finally:
        time.time_ns = real


def press(customer: Client, token: str, score: object, *, nonce: str = "", headers: dict[str, str] | None = None, **fields: Any) -> HttpResponse:
    """One press of a score."""
    return customer.post(f"/s/{token}", {"form_nonce": nonce or nonce_of(token), "score": score, **fields}, headers=BROWSER if headers is None else headers)


def tell(customer: Client, token: str, *, nonce: str = "", **fields: Any) -> HttpResponse:
    """The form of reasons, sent."""
    return customer.post(f"/s/{token}/done", {"form_nonce": nonce or nonce_of(token), **fields}, headers=BROWSER)


def everything() -> dict[str, tuple[int, str]]:
    """The number of rows and a checksum of every table."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.managed:
                cursor.execute(f"SELECT count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{model._meta.db_table}\" t")
                found[model._meta.db_table] = cursor.fetchone()
    return found


def weight_of_files(html: str) -> int:
    """The bytes of everything that a page asks for beside itself, as it is served."""
    client, total = Client(), 0
    for address in sorted(set(re.findall(r'(?:href|src)="(/(?:static|brand)/[^"]+)"', html))):
        answer = client.get(address)
        assert answer.status_code == 200, address
        total += len(b"".join(answer.streaming_content) if answer.streaming else answer.content)
    return total
