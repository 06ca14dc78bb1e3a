"""Work that closes itself: what opened it no longer holds.

Only work that a rule opened under a reason listed here, and only until somebody opens it again by hand:
then a person has judged, and it stays. Who writes the snapshot closes what recovered in its own
transaction (`account_ids`); the hourly sweep looks at all, so that nothing stays open for good.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.models.events import Origin

RECOVERED = "recovered"
# type and reason of the work, and when what opened it is over, on a snapshot `s`
_OVER = (("risk", "health", "s.band IN ('healthy', 'watch')"),)
_CLOSE = """
WITH over AS (
    SELECT w.id FROM accounts_workitem w JOIN accounts_accountsnapshot s ON s.account_id = w.account_id
    WHERE w.status IN ('open', 'snoozed') AND w.source = 'rule' AND w.closes_itself AND ({conditions}) {scope} ORDER BY w.id FOR NO KEY UPDATE OF w)
UPDATE accounts_workitem w SET status = 'done', outcome = %(outcome)s, closed_at = %(now)s, closed_by_id = NULL, snoozed_until = NULL,
    version = w.version + 1, updated_at = %(now)s
FROM over o WHERE w.id = o.id RETURNING w.id, w.account_id, w.type, w.reason
"""


def close_recovered(*, now: dt.datetime, account_ids: Sequence[int] | None = None) -> int:
    """Closes rule-made work whose reason is over (of these accounts, or of all) with the outcome `recovered`; returns how many.

    Told as `work.done` with that outcome. Opened again by a person it is left alone for good.
    """
    if account_ids is not None and not account_ids:
        return 0
    conditions = " OR ".join(f"(w.type = '{type}' AND w.reason = '{reason}' AND {condition})" for type, reason, condition in _OVER)
    scope = "" if account_ids is None else "AND w.account_id = ANY(%(accounts)s)"
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLOSE.format(conditions=conditions, scope=scope), {"now": now, "outcome": RECOVERED, "accounts": list(account_ids or ())})
            closed = cursor.fetchall()
        record_events(
            NewEvent(
                account_id=account, kind="work.done", occurred_at=now, origin=Origin.APP, subject_type="work_item", subject_id=str(item),
                payload={"work_item": item, "type": type, "reason": reason, "outcome": RECOVERED},
            )
            for item, account, type, reason in sorted(closed)
        )  # fmt: skip
    return len(closed)
