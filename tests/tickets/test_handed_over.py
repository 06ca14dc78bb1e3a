"""Work that goes to support and comes back."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.utils import timezone

from accounts.actions.work_batches import restore_work_items
from accounts.actions.work_items import open_work_item, wake_snoozed
from accounts.actions.work_support import hand_over
from accounts.models import AccountEvent, WorkItem
from accounts.sentences import why
from tests.accounts.test_work_pages import enter, text_of
from tickets.actions.handed_over import give_back, open_handed_over
from tickets.actions.tickets import move_ticket
from tickets.models import Ticket, TicketMessage, TicketWork

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def item(cast: SimpleNamespace) -> WorkItem:
    now = timezone.now()
    return open_work_item(
        account_id=cast.boga.pk, contact_id=cast.selin.pk, type="risk", reason="r", title="Export fails", why=why("severe_tickets", count=1), now=now, due_at=now + 48 * HOUR
    )[0]  # fmt: skip


def sweep() -> tuple[int, int]:
    now = timezone.now() + HOUR / 60
    return open_handed_over(since=now - HOUR, now=now), give_back(now=now)


def test_a_ticket_is_opened_once_and_the_work_comes_back_when_it_is_solved(cast: SimpleNamespace, item: WorkItem) -> None:
    client = enter(cast.elif_)
    sent = {"reason": "Look why the nightly export stops", "w": f"{item.pk}.1"}
    assert client.post(f"/work/{item.pk}/support/", sent).status_code == 302
    item.refresh_from_db()
    assert (item.status, item.version, item.with_support_since is not None) == ("snoozed", 2, True)
    assert sweep() == (1, 0)
    assert sweep() == (0, 0)
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.account, ticket.contact, ticket.status) == ("Export fails", cast.boga, cast.selin, "new")
    note = TicketMessage.objects.get()
    assert note.body.startswith("Look why the nightly export stops")
    assert not note.public
    assert list(TicketWork.objects.values_list("ticket", "work_item", "ticket_first")) == [(ticket.pk, item.pk, False)]
    now = timezone.now() + HOUR
    move_ticket(ticket_id=ticket.pk, to="open", occurred_at=now, now=now, actor=cast.deniz)
    assert give_back(now=now) == 0
    move_ticket(ticket_id=ticket.pk, to="solved", occurred_at=now + HOUR, now=now + HOUR, actor=cast.deniz)
    assert give_back(now=now + HOUR) == 1
    assert give_back(now=now + HOUR) == 0
    item.refresh_from_db()
    assert (item.status, item.owner, item.with_support_since, item.due_at) == ("open", cast.elif_, None, now + HOUR)
    told = AccountEvent.objects.filter(kind__startswith="work.").order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["work.opened", "work.handed_over", "work.came_back"]
    assert "Work came back from support" in text_of(client.get(f"/accounts/{cast.boga.pk}/timeline/"))


def test_handed_over_a_second_time_it_gets_a_ticket_of_its_own(cast: SimpleNamespace, item: WorkItem) -> None:
    for turn in (1, 2):
        version = WorkItem.objects.get(pk=item.pk).version
        assert hand_over(item_id=item.pk, version=version, text="please", actor=cast.elif_, now=timezone.now()).ids == [item.pk]
        assert sweep()[0] == 1
        ticket = Ticket.objects.latest("pk")
        now = timezone.now() + turn * HOUR
        move_ticket(ticket_id=ticket.pk, to="cancelled", occurred_at=now, now=now, actor=cast.deniz)
        assert give_back(now=now) == 1
    assert Ticket.objects.count() == 2


def test_what_was_taken_back_at_once_opens_no_ticket(cast: SimpleNamespace, item: WorkItem) -> None:
    changed = hand_over(item_id=item.pk, version=1, text="please", actor=cast.elif_, now=timezone.now())
    assert restore_work_items(before=changed.record(), allowed=[item.pk], now=timezone.now()) == [item.pk]
    assert sweep() == (0, 0)
    assert not Ticket.objects.exists()


def test_it_never_sleeps_for_good_and_a_stale_hand_over_changes_nothing(cast: SimpleNamespace, item: WorkItem) -> None:
    assert hand_over(item_id=item.pk, version=7, text="x", actor=cast.elif_, now=timezone.now()).stale == [item.pk]
    assert not AccountEvent.objects.filter(kind="work.handed_over").exists()
    hand_over(item_id=item.pk, version=1, text="x", actor=cast.elif_, now=timezone.now())
    # with support already: a second hand over is none
    assert hand_over(item_id=item.pk, version=2, text="y", actor=cast.elif_, now=timezone.now()).stale == [item.pk]
    assert wake_snoozed(now=timezone.now() + dt.timedelta(days=61)) == 1
    item.refresh_from_db()
    assert (item.status, item.with_support_since) == ("open", None)
    assert enter(cast.can).post(f"/work/{item.pk}/support/", {"reason": "x"}).status_code == 404
    assert enter(cast.vera).post(f"/work/{item.pk}/support/", {"reason": "x"}).status_code == 403
    assert enter(cast.elif_).post(f"/work/{item.pk}/support/", {"reason": ""}).status_code == 422
