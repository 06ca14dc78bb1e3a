"""What customers write in tickets, read as it comes in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from accounts.actions.verbatims import NewText, read_texts
from accounts.models import Verbatim

LIMIT = 1000

_UNREAD = """
SELECT m.id, t.account_id, coalesce(m.contact_id, t.contact_id), m.written_at, m.body, coalesce(nullif(c.language, ''), a.language, '')
FROM tickets_ticketmessage m
JOIN tickets_ticket t ON t.id = m.ticket_id
JOIN accounts_account a ON a.id = t.account_id
LEFT JOIN accounts_contact c ON c.id = coalesce(m.contact_id, t.contact_id)
LEFT JOIN accounts_verbatim v ON v.source = 'message' AND v.subject_id = m.id::text
WHERE m.author_kind = 'customer' AND m.body <> '' AND v.id IS NULL AND NOT t.spam AND NOT t.test
  AND m.external_id NOT LIKE 'survey-answer:%%'
  AND (%(since)s::timestamptz IS NULL OR m.created_at >= %(since)s)
ORDER BY m.id DESC LIMIT %(limit)s
"""


def read_messages(*, now: dt.datetime, since: dt.datetime | None, limit: int = LIMIT) -> int:
    """Reads customers' messages written since (None: all never read); returns how many.

    Messages never change, so each is read once; what came from an answer was read as the answer.
    """
    values: dict[str, Any] = {"since": since, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, values)
        rows = cursor.fetchall()
    return read_texts(
        texts=[
            NewText(source=Verbatim.Source.MESSAGE, subject_id=str(pk), account_id=account, contact_id=contact, occurred_at=at, text=body, hint=language)
            for pk, account, contact, at, body, language in rows
        ],
        now=now,
    )
