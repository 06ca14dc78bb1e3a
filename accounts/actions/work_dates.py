"""Moving the date of a step together with what else is open of its playbook run."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence

from django.db import connection, transaction

from accounts.actions.work_batches import CLOSED, COLUMNS, Changed, as_it_was

# the hour of the day stays where a clock changes in between
_SHIFT = """
UPDATE accounts_workitem SET due_at = CASE WHEN id = %(item)s THEN %(at)s ELSE (due_at AT TIME ZONE %(zone)s + %(days)s * interval '1 day') AT TIME ZONE %(zone)s END,
    version = version + 1, updated_at = %(now)s WHERE id = ANY(%(ids)s)
"""


def shift_run(*, item_id: int, version: int, at: dt.datetime, others: Sequence[int], zone: zoneinfo.ZoneInfo, now: dt.datetime) -> Changed:
    """Sets the due time of an item and moves the open `others` of its run by as many days, in one transaction.

    An item with another version, or closed by now, is stale, and then nothing moves. `others` that are no
    longer open, or not of the same run, stay as they are. Days are counted in `zone`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS}, playbook_run_id FROM accounts_workitem WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [sorted({item_id, *others})])
        rows = {row[0]: row for row in cursor.fetchall()}
        item = rows.get(item_id)
        if item is None or item[1] != version or item[2] in CLOSED:
            return Changed(stale=[item_id])
        days = (at.astimezone(zone).date() - item[4].astimezone(zone).date()).days
        moving = [row for row in rows.values() if row[0] == item_id or (days and row[2] not in CLOSED and row[-1] is not None and row[-1] == item[-1])]
        cursor.execute(_SHIFT, {"item": item_id, "at": at, "zone": zone.key, "days": days, "ids": [row[0] for row in moving], "now": now})
    return Changed(before=[as_it_was(row) for row in moving])
