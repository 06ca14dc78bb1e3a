"""Texts of the ground that are read: notes, and why accounts left."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast

from accounts.actions.verbatims import NewText, read_texts
from accounts.models import Note, Verbatim

LIMIT = 1000

# what is new, or was changed since it was read; `since` is None for a look over everything
_NOTES = """
SELECT n.id, n.account_id, n.created_at, n.body, a.language
FROM accounts_note n JOIN accounts_account a ON a.id = n.account_id
LEFT JOIN accounts_verbatim v ON v.source = 'note' AND v.subject_id = n.id::text
WHERE (%(since)s::timestamptz IS NULL OR n.updated_at >= %(since)s) AND (v.id IS NULL OR v.read_at < n.updated_at AND left(n.body, 10000) <> v.text)
ORDER BY n.id DESC LIMIT %(limit)s
"""
_CHURN = """
SELECT a.id, a.id, coalesce(a.churned_at, a.updated_at), a.churn_reason_detail, a.language
FROM accounts_account a
LEFT JOIN accounts_verbatim v ON v.source = 'churn' AND v.subject_id = a.id::text
WHERE a.churn_reason_detail <> '' AND (%(since)s::timestamptz IS NULL OR a.updated_at >= %(since)s)
  AND (v.id IS NULL OR v.read_at < a.updated_at AND left(a.churn_reason_detail, 10000) <> v.text)
ORDER BY a.id DESC LIMIT %(limit)s
"""


def read_notes(*, now: dt.datetime, since: dt.datetime | None, limit: int = LIMIT) -> int:
    """Reads notes written or changed since; returns how many. As many as the limit means that more may wait."""
    return _read(Verbatim.Source.NOTE, _NOTES, now, since, limit)


def read_churn_reasons(*, now: dt.datetime, since: dt.datetime | None, limit: int = LIMIT) -> int:
    """Reads why accounts left, in the words given at the time; returns how many."""
    return _read(Verbatim.Source.CHURN, _CHURN, now, since, limit)


def forget_removed_notes() -> int:
    """Drops the readings of notes that were taken away, with their tags; returns how many."""
    note = Note.objects.annotate(key=Cast("pk", CharField())).filter(key=OuterRef("subject_id"))
    return Verbatim.objects.filter(~Exists(note), source=Verbatim.Source.NOTE).delete()[1].get("accounts.Verbatim", 0)


def _read(source: str, statement: str, now: dt.datetime, since: dt.datetime | None, limit: int) -> int:
    values: dict[str, Any] = {"since": since, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    return read_texts(
        texts=[
            NewText(source=source, subject_id=str(subject), account_id=account, contact_id=None, occurred_at=at, text=body, hint=language)
            for subject, account, at, body, language in rows
        ],
        now=now,
    )
