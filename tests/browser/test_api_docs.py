"""The API over a real socket, and its docs in a real browser under the page's own security policy."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.api_client import ApiClient

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def ask(live_server, path, token="", method="GET", body=None, **headers):
    sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(f"{live_server.url}/api/v1{path}", method=method, headers=sent, data=json.dumps(body).encode() if body is not None else None)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.headers, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, json.loads(refusal.read() or b"null")


def test_a_script_works_with_the_api_over_the_network(cast, live_server):
    token = ApiClient(cast.elif_).token
    assert ask(live_server, "/accounts/")[0] == 401
    status, headers, account = ask(live_server, "/accounts/", token, "POST", {"name": "Over the wire"}, Idempotency_Key="wire-1")
    assert status == 201
    assert headers["Location"] == f"{live_server.url}/api/v1/accounts/{account['id']}/"
    again = ask(live_server, "/accounts/", token, "POST", {"name": "Over the wire"}, Idempotency_Key="wire-1")
    assert (again[0], again[1]["Idempotent-Replayed"], again[2]) == (201, "true", account)
    changed = ask(live_server, f"/accounts/{account['id']}/", token, "PATCH", {"plan": "pro"}, If_Match=headers["ETag"])
    assert (changed[0], changed[2]["plan"]) == (200, "pro")
    stale = ask(live_server, f"/accounts/{account['id']}/", token, "PATCH", {"plan": "max"}, If_Match=headers["ETag"])
    assert (stale[0], stale[1]["Content-Type"]) == (412, "application/problem+json")
    assert ask(live_server, f"/accounts/{account['id']}/", token, If_None_Match=changed[1]["ETag"])[0] == 304
    assert ask(live_server, f"/accounts/{cast.north.pk}/", token)[0] == 404
    assert ask(live_server, "/schema/?format=json")[2]["openapi"].startswith("3.")


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)")
def test_the_docs_open_in_a_browser_without_breaking_their_policy(live_server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda fault: said.append(str(fault)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{live_server.url}/api/v1/docs/")
        page.wait_for_selector("text=/api/v1/accounts/", timeout=30_000)
        assert page.locator(".opblock").count() > 40
        assert [text for text in said if "Content Security Policy" in text or "Error" in text] == []
        assert all(url.startswith((live_server.url, "data:", "blob:")) for url in asked), asked
        browser.close()
