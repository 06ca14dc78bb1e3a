"""One change of thousands of work items: kept as rows, worked off in the background, taken back the same way.

A batch is a list of items with the versions their reader saw. Each step of a thousand is one transaction
that changes the items and marks their rows, so a worker that dies resumes where it stood and nothing is
done twice. Somebody else's newer change is left alone and counted.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction

from accounts.actions.work_batches import change_work_items, restore_work_items
from accounts.models import User, WorkBatch, WorkBatchRow, WorkItem

MOST_ROWS = 10_000
STEP = 1_000
UNDO = "undo"
# taken back within a day; then the rows go
KEPT = dt.timedelta(days=1)
_FILL = "INSERT INTO accounts_workbatchrow (batch_id, work_item_id, version, state) SELECT %s, i.id, i.version, 0 FROM unnest(%s::bigint[], %s::int[]) AS i(id, version)"
_FILL_UNDO = (
    "INSERT INTO accounts_workbatchrow (batch_id, work_item_id, version, state, before) "
    "SELECT %s, work_item_id, version, 0, before FROM accounts_workbatchrow WHERE batch_id = %s AND state = 1"
)
_MARK = "UPDATE accounts_workbatchrow r SET state = m.state, before = m.before FROM jsonb_to_recordset(%s::jsonb) AS m(id bigint, state int, before jsonb) WHERE r.id = m.id"


def start_batch(*, user: User, do: str, values: Mapping[str, Any], pairs: Sequence[tuple[int, int]], now: dt.datetime) -> WorkBatch:
    """Writes a batch down: `do` and `values` as `change_work_items` takes them, `pairs` of id and version. Raises ValueError for too many."""
    if len(pairs) > MOST_ROWS:
        raise ValueError(f"At most {MOST_ROWS} work items at a time.")
    kept = {name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in values.items()}
    with transaction.atomic(), connection.cursor() as cursor:
        batch = WorkBatch.objects.create(user=user, do=do, values=kept, total=len(pairs), created_at=now)
        cursor.execute(_FILL, [batch.pk, [pair[0] for pair in pairs], [pair[1] for pair in pairs]])
    return batch


def start_undo(*, batch: WorkBatch, user: User, now: dt.datetime) -> WorkBatch:
    """A batch that takes another one back; asked for twice it is the same one."""
    with transaction.atomic(), connection.cursor() as cursor:
        undo, new = WorkBatch.objects.get_or_create(undoes=batch, defaults={"user": user, "do": UNDO, "total": batch.changed, "created_at": now})
        if new:
            cursor.execute(_FILL_UNDO, [undo.pk, batch.pk])
    return undo


def run_batch(*, batch_id: int, now: dt.datetime) -> int:
    """Works a batch off, step by step; returns how many rows this call dealt with. Where another worker has it, nothing happens."""
    done = 0
    while True:
        with transaction.atomic():
            batch = WorkBatch.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related("user").filter(pk=batch_id, state="running").first()
            if batch is None:
                return done
            rows = list(WorkBatchRow.objects.filter(batch=batch, state=WorkBatchRow.State.WAITING).order_by("id")[:STEP])
            if not rows:
                batch.state, batch.ended_at = WorkBatch.State.DONE, now
                batch.save(update_fields=["state", "ended_at"])
                return done
            before = _undo(batch, rows, now) if batch.do == UNDO else _change(batch, rows, now)
            marks = [
                {"id": row.pk, "state": WorkBatchRow.State.CHANGED if row.work_item_id in before else WorkBatchRow.State.STALE, "before": before.get(row.work_item_id)}
                for row in rows
            ]
            with connection.cursor() as cursor:
                cursor.execute(_MARK, [json.dumps(marks)])
            batch.changed += len(before)
            batch.stale += len(rows) - len(before)
            batch.save(update_fields=["changed", "stale"])
        done += len(rows)


def _change(batch: WorkBatch, rows: Sequence[WorkBatchRow], now: dt.datetime) -> dict[int, dict[str, Any] | None]:
    """The changed items, each as it was."""
    values = dict(batch.values)
    if "at" in values:
        values["at"] = dt.datetime.fromisoformat(values["at"])
    if batch.do == "snooze" and values["at"] <= now:
        return {}
    changed = change_work_items(do=batch.do, versions={row.work_item_id: row.version for row in rows}, actor=batch.user, now=now, **values)
    return {kept["id"]: kept for kept in changed.record()}


def _undo(batch: WorkBatch, rows: Sequence[WorkBatchRow], now: dt.datetime) -> dict[int, dict[str, Any] | None]:
    """The items that are as they were again."""
    allowed = list(WorkItem.objects.changeable_by(batch.user).filter(pk__in=[row.work_item_id for row in rows]).values_list("pk", flat=True))
    try:
        with transaction.atomic():
            restored = restore_work_items(before=[row.before for row in rows if row.before], allowed=allowed, now=now, actor=batch.user)
    except IntegrityError:
        # new work of the same identity was opened at this very moment: what it blocks stays closed
        restored = []
    return dict.fromkeys(restored)


def run_waiting(*, now: dt.datetime) -> int:
    """Works off what a lost worker left, and forgets batches that are too old to be taken back; returns how many rows were dealt with."""
    WorkBatch.objects.filter(state=WorkBatch.State.DONE, created_at__lt=now - KEPT).delete()
    return sum(run_batch(batch_id=pk, now=now) for pk in WorkBatch.objects.filter(state=WorkBatch.State.RUNNING).order_by("pk").values_list("pk", flat=True)[:20])
