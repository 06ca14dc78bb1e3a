"""The outbox in a browser: a person decides about single mails and many, lets a hold go; and to the eyes of axe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Installation, MailBucket, OutgoingMail
from surveys.models import SendingHold, Touchpoint
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tests.surveys.making import planned


def furnish(cast: SimpleNamespace) -> list[OutgoingMail]:
    """Two uncertain mails, one that failed, a hold, a receiver that rests, and a doubt whether this is a copy."""
    now = timezone.now()
    mails = []
    for number, (status, reason) in enumerate([("unknown", "lease_expired"), ("unknown", ""), ("failed", "gave_up")]):
        invitation = planned(cast.selin, at=now, status=status, wave=str(number))
        mails.append(
            OutgoingMail.objects.create(
                kind="survey", subject_type="invitation", subject_id=str(invitation.pk), account=cast.boga, contact=cast.selin, to_address=cast.selin.email,
                status=status, reason=reason, smtp_reply="450 4.2.0 mailbox busy", next_attempt_at=now, attempt=2,
            )
        )  # fmt: skip
    SendingHold.objects.create(touchpoint=Touchpoint.objects.get(key="ticket-solved"), reason="many_due", value=812, limit=500, held_at=now)
    MailBucket.objects.create(name="domain:slow.test", rate_per_second=0.5, tokens=1)
    Installation.current()
    return mails


def test_a_person_decides_about_one_and_about_many_and_lets_a_hold_go(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    first, second, third = furnish(cast)
    page = enter(browser, live_server.url, cast.mert)
    page.goto(f"{live_server.url}/surveys/unknown/")
    page.get_by_role("button", name="Send again").first.click()
    page.get_by_text("1 mail is queued again.").wait_for()
    page.goto(f"{live_server.url}/surveys/outbox/?status=failed")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Send the chosen again").click()
    page.get_by_text("1 mail is queued again.").wait_for()
    assert page.url.endswith("/surveys/outbox/?status=failed")
    page.get_by_role("link", name="Look and let them go").click()
    page.get_by_role("button", name="Let them go").click()
    page.get_by_text("What waited leaves from now on").wait_for()
    states = dict(OutgoingMail.objects.values_list("pk", "status"))
    assert [states[mail.pk] for mail in (first, second, third)] == ["queued", "unknown", "queued"]
    assert SendingHold.objects.get().released_by == cast.mert
    assert page.complaints == []


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1440, "en"), ("dark", 360, "tr")])
def test_axe_finds_nothing_and_nothing_runs_over(browser: Any, live_server: Any, cast: SimpleNamespace, scheme: str, width: int, language: str) -> None:  # noqa: F811
    furnish(cast)
    cast.ada.language = language
    cast.ada.save()
    page = enter(browser, live_server.url, cast.ada, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for doubt in ("", "url"):
        Installation.objects.update(doubt=doubt, sending_enabled=not doubt, instance_url="https://vefa.example.com")
        for path in ("outbox/", "unknown/"):
            page.goto(f"{live_server.url}/surveys/{path}")
            page.wait_for_load_state("networkidle")
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.complaints == []
