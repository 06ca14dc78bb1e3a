"""Writing the event log. Call it in the transaction of the fact itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from accounts.actions.asked_events import ASKED_KINDS
from accounts.event_kinds import check_payload
from accounts.models import AccountEvent

# kinds that change an input of health, so that the account is recomputed soon
HEALTH_KINDS = frozenset(
    {
        "subscription.started", "subscription.changed", "subscription.cancelled", "subscription.ended", "payment.failed",
        "payment.recovered", "ticket.opened", "ticket.solved", "ticket.reopened", "survey.answered", "account.churned",
        "account.reactivated", "segment.changed", "stage.changed", "touch.logged",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """A fact to record; ids, codes and numbers only in the payload."""

    account_id: int
    kind: str
    occurred_at: dt.datetime
    origin: str
    contact_id: int | None = None
    actor_id: int | None = None
    subject_type: str = ""
    subject_id: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None
    batch_id: Any = None


_COLUMNS = "account_id, contact_id, kind, occurred_at, origin, actor_id, subject_type, subject_id, payload, dedupe_key, batch_id"
_MARK = """INSERT INTO accounts_accountdirty (account_id, reason, marked_at) SELECT account_id, 'event', clock_timestamp()
    FROM ({rows}) moved
    ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at, reason = excluded.reason"""
_INSERT = f"""
WITH made AS (
    INSERT INTO accounts_accountevent ({_COLUMNS})
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[],
                         %s::text[], %s::text[], %s::jsonb[], %s::text[], %s::uuid[])
    ON CONFLICT (account_id, kind, dedupe_key) DO NOTHING
    RETURNING id, account_id, kind
), marked AS (
    {_MARK.format(rows=f"SELECT DISTINCT account_id FROM made WHERE kind = ANY(%s::text[]) OR kind IN ({ASKED_KINDS}) ORDER BY account_id")}
)
SELECT id FROM made ORDER BY id
"""


def record_events(events: Iterable[NewEvent]) -> list[int]:
    """Records many facts at once; those known by their dedupe key are left out.

    Returns the ids of the new rows. Raises UnknownEventKind, WrongPayload (nothing is written then).
    """
    rows = list(events)
    if not rows:
        return []
    for row in rows:
        check_payload(row.kind, row.payload)
    columns: Sequence[list[Any]] = [
        [row.account_id for row in rows], [row.contact_id for row in rows], [row.kind for row in rows],
        [row.occurred_at for row in rows], [str(row.origin) for row in rows], [row.actor_id for row in rows],
        [row.subject_type for row in rows], [str(row.subject_id) for row in rows],
        [json.dumps(row.payload) for row in rows], [row.dedupe_key for row in rows], [row.batch_id for row in rows], sorted(HEALTH_KINDS),
    ]  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INSERT, columns)
        return [row[0] for row in cursor.fetchall()]


def events_in_statement(rows: str) -> str:
    """Two further parts of a `WITH` that record one fact for each row of its part `rows`, for a statement that writes the fact itself.

    `rows` has account_id, contact_id and subject_id (text). The statement gets the values of
    `event_values`; a plan may be kept of it.
    """
    return f"""
    recorded AS (
        INSERT INTO accounts_accountevent (account_id, contact_id, kind, occurred_at, origin, subject_type, subject_id, payload)
        SELECT account_id, contact_id, %(event_kind)s::text, %(event_at)s::timestamptz, 'app', %(event_subject)s::text, subject_id, %(event_payload)s::jsonb
        FROM {rows} RETURNING account_id
    ), marked AS (
        {_MARK.format(rows=f"SELECT DISTINCT account_id FROM recorded WHERE %(event_moves_health)s::bool OR %(event_kind)s::text IN ({ASKED_KINDS}) ORDER BY account_id")}
    )"""


def event_values(*, kind: str, occurred_at: dt.datetime, subject_type: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The values of `events_in_statement`. Raises UnknownEventKind, WrongPayload."""
    check_payload(kind, payload)
    return {
        "event_kind": kind, "event_at": occurred_at, "event_subject": subject_type, "event_payload": json.dumps(payload), "event_moves_health": kind in HEALTH_KINDS,
    }  # fmt: skip


def record_event(*, account_id: int, kind: str, occurred_at: dt.datetime, origin: str, **rest: Any) -> AccountEvent | None:
    """Records one fact (see NewEvent for the further fields); None where it was known already."""
    ids = record_events([NewEvent(account_id=account_id, kind=kind, occurred_at=occurred_at, origin=origin, **rest)])
    return AccountEvent.objects.get(pk=ids[0]) if ids else None
