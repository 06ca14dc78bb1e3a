"""Marking accounts whose health inputs changed, set-wise."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection


def mark_dirty(account_ids: Iterable[int], *, reason: str) -> None:
    """Asks for a recompute of these accounts; marking twice is marking once.

    A mark that is there is renewed, so that a recompute under way, which deletes only the marks it
    saw, leaves it for the next.
    """
    ids = sorted(set(account_ids))
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_accountdirty (account_id, reason, marked_at) SELECT id, %s, clock_timestamp() FROM unnest(%s::bigint[]) AS id "
            "ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at, reason = excluded.reason",
            [reason, ids],
        )


def mark_everybody(*, reason: str) -> int:
    """Asks for a recompute of every account, where the rule itself changed; returns how many. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_accountdirty (account_id, reason, marked_at) SELECT id, %s, clock_timestamp() FROM accounts_account ORDER BY id "
            "ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at, reason = excluded.reason",
            [reason],
        )
        return cursor.rowcount
