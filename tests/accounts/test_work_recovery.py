"""Work that closes itself, names that tell work apart, and people who have left."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from accounts.actions.work_batches import change_work_items, reopen_work_items, restore_work_items
from accounts.actions.work_items import PersonLeft, assign_work_item, open_work_item, reopen_work_item, snooze_work_item
from accounts.actions.work_recovery import close_recovered
from accounts.models import AccountEvent, AccountSnapshot, WorkItem
from tests.accounts.test_work_pages import _noon, enter, text_of  # noqa: F401 - the clock of these tests
from tests.accounts.work_builders import NOW

pytestmark = pytest.mark.django_db


def risk(of: object, **values: object) -> WorkItem:
    fields = {"type": "risk", "reason": "health", "why": {}, "now": NOW, "due_at": NOW, **values}
    return open_work_item(account_id=of.pk, **fields)[0]  # type: ignore[attr-defined,arg-type]


def bands(**by_name: str) -> None:
    for name, band in by_name.items():
        AccountSnapshot.objects.filter(account__external_id=name).update(band=band, health=5000)


def test_work_closes_itself_when_what_opened_it_is_over_and_no_other_does(cast: SimpleNamespace) -> None:
    over, still = risk(cast.boga), risk(cast.north)
    by_hand = risk(cast.boga, reason="health", name="mine", source="manual")
    other = risk(cast.boga, reason="promise")
    snooze_work_item(item_id=over.pk, until=NOW + dt.timedelta(days=3), reason="holiday", now=NOW)
    bands(boga="watch", north="at_risk")
    assert close_recovered(now=NOW) == 1
    over.refresh_from_db()
    assert (over.status, over.outcome, over.closed_by, over.snoozed_until) == ("done", "recovered", None, None)
    assert set(WorkItem.objects.filter(status="open")) == {still, by_hand, other}
    told = AccountEvent.objects.get(kind="work.done")
    assert (told.account_id, told.payload["outcome"], told.actor) == (cast.boga.pk, "recovered", None)
    assert "the account recovered" in text_of(enter(cast.elif_).get("/?scope=done"))


def test_once_opened_again_by_a_person_it_stays_open(cast: SimpleNamespace) -> None:
    item = risk(cast.boga)
    bands(boga="healthy")
    ways = (
        lambda: reopen_work_item(item_id=item.pk, now=NOW),
        lambda: reopen_work_items(versions={item.pk: WorkItem.objects.get(pk=item.pk).version}, now=NOW),
    )
    for way in ways:
        WorkItem.objects.filter(pk=item.pk).update(closes_itself=True)
        assert close_recovered(now=NOW, account_ids=[cast.boga.pk]) == 1
        way()
        assert close_recovered(now=NOW) == 0
        assert WorkItem.objects.get(pk=item.pk).status == "open"
    # taking back another change is no judgement
    WorkItem.objects.filter(pk=item.pk).update(closes_itself=True)
    changed = change_work_items(do="done", versions={item.pk: WorkItem.objects.get(pk=item.pk).version}, actor=cast.elif_, now=NOW, text="spoke")
    assert restore_work_items(before=changed.record(), allowed=[item.pk], now=NOW) == [item.pk]
    assert WorkItem.objects.get(pk=item.pk).closes_itself


def test_a_name_tells_work_of_one_type_and_reason_apart(cast: SimpleNamespace) -> None:
    first, again = risk(cast.boga, name="Fabrika 1"), risk(cast.boga, name="Fabrika 1")
    assert (first.pk, again.version) == (again.pk, 2)
    assert risk(cast.boga, name="Fabrika 2").pk != first.pk
    assert risk(cast.boga).name == ""
    snooze_work_item(item_id=first.pk, until=NOW + dt.timedelta(days=3), reason="x", now=NOW)
    assert risk(cast.boga, name="Fabrika 1").pk == first.pk
    assert WorkItem.objects.count() == 3


def test_nothing_is_given_to_somebody_who_has_left_and_the_field_says_who(cast: SimpleNamespace) -> None:
    item = risk(cast.boga)
    cast.mert.is_active = False
    cast.mert.save()
    answer = enter(cast.elif_).post(f"/work/{item.pk}/assign/", {"owner": cast.mert.pk, "w": f"{item.pk}.1"})
    assert answer.status_code == 422
    assert "Mert Lider has left. Choose somebody who is here." in text_of(answer)
    with pytest.raises(PersonLeft):
        change_work_items(do="assign", versions={item.pk: 1}, actor=cast.elif_, now=NOW, owner_id=cast.mert.pk)
    with pytest.raises(PersonLeft):
        assign_work_item(item_id=item.pk, owner=cast.mert, now=NOW)
    item.refresh_from_db()
    assert (item.owner, item.version) == (cast.elif_, 1)


def test_a_snooze_into_the_past_is_refused_at_its_field(cast: SimpleNamespace) -> None:
    item = risk(cast.boga)
    answer = enter(cast.elif_).post(f"/work/{item.pk}/snooze/", {"when": "date", "date": "2026-11-16", "reason": "x", "w": f"{item.pk}.1"})
    assert answer.status_code == 422
    assert "Choose a day after today." in text_of(answer)
    with pytest.raises(ValueError, match="future"):
        change_work_items(do="snooze", versions={item.pk: 1}, actor=cast.elif_, now=NOW, at=NOW - dt.timedelta(days=1), text="x")
    item.refresh_from_db()
    assert (item.status, item.version) == ("open", 1)


def test_two_on_one_item_see_what_stands_and_what_they_wanted(cast: SimpleNamespace) -> None:
    item = risk(cast.boga)
    assert enter(cast.mert).post(f"/work/{item.pk}/drop/", {"reason": "asked us not to call", "w": f"{item.pk}.1"}).status_code == 302
    open_again = WorkItem.objects.get(pk=item.pk)
    reopen_work_item(item_id=item.pk, now=NOW)
    assert enter(cast.mert).post(f"/work/{item.pk}/due/", {"date": "2026-12-24", "w": f"{item.pk}.{open_again.version + 1}"}).status_code == 302
    answer = enter(cast.elif_).post(f"/work/{item.pk}/done/", {"outcome": "agreed", "note": "she signs on Friday", "w": f"{item.pk}.1"})
    assert answer.status_code == 409
    page = text_of(answer)
    assert "Somebody was faster" in page
    assert "due 12/24/2026" in page
    assert "she signs on Friday" in page
    assert WorkItem.objects.get(pk=item.pk).status == "open"
