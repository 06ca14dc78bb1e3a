"""The ledger of MRR: what each account's book was worth after every instant at which it changed.

Derived from the spans by the default conventions of recurring revenue: MRR ends with the paid-for
service, a trial counts from its end, a pause is worth nothing, past due counts until the span is
marked unpaid, a discount in force is subtracted, and spans worth nothing or less are no MRR. A
status without its date (trialing, unpaid, paused) holds from the start of the span.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from accounts.actions.month_ledger import write_months

# `{accounts}` is a query for account ids
_REBUILD = """
WITH span AS (
    SELECT s.account_id, s.currency, s.mrr_micros AS worth, greatest(s.start, s.trial_until) AS from_at, least(s."end", s.unpaid_at) AS to_at,
           s.paused_from, s.paused_until
    FROM accounts_subscription s
    WHERE s.account_id IN ({accounts}) AND s.mrr_micros > 0
      AND NOT (s.status = 'trialing' AND s.trial_until IS NULL)
      AND NOT (s.status = 'unpaid' AND s.unpaid_at IS NULL)
      AND NOT (s.status = 'paused' AND s.paused_from IS NULL)
), piece AS (
    SELECT account_id, currency, worth, from_at, least(to_at, paused_from) AS to_at FROM span
    UNION ALL
    SELECT account_id, currency, worth, greatest(from_at, paused_until), to_at FROM span WHERE paused_from IS NOT NULL AND paused_until IS NOT NULL
), delta AS (
    SELECT account_id, currency, from_at AS at, worth FROM piece WHERE to_at IS NULL OR from_at < to_at
    UNION ALL
    SELECT account_id, currency, to_at, -worth FROM piece WHERE from_at < to_at
), net AS (
    SELECT account_id, currency, at, sum(worth)::bigint AS worth FROM delta GROUP BY account_id, currency, at HAVING sum(worth) <> 0
)
INSERT INTO accounts_subscriptionchange (account_id, currency, occurred_at, delta_micros, balance_micros)
SELECT account_id, currency, at, worth, sum(worth) OVER (PARTITION BY account_id, currency ORDER BY at)::bigint FROM net
ORDER BY account_id, currency, at
"""


def rebuild_ledger_of(accounts: str, values: dict[str, Any] | None = None) -> int:
    """Rewrites the ledger of the accounts that an SQL query names, by instant and by month; returns the number of rows by instant."""
    with transaction.atomic(), connection.cursor() as cursor:
        # one writer an account at a time: both would delete the old rows and insert their own
        cursor.execute(f"SELECT id FROM accounts_account WHERE id IN ({accounts}) ORDER BY id FOR NO KEY UPDATE", values)
        cursor.execute(f"DELETE FROM accounts_subscriptionchange WHERE account_id IN ({accounts})", values)
        cursor.execute(_REBUILD.format(accounts=accounts), values)
        rows = cursor.rowcount
        write_months(accounts, values)
        return rows


def rebuild_ledger(*, account_ids: Iterable[int]) -> int:
    """Rewrites the ledger of these accounts from their spans; returns the number of its rows.

    Call it in the transaction that changed the spans.
    """
    ids = sorted(set(account_ids))
    return rebuild_ledger_of("SELECT unnest(%(ids)s::bigint[])", {"ids": ids}) if ids else 0
