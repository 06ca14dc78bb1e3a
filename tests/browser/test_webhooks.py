"""Webhooks in the settings, in a browser: made, looked at, sent again; and to the eyes of axe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.actions.event_log import record_event
from accounts.actions.incoming_hooks import new_secret
from accounts.actions.webhooks import create_endpoint
from accounts.models import IncomingHook, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks

LONG = "https://8.8.8.8/" + "a-rather-long-path-of-a-receiver/" * 4


def furnish(cast: SimpleNamespace) -> tuple[WebhookEndpoint, WebhookDelivery]:
    """Two that go out, one of them off; deliveries of each status; two senders."""
    now = timezone.now()
    row = create_endpoint(fields={"url": LONG, "description": "CRM"}, actor=cast.ada, now=now)
    off = create_endpoint(fields={"url": "https://1.1.1.1/", "kinds": ["work.opened"]}, actor=cast.mert, now=now)
    WebhookEndpoint.objects.filter(pk=off.pk).update(active=False, off_reason="failing", off_at=now)
    for number, state in enumerate(("delivered", "failed", "waiting", "dropped")):
        record_event(account_id=cast.boga.pk, kind="onboarding.completed", occurred_at=now, origin="api", payload={"days": number})
        WebhookDelivery.objects.filter(status="waiting", tries=0).update(status=state, tries=number, answer="204" if state == "delivered" else "503")
    delivery = WebhookDelivery.objects.get(status="failed")
    WebhookAttempt.objects.create(delivery=delivery, at=now, delivered=False, answer="ConnectionRefusedError", milliseconds=1203)
    for name, proof in (("desk", "standard"), ("stripe", "stripe")):
        IncomingHook.objects.create(name=name, acts_for=cast.ada, secret=new_secret(), proof=proof)
    return row, delivery


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int) -> None:  # noqa: F811
    row, delivery = furnish(cast)
    page = enter(browser, live_server.url, cast.ada, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("", f"{row.pk}/", f"{row.pk}/deliveries/{delivery.pk}/"):
        page.goto(f"{live_server.url}/settings/webhooks/{path}")
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.get_by_role("button", name="Send again").click()
    page.get_by_text("1 delivery will be sent.").wait_for()
    page.goto(f"{live_server.url}/settings/webhooks/")
    page.get_by_label("Address").fill("https://9.9.9.9/told")
    page.get_by_text("Which events").click()
    page.get_by_label("health.band_changed").check()
    page.get_by_role("button", name="Add the webhook").click()
    page.get_by_role("heading", name="The secret, shown once").wait_for()
    assert violations(page) == []
    assert page.complaints == []
    assert WebhookEndpoint.objects.get(url="https://9.9.9.9/told").kinds == ["health.band_changed"]
