"""Putting accounts into segments by override, set-wise: by import, by the API or by hand.

An override holds from an instant until it is cleared (or its end date), whatever the rules say. The
history keeps one row a stretch of time; stretches never overlap.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from accounts.models.events import Origin

# (account, segment or None to clear, first instant)
Override = tuple[int, int | None, dt.datetime]


@dataclass(frozen=True)
class SegmentChanges:
    """What was done: accounts whose history changed, and the history rows before and after, for an undo."""

    accounts: list[int]
    # (membership, whether it is new, row before, row after)
    rows: list[tuple[int, bool, dict[str, Any] | None, dict[str, Any] | None]]


# those whose open stretch is this very override are left alone; a clearing needs one to clear
_DIFFERING = """
CREATE TEMPORARY TABLE segment_override AS
SELECT w.account_id, w.segment_id, w.valid_from, a.segment_id AS segment_before
FROM unnest(%(accounts)s::bigint[], %(segments)s::bigint[], %(instants)s::timestamptz[]) AS w (account_id, segment_id, valid_from)
JOIN accounts_account a ON a.id = w.account_id
LEFT JOIN accounts_segmentmembership m ON m.account_id = w.account_id AND m.valid_to IS NULL
WHERE CASE WHEN w.segment_id IS NULL THEN m.is_override AND (m.reason = %(reason)s OR %(clears_all)s)
      ELSE NOT coalesce(m.is_override AND m.segment_id = w.segment_id AND m.valid_from = w.valid_from AND m.override_until IS NOT DISTINCT FROM %(until)s::timestamptz, false) END
ORDER BY w.account_id
"""
# what the override replaces goes, what it cuts into ends there
_GONE = """
DELETE FROM accounts_segmentmembership m USING segment_override o
WHERE m.account_id = o.account_id AND m.valid_from >= o.valid_from RETURNING m.id, to_jsonb(m)
"""
_ENDING = """
SELECT m.id, to_jsonb(m) FROM accounts_segmentmembership m JOIN segment_override o ON m.account_id = o.account_id
WHERE m.valid_from < o.valid_from AND (m.valid_to IS NULL OR m.valid_to > o.valid_from) ORDER BY m.id FOR UPDATE OF m
"""
_END = """
UPDATE accounts_segmentmembership m SET valid_to = o.valid_from FROM segment_override o
WHERE m.account_id = o.account_id AND m.id = ANY(%(ids)s) RETURNING m.id, to_jsonb(m)
"""
_BEGIN = """
INSERT INTO accounts_segmentmembership (account_id, segment_id, valid_from, reason, note, is_override, override_until, set_by_id, created_at)
SELECT account_id, segment_id, valid_from, %(reason)s, %(note)s, true, %(until)s, %(actor)s, %(now)s FROM segment_override WHERE segment_id IS NOT NULL
RETURNING id, to_jsonb(accounts_segmentmembership)
"""
_ACCOUNTS = """
UPDATE accounts_account a SET segment_id = o.segment_id FROM segment_override o
WHERE a.id = o.account_id AND o.valid_from <= %(now)s AND a.segment_id IS DISTINCT FROM o.segment_id
"""
_EVENTS = """
INSERT INTO accounts_accountevent (account_id, kind, occurred_at, origin, actor_id, subject_type, subject_id, payload, batch_id)
SELECT o.account_id, 'segment.changed', greatest(o.valid_from, least(a.signed_up_at, %(now)s)), %(origin)s, %(actor)s, 'segment', coalesce(o.segment_id::text, ''),
       jsonb_strip_nulls(jsonb_build_object('segment', s.key, 'segment_before', b.key, 'reason', %(reason)s::text, 'override', o.segment_id IS NOT NULL)), %(batch)s
FROM segment_override o JOIN accounts_account a ON a.id = o.account_id LEFT JOIN accounts_segment s ON s.id = o.segment_id LEFT JOIN accounts_segment b ON b.id = o.segment_before
WHERE o.valid_from <= %(now)s AND o.segment_id IS DISTINCT FROM o.segment_before
"""
_DIRTY = """
INSERT INTO accounts_accountdirty (account_id, reason, marked_at) SELECT account_id, 'segment', clock_timestamp() FROM segment_override ORDER BY account_id
ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at, reason = excluded.reason
"""


def override_segments(
    *, overrides: Iterable[Override], reason: str, now: dt.datetime, origin: str = Origin.APP, actor_id: int | None = None,
    note: str = "", until: dt.datetime | None = None, batch_id: Any = None,
) -> SegmentChanges:  # fmt: skip
    """Sets (or with a segment of None clears) overrides of many accounts at once.

    An account may stand once in `overrides`. An override that stands already changes nothing. History
    from its first instant on is replaced; what cuts into it ends there. An import clears only what an
    import has set. Changes are told as `segment.changed` events.
    """
    rows: Sequence[Override] = list(overrides)
    if not rows:
        return SegmentChanges([], [])
    values: dict[str, Any] = {
        "accounts": [row[0] for row in rows], "segments": [row[1] for row in rows], "instants": [row[2] for row in rows], "reason": str(reason),
        "clears_all": origin != Origin.IMPORT, "now": now, "origin": str(origin), "actor": actor_id, "note": note[:500], "until": until, "batch": batch_id,
    }  # fmt: skip
    changes: list[tuple[int, bool, dict[str, Any] | None, dict[str, Any] | None]] = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.segment_override")
        cursor.execute("SELECT id FROM accounts_account WHERE id = ANY(%(accounts)s) ORDER BY id FOR NO KEY UPDATE", values)
        cursor.execute(_DIFFERING, values)
        cursor.execute(_GONE)
        changes += [(pk, False, _row(before), None) for pk, before in cursor.fetchall()]
        cursor.execute(_ENDING)
        ending = {pk: _row(before) for pk, before in cursor.fetchall()}
        cursor.execute(_END, {"ids": list(ending)})
        changes += [(pk, False, ending[pk], _row(after)) for pk, after in cursor.fetchall()]
        cursor.execute(_BEGIN, values)
        changes += [(pk, True, None, _row(after)) for pk, after in cursor.fetchall()]
        cursor.execute(_ACCOUNTS, values)
        cursor.execute(_EVENTS, values)
        cursor.execute(_DIRTY)
        cursor.execute("SELECT account_id FROM segment_override ORDER BY account_id")
        accounts = [row[0] for row in cursor.fetchall()]
        cursor.execute("DROP TABLE segment_override")
    return SegmentChanges(accounts, changes)


def _row(value: Any) -> dict[str, Any]:
    # the plain cursor hands jsonb over as text, to keep the digits of numbers
    return json.loads(value) if isinstance(value, str) else value
