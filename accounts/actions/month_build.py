"""Building the month ledger for everybody: ranges of accounts, a commit each, gone on with after a stop."""

from __future__ import annotations

import datetime as dt
import itertools
import math

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.month_ledger import write_months
from accounts.models import LedgerRange

RANGE = 20_000
_TABLES = ("accounts_mrrmonth", "accounts_servicemonth", "accounts_churnmonth", "accounts_mrrtotal")
# some 300 rows are four years of one currency
_NOTES = 1_000
_MERGE = """
WITH noted AS (DELETE FROM accounts_mrrtotal RETURNING *)
INSERT INTO accounts_mrrtotal (month, currency, kind, delta_micros, accounts)
SELECT month, currency, kind, sum(delta_micros), sum(accounts)::bigint FROM noted GROUP BY 1, 2, 3 HAVING sum(delta_micros) <> 0 OR sum(accounts) <> 0
"""


def is_whole() -> bool:
    """Whether the month ledger may be read: built for the organisation's zone, nothing left to do."""
    done = LedgerRange.objects.filter(zone=settings.ORGANISATION_TIME_ZONE).values_list("done_at", flat=True)
    return bool(done) and all(at is not None for at in done)


def build_months(*, now: dt.datetime, anew: bool = False) -> int:
    """Fills what is missing of the month ledger and returns the number of ranges done; 0 where it is whole.

    Goes on where another call was stopped, and leaves a range to whom is at it. A change of the
    organisation's zone, or `anew`, begins again. Accounts that come later write their own rows.
    """
    if is_whole() and not anew:
        merge_totals()
        return 0
    _list_ranges(now=now, anew=anew)
    done = 0
    while _next_range():
        done += 1
    merge_totals()
    if done and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            for table in _TABLES:
                cursor.execute(f"VACUUM (ANALYZE) {table}")
    return done


def merge_totals() -> None:
    """Adds up what the database noted of changes of the ledger (`accounts_mrrtotal`), where more piled up than is read in a moment.

    One statement: a reader finds the notes or their sum, and what others note meanwhile stays.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM (SELECT 1 FROM accounts_mrrtotal LIMIT %s) notes", [_NOTES])
        if cursor.fetchone()[0] == _NOTES:
            cursor.execute(_MERGE)


@transaction.atomic
def _list_ranges(*, now: dt.datetime, anew: bool) -> None:
    """Writes down what is to do, unless that is written down."""
    zone = settings.ORGANISATION_TIME_ZONE
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('vefa.months'))")
        if LedgerRange.objects.filter(zone=zone).exists() and not anew:
            return
        LedgerRange.objects.all().delete()
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM accounts_account")
        low, high = cursor.fetchone()
    pieces = max(1, math.ceil((high - low + 1) / RANGE))
    edges = [low + (high - low + 1) * piece // pieces for piece in range(pieces + 1)]
    LedgerRange.objects.bulk_create(LedgerRange(zone=zone, low=start, high=end - 1, started_at=now) for start, end in itertools.pairwise(edges))


@transaction.atomic
def _next_range() -> bool:
    """One range that nobody else has; whether there was one."""
    claimed = (
        LedgerRange.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(zone=settings.ORGANISATION_TIME_ZONE, done_at__isnull=True)
        .order_by("low")
        .first()
    )  # fmt: skip
    if claimed is None:
        return False
    values = {"low": claimed.low, "high": claimed.high}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '15min'")
        # one writer an account at a time, as everybody who writes its rows does
        cursor.execute("SELECT count(*) FROM (SELECT id FROM accounts_account WHERE id BETWEEN %(low)s AND %(high)s ORDER BY id FOR NO KEY UPDATE) locked", values)
    write_months("SELECT id FROM accounts_account WHERE id BETWEEN %(low)s AND %(high)s", values)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_ledgerrange SET done_at = clock_timestamp() WHERE id = %s", [claimed.pk])
    return True
