"""The event log is append-only, closed in its vocabulary, idempotent by dedupe key."""

import datetime as dt

import pytest
from django.db import Error, transaction

from accounts.actions.event_log import NewEvent, record_event, record_events
from accounts.event_kinds import UnknownEventKind, WrongPayload
from accounts.models import AccountDirty, AccountEvent

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
pytestmark = pytest.mark.django_db


def test_a_fact_is_recorded_once_per_dedupe_key(cast):
    fact = NewEvent(account_id=cast.boga.pk, kind="ticket.opened", occurred_at=NOW, origin="api", payload={"ticket": 7}, dedupe_key="t7")
    assert len(record_events([fact, fact])) == 1
    assert record_events([fact]) == []
    assert AccountEvent.objects.count() == 1


def test_a_health_input_marks_the_account(cast):
    record_event(account_id=cast.boga.pk, kind="ticket.opened", occurred_at=NOW, origin="app", payload={"ticket": 7})
    record_event(account_id=cast.north.pk, kind="note.added", occurred_at=NOW, origin="app", payload={"note": 1})
    assert list(AccountDirty.objects.values_list("account_id", flat=True)) == [cast.boga.pk]


def test_unknown_kinds_and_payload_keys_are_refused(cast):
    with pytest.raises(UnknownEventKind):
        record_event(account_id=cast.boga.pk, kind="ticket.exploded", occurred_at=NOW, origin="app")
    with pytest.raises(WrongPayload, match="lacks ticket"):
        record_event(account_id=cast.boga.pk, kind="ticket.opened", occurred_at=NOW, origin="app")
    with pytest.raises(WrongPayload, match="cannot hold name"):
        record_event(account_id=cast.boga.pk, kind="ticket.opened", occurred_at=NOW, origin="app", payload={"ticket": 1, "name": "Selin"})
    assert AccountEvent.objects.count() == 0


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_changes(cast, change):
    event = record_event(account_id=cast.boga.pk, kind="note.added", occurred_at=NOW, origin="app", payload={"note": 1})
    rows = AccountEvent.objects.filter(pk=event.pk)
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        rows.update(kind="work.done") if change == "update" else rows.delete()
    assert AccountEvent.objects.get().kind == "note.added"
