"""Changing work items, one or many at a time: set-based, by version, and back again.

The pages use this for single rows as well: one path, so that undo and stale versions mean the same
everywhere. The caller has made sure that the person may change these rows (`changeable_by`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.work_items import check_present
from accounts.actions.work_recovery import CLOSED_ITSELF
from accounts.models import User, WorkItem
from accounts.models.events import Origin

CLOSED = frozenset({WorkItem.Status.DONE, WorkItem.Status.DROPPED})
# more than a person picks by hand
MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Before:
    """A row as it was, and the version it has since; enough to take a change back."""

    id: int
    version: int
    status: str
    owner_id: int | None
    due_at: str
    snoozed_until: str | None
    snooze_reason: str
    outcome: str
    closed_at: str | None
    closed_by_id: int | None


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What came of it: rows changed (as they were), and ids that somebody else had changed meanwhile."""

    before: list[Before] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        """The changed rows."""
        return [row.id for row in self.before]

    def record(self) -> list[dict[str, Any]]:
        """The rows as they were, as plain values for whoever keeps them until an undo."""
        return [asdict(row) for row in self.before]


_SETS = {
    "done": "status = 'done', outcome = %(text)s, closed_at = %(now)s, closed_by_id = %(actor)s, snoozed_until = NULL, with_support_since = NULL",
    "drop": "status = 'dropped', outcome = %(text)s, closed_at = %(now)s, closed_by_id = %(actor)s, snoozed_until = NULL, with_support_since = NULL",
    "snooze": "with_support_since = NULL, status = 'snoozed', snoozed_until = %(at)s, snooze_reason = %(text)s",
    "assign": "owner_id = %(owner)s",
    "due": "due_at = %(at)s",
}
# of a row that is about to change, locked in the order of the ids
COLUMNS = "id, version, status, owner_id, due_at, snoozed_until, snooze_reason, outcome, closed_at, closed_by_id, account_id, type, reason"


def _instant(value: dt.datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def as_it_was(row: tuple[Any, ...]) -> Before:
    """A row of `COLUMNS` with the version that it has after one change."""
    return Before(
        id=row[0], version=row[1] + 1, status=row[2], owner_id=row[3], due_at=row[4].isoformat(), snoozed_until=_instant(row[5]),
        snooze_reason=row[6], outcome=row[7], closed_at=_instant(row[8]), closed_by_id=row[9],
    )  # fmt: skip


def change_work_items(
    *, do: str, versions: Mapping[int, int], actor: User | None, now: dt.datetime, text: str = "", at: dt.datetime | None = None, owner_id: int | None = None
) -> Changed:
    """Does one thing to many work items: done, drop, snooze, assign or due. Four statements, however many rows.

    `versions` are the rows with the version their reader saw; rows that have another one by now, or
    are closed, are left as they are and reported as stale. `text` is the outcome or the reason, `at`
    the end of the snooze or the new due time. Raises KeyError for an unknown `do`, ValueError for a
    snooze into the past, a missing time, or more than 1000 rows, PersonLeft for work given to somebody who is not here any more.
    """
    what = _SETS[do]
    if len(versions) > MOST:
        raise ValueError(f"At most {MOST} work items at a time.")
    if do in {"snooze", "due"} and at is None:
        raise ValueError("A time is needed.")
    if do == "snooze" and at is not None and at <= now:
        raise ValueError("A snooze ends in the future.")
    ids = sorted(versions)
    if do == "assign" and owner_id is not None:
        check_present(owner_id)
    with transaction.atomic(), connection.cursor() as cursor:
        # the order of the ids is the order of the locks
        cursor.execute(f"SELECT {COLUMNS} FROM accounts_workitem WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [ids])
        rows = cursor.fetchall()
        fresh = [row for row in rows if row[1] == versions[row[0]] and row[2] not in CLOSED]
        before = [as_it_was(row) for row in fresh]
        changed = Changed(before=before, stale=sorted(set(ids) - {row.id for row in before}))
        if not before:
            return changed
        values: dict[str, Any] = {"ids": changed.ids, "now": now, "actor": actor.pk if actor else None, "text": text[: 200 if do == "snooze" else 500], "at": at, "owner": owner_id}
        cursor.execute(f"UPDATE accounts_workitem SET {what}, version = version + 1, updated_at = %(now)s WHERE id = ANY(%(ids)s)", values)
        if do in {"done", "drop"}:
            status = WorkItem.Status.DONE if do == "done" else WorkItem.Status.DROPPED
            record_events(
                NewEvent(
                    account_id=row[10], kind="work.done", occurred_at=now, origin=Origin.APP, actor_id=actor.pk if actor else None,
                    subject_type="work_item", subject_id=str(row[0]),
                    payload={"work_item": row[0], "type": row[11], "reason": row[12], "outcome": str(status)},
                )
                for row in fresh
            )  # fmt: skip
    return changed


# rows that were changed again since, or whose identity is taken by newer open work, stay as they are
_RESTORE = f"""
UPDATE accounts_workitem w SET status = b.status, owner_id = u.id, due_at = b.due_at, snoozed_until = b.snoozed_until, snooze_reason = b.snooze_reason,
    outcome = b.outcome, closes_itself = w.closes_itself AND NOT {CLOSED_ITSELF}, closed_at = b.closed_at,
    closed_by_id = b.closed_by_id, with_support_since = CASE WHEN b.status = 'snoozed' THEN w.with_support_since END, version = w.version + 1, updated_at = %(now)s
FROM jsonb_to_recordset(%(before)s::jsonb) AS b(id bigint, version int, status text, owner_id bigint, due_at timestamptz, snoozed_until timestamptz,
    snooze_reason text, outcome text, closed_at timestamptz, closed_by_id bigint) LEFT JOIN accounts_user u ON u.id = b.owner_id
WHERE w.id = b.id AND w.version = b.version AND w.id = ANY(%(allowed)s)
  AND (w.status IN ('open', 'snoozed') OR NOT EXISTS (SELECT 1 FROM accounts_workitem o
       WHERE o.account_id = w.account_id AND o.type = w.type AND o.reason = w.reason AND o.name = w.name AND o.status IN ('open', 'snoozed')))
RETURNING w.id
"""


def restore_work_items(*, before: Sequence[Mapping[str, Any]], allowed: Sequence[int], now: dt.datetime, actor: User | None = None) -> list[int]:
    """Takes a change back: each row as it was, unless somebody changed it since. Returns the restored ids.

    Only ids in `allowed` are touched (those the person may change). Raises django.db.IntegrityError
    where new work of the same identity is opened at this very moment; nothing is restored then.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM accounts_workitem WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [sorted(allowed)])
        closed = [row for row in cursor.fetchall() if row[2] in CLOSED]
        cursor.execute(_RESTORE, {"before": json.dumps(list(before)), "allowed": list(allowed), "now": now})
        restored = {row[0] for row in cursor.fetchall()}
        _tell_reopened([row for row in closed if row[0] in restored], actor=actor, now=now)
        return sorted(restored)


def _tell_reopened(rows: Sequence[tuple[Any, ...]], *, actor: User | None, now: dt.datetime) -> None:
    """Says of work that had been closed that it is open again, so that the log never ends on a closing that was taken back."""
    if rows:
        record_events(
            NewEvent(
                account_id=row[10], kind="work.reopened", occurred_at=now, origin=Origin.APP, actor_id=actor.pk if actor else None,
                subject_type="work_item", subject_id=str(row[0]), payload={"work_item": row[0], "type": row[11], "reason": row[12]},
            )
            for row in rows
        )  # fmt: skip


def reopen_work_items(*, versions: Mapping[int, int], now: dt.datetime, actor: User | None = None) -> Changed:
    """Opens closed or sleeping work again. Rows with another version, open ones, and those whose identity is taken are stale."""
    ids = sorted(versions)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM accounts_workitem WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [ids])
        rows = [row for row in cursor.fetchall() if row[1] == versions[row[0]] and row[2] != WorkItem.Status.OPEN]
        cursor.execute(
            "UPDATE accounts_workitem w SET status = 'open', closed_at = NULL, closed_by_id = NULL, outcome = '', snoozed_until = NULL, snooze_reason = '', "
            "with_support_since = NULL, "
            # what closed itself and was opened again by a person has been judged: it does not close itself twice
            f"closes_itself = w.closes_itself AND NOT {CLOSED_ITSELF}, "
            "version = version + 1, updated_at = %(now)s WHERE id = ANY(%(ids)s) AND (w.status = 'snoozed' OR NOT EXISTS (SELECT 1 FROM accounts_workitem o "
            "WHERE o.account_id = w.account_id AND o.type = w.type AND o.reason = w.reason AND o.name = w.name AND o.status IN ('open', 'snoozed'))) RETURNING w.id",
            {"ids": [row[0] for row in rows], "now": now},
        )
        opened = {row[0] for row in cursor.fetchall()}
        _tell_reopened([row for row in rows if row[0] in opened and row[2] in CLOSED], actor=actor, now=now)
    before = [as_it_was(row) for row in rows if row[0] in opened]
    return Changed(before=before, stale=sorted(set(ids) - opened))
