"""The support dashboard in a browser: panels arrive one by one, a figure opens its rows, and to the eyes of axe."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

from django.utils import timezone

from surveys.models import Response, Survey
from tests.browser.test_work import browser, enter, pytestmark, violations  # noqa: F401 - fixture and marks
from tickets.models import Interaction, ServiceLevel, Ticket, TicketChange


def furnish(cast: SimpleNamespace) -> None:
    """Thirty tickets of a month, most of them answered and solved, with contacts and a rating each."""
    now = timezone.now()
    ServiceLevel.objects.create(severity=2, first_reply_seconds=7200, resolution_seconds=86400)
    for number in range(30):
        opened, solved = now - dt.timedelta(hours=20 * number + 5), number % 4 > 0
        ticket = Ticket.objects.create(
            account=cast.boga if number % 3 else cast.north, subject=f"Subject {number}", opened_at=opened, severity=2, status="solved" if solved else "open", assignee=cast.deniz,
            group="One" if number % 2 else "Two", category="billing", channel="email", first_replied_at=opened + dt.timedelta(minutes=30 * number),
            solved_at=opened + dt.timedelta(hours=4) if solved else None, first_reply_due_at=opened + dt.timedelta(hours=2), resolution_due_at=None if solved else opened + dt.timedelta(days=1),
        )  # fmt: skip
        TicketChange.objects.create(ticket=ticket, kind="public_reply", occurred_at=ticket.first_replied_at, actor=cast.deniz)
        if solved:
            TicketChange.objects.create(ticket=ticket, kind="status", occurred_at=ticket.solved_at, actor=cast.deniz, value_before="new", value="solved")
        Interaction.objects.create(
            external_id=f"i{number}", ticket=ticket, account=ticket.account, agent=cast.deniz, channel="phone", ended_at=ticket.first_replied_at, talk_seconds=300
        )
        Response.objects.create(
            survey=Survey.objects.get(key="csat"), kind="csat", score=1 + number % 5, scale_min=1, scale_max=5, answered_at=opened + dt.timedelta(hours=4, minutes=59), ticket_id=ticket.pk,
            agent_id=cast.deniz.pk, account=ticket.account, comment="Çok yardımcı oldu, teşekkürler" if number % 2 else "",
        )  # fmt: skip


def test_panels_arrive_figures_open_their_rows_and_every_look_is_accessible(browser: Any, live_server: Any, cast: SimpleNamespace) -> None:  # noqa: F811
    furnish(cast)
    page = enter(browser, live_server.url, cast.ada)
    page.goto(f"{live_server.url}/metrics/support/")
    page.wait_for_load_state("networkidle")
    assert page.locator("[aria-busy]").count() == 0
    assert page.locator(".support-page > .panel").count() == 8
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#support-promises").get_by_role("button", name="Agent").click()
    page.locator("#support-promises tbody th", has_text="Deniz Kaya").wait_for()
    page.locator("#by-group").select_option("One")
    page.wait_for_url("**/metrics/support/?*group=One*")
    page.wait_for_load_state("networkidle")
    figure = page.locator("#support-volume .support-tiles b a")
    count = int(figure.inner_text())
    figure.click()
    page.wait_for_url("**/metrics/support/tickets/?*figure=volume*")
    assert page.locator("tbody tr").count() == count == 15
    assert violations(page) == []
    assert page.complaints == []
