"""The rank of work: expected loss avoided an hour. The database keeps it; here are the assumptions behind it.

The rank of an item is yearly revenue x risk x share that its kind of work saves, by the hours it takes.
Risk is the churn risk where one is known, else how far health is from full, else nothing. Triggers of the
database (`vefa_work_rank`) set it when work is opened and when the account's snapshot changes, in the
statement that changes it; only another assumption leaves open work behind, which `apply_assumptions`
brings up to date in batches.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import connection, transaction

from accounts.actions.work_items import StaleVersion
from accounts.models import User, WorkAssumption

# rows of work a statement ranks anew
BATCH = 5_000
_RERANK = """
WITH next AS (SELECT id FROM accounts_workitem WHERE id > %(after)s AND type = %(type)s AND status IN ('open', 'snoozed') ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE),
changed AS (
    UPDATE accounts_workitem w SET rank_micros = r.rank
    FROM next n JOIN accounts_workitem o ON o.id = n.id JOIN accounts_accountsnapshot s ON s.account_id = o.account_id
        CROSS JOIN LATERAL (SELECT vefa_work_rank(s.mrr_micros, s.churn_risk, s.health, %(saves)s, %(minutes)s) AS rank) r
    WHERE w.id = n.id AND w.rank_micros <> r.rank RETURNING 1)
SELECT (SELECT max(id) FROM next), (SELECT count(*) FROM changed)
"""


def change_assumption(
    *, type: str, saves: Decimal, minutes: int, actor: User | None, now: dt.datetime, version: int | None = None, closes_itself: bool | None = None
) -> WorkAssumption:
    """Sets what a kind of work saves (0 to 1) and takes (minutes, 5 to 2400), and whether it closes by itself (None: as before). Raises StaleVersion, ValidationError."""
    with transaction.atomic():
        row = WorkAssumption.objects.select_for_update(no_key=True).get(type=type)
        if version is not None and row.version != version:
            raise StaleVersion
        closes = row.closes_itself if closes_itself is None else closes_itself
        ranks_differ = (row.saves, row.minutes) != (saves, minutes)
        if not ranks_differ and row.closes_itself == closes:
            return row
        row.saves, row.minutes, row.closes_itself, row.changed_by, row.changed_at = saves, minutes, closes, actor, now
        row.ranked_at = None if ranks_differ else row.ranked_at
        row.version += 1
        row.full_clean()
        row.save()
    return row


def apply_assumptions(*, now: dt.datetime) -> int:
    """Ranks open work anew whose kind has another assumption than when it was ranked; returns how many rows changed.

    Batch after batch, each a transaction of its own; stopped half-way it begins again and changes only what differs.
    """
    changed = 0
    for row in WorkAssumption.objects.filter(ranked_at__isnull=True):
        after: int | None = 0
        while after is not None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_RERANK, {"after": after, "type": row.type, "saves": row.saves, "minutes": row.minutes, "most": BATCH})
                after, count = cursor.fetchone()
            changed += count
        WorkAssumption.objects.filter(pk=row.pk, version=row.version).update(ranked_at=now)
    return changed
