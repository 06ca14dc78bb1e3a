"""Changing work: by version, many at once, and back again."""

from __future__ import annotations

import datetime as dt
import threading
from types import SimpleNamespace

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts import sentences
from accounts.actions.touches import log_touch
from accounts.actions.work_batches import change_work_items, reopen_work_items, restore_work_items
from accounts.actions.work_items import open_work_item, wake_snoozed
from accounts.models import Account, AccountEvent, Note, WorkItem
from tests.accounts.work_builders import NOW, item

pytestmark = pytest.mark.django_db
WHY = sentences.why("manual", text="x")


def states() -> list[tuple[object, ...]]:
    return list(WorkItem.objects.order_by("pk").values_list("status", "owner_id", "due_at", "snoozed_until", "snooze_reason", "outcome", "closed_at", "closed_by_id"))


@pytest.mark.parametrize(
    ("do", "values"),
    [
        ("done", {"text": "reached"}),
        ("drop", {"text": "no use"}),
        ("snooze", {"text": "holiday", "at": NOW + dt.timedelta(days=3)}),
        ("due", {"at": NOW + dt.timedelta(days=9)}),
        ("assign", {"owner_id": "mert"}),
    ],
)
def test_an_undo_restores_every_field(cast: SimpleNamespace, do: str, values: dict[str, object]) -> None:
    values = {key: cast.mert.pk if value == "mert" else value for key, value in values.items()}
    for n in range(3):
        item(cast.boga, reason=f"{n}", due=NOW + dt.timedelta(days=n))
    versions = dict(WorkItem.objects.values_list("pk", "version"))
    before = states()
    changed = change_work_items(do=do, versions=versions, actor=cast.elif_, now=NOW, **values)  # type: ignore[arg-type]
    assert sorted(changed.ids) == sorted(versions)
    assert changed.stale == []
    assert states() != before
    assert restore_work_items(before=changed.record(), allowed=list(versions), now=NOW) == sorted(versions)
    assert states() == before


def test_done_records_what_came_of_it_and_an_event_for_each(cast: SimpleNamespace) -> None:
    made = [item(cast.boga, reason=f"{n}") for n in range(2)]
    change_work_items(do="done", versions={work.pk: 1 for work in made}, actor=cast.elif_, now=NOW, text="agreed")
    for work in made:
        work.refresh_from_db()
        assert (work.status, work.outcome, work.closed_at, work.closed_by, work.version) == ("done", "agreed", NOW, cast.elif_, 2)
    events = AccountEvent.objects.filter(kind="work.done").order_by("pk")
    assert [(event.account_id, event.actor_id, event.payload["work_item"], event.payload["outcome"]) for event in events] == [
        (cast.boga.pk, cast.elif_.pk, work.pk, "done") for work in made
    ]


def test_a_closing_that_is_taken_back_is_told_and_a_snooze_is_not(cast: SimpleNamespace) -> None:
    work = item(cast.boga, reason="a")
    for do, values in (("snooze", {"at": NOW + dt.timedelta(days=1)}), ("done", {})):
        work.refresh_from_db()
        changed = change_work_items(do=do, versions={work.pk: work.version}, actor=cast.elif_, now=NOW, **values)  # type: ignore[arg-type]
        restore_work_items(before=changed.record(), allowed=changed.ids, now=NOW, actor=cast.elif_)
    change_work_items(do="drop", versions={work.pk: WorkItem.objects.get(pk=work.pk).version}, actor=cast.elif_, now=NOW)
    reopen_work_items(versions={work.pk: WorkItem.objects.get(pk=work.pk).version}, now=NOW, actor=cast.mert)
    told = AccountEvent.objects.filter(kind__in=["work.done", "work.reopened"]).order_by("pk").values_list("kind", "actor_id")
    assert list(told) == [("work.done", cast.elif_.pk), ("work.reopened", cast.elif_.pk), ("work.done", cast.elif_.pk), ("work.reopened", cast.mert.pk)]


def test_a_stale_version_is_left_alone_and_said(cast: SimpleNamespace) -> None:
    fresh, stale, closed = item(cast.boga, reason="a"), item(cast.boga, reason="b", version=4), item(cast.boga, reason="c", status="done", closed_at=NOW)
    changed = change_work_items(do="done", versions={fresh.pk: 1, stale.pk: 3, closed.pk: 1, 10**9: 1}, actor=cast.elif_, now=NOW)
    assert changed.ids == [fresh.pk]
    assert changed.stale == sorted([stale.pk, closed.pk, 10**9])
    stale.refresh_from_db()
    assert (stale.status, stale.version) == ("open", 4)


def test_an_undo_leaves_what_somebody_changed_since(cast: SimpleNamespace) -> None:
    one, two = item(cast.boga, reason="a"), item(cast.boga, reason="b")
    changed = change_work_items(do="done", versions={one.pk: 1, two.pk: 1}, actor=cast.elif_, now=NOW)
    WorkItem.objects.filter(pk=one.pk).update(outcome="mine", version=3)
    assert restore_work_items(before=changed.record(), allowed=[one.pk, two.pk], now=NOW) == [two.pk]
    one.refresh_from_db()
    assert (one.status, one.outcome) == ("done", "mine")
    assert restore_work_items(before=changed.record(), allowed=[], now=NOW) == []


def test_an_undo_does_not_open_a_second_item_of_the_same_identity(cast: SimpleNamespace) -> None:
    old = item(cast.boga)
    changed = change_work_items(do="done", versions={old.pk: 1}, actor=cast.elif_, now=NOW)
    item(cast.boga)
    assert restore_work_items(before=changed.record(), allowed=[old.pk], now=NOW) == []
    assert reopen_work_items(versions={old.pk: 2}, now=NOW).stale == [old.pk]
    assert WorkItem.objects.filter(status="open").count() == 1


def test_five_hundred_rows_take_as_many_statements_as_one(cast: SimpleNamespace) -> None:
    WorkItem.objects.bulk_create(WorkItem(account=cast.boga, type="risk", reason=f"{n}", due_at=NOW, owner=cast.elif_, why={}) for n in range(500))
    versions = dict(WorkItem.objects.values_list("pk", "version"))
    with CaptureQueriesContext(connection) as asked:
        changed = change_work_items(do="done", versions=versions, actor=cast.elif_, now=NOW)
    assert len(changed.before) == 500
    assert len([query for query in asked.captured_queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]) == 3
    with CaptureQueriesContext(connection) as asked:
        assert len(restore_work_items(before=changed.record(), allowed=changed.ids, now=NOW)) == 500
    assert len([query for query in asked.captured_queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]) == 3


def test_wrong_calls_change_nothing(cast: SimpleNamespace) -> None:
    work = item(cast.boga)
    before = states()
    with pytest.raises(KeyError):
        change_work_items(do="burn", versions={work.pk: 1}, actor=cast.elif_, now=NOW)
    for bad in ({"do": "snooze", "at": NOW}, {"do": "snooze"}, {"do": "due"}):
        with pytest.raises(ValueError):
            change_work_items(versions={work.pk: 1}, actor=cast.elif_, now=NOW, **bad)  # type: ignore[arg-type]
    assert states() == before


def test_sleeping_work_blocks_a_duplicate_and_wakes_on_its_date(cast: SimpleNamespace) -> None:
    work, _new = open_work_item(account_id=cast.boga.pk, type="risk", reason="usage", why=WHY, now=NOW, due_at=NOW)
    change_work_items(do="snooze", versions={work.pk: 1}, actor=cast.elif_, now=NOW, text="holiday", at=NOW + dt.timedelta(days=2))
    again, is_new = open_work_item(account_id=cast.boga.pk, type="risk", reason="usage", why=WHY, now=NOW, due_at=NOW)
    assert (again.pk, is_new, again.status) == (work.pk, False, "snoozed")
    assert wake_snoozed(now=NOW + dt.timedelta(days=2) - dt.timedelta(seconds=1)) == 0
    assert wake_snoozed(now=NOW + dt.timedelta(days=2)) == 1
    work.refresh_from_db()
    assert (work.status, work.snoozed_until) == ("open", None)


def test_touches_keep_their_minutes_and_turn_a_remark_into_a_note(cast: SimpleNamespace) -> None:
    work = item(cast.boga)
    event = log_touch(account_id=cast.boga.pk, actor=cast.elif_, channel="call", minutes=18, occurred_at=NOW, now=NOW, note=" will think about it ", work_item_id=work.pk)
    assert event.payload == {"channel": "call", "minutes": 18, "work_item": work.pk}
    assert Note.objects.get().body == "will think about it"
    for bad in ({"channel": "smoke"}, {"minutes": -1}, {"minutes": 601}, {"occurred_at": NOW + dt.timedelta(seconds=1)}):
        with pytest.raises(ValueError):
            log_touch(**({"account_id": cast.boga.pk, "actor": cast.elif_, "channel": "call", "minutes": 5, "occurred_at": NOW, "now": NOW} | bad))
    assert AccountEvent.objects.filter(kind="touch.logged").count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_open_one_item(cast: SimpleNamespace) -> None:
    made, start = [], threading.Barrier(20)

    def work() -> None:
        start.wait()
        try:
            made.append(open_work_item(account_id=cast.boga.pk, type="risk", reason="usage", why=WHY, now=NOW, due_at=NOW)[1])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 19 + [True]
    assert WorkItem.objects.count() == 1
    assert Account.objects.get(pk=cast.boga.pk).events.filter(kind="work.opened").count() == 1
