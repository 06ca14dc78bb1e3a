"""How large segments are, and were: kept once a day, read as a history."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from metrics.models import SegmentSize


class Size(NamedTuple):
    """Accounts that count, and their MRR in millionths of the reporting currency."""

    accounts: int
    mrr_micros: int


# customers who left and test accounts are no part of the base
_COUNTED = "NOT a.excluded AND (a.churned_at IS NULL OR a.churned_at > %(now)s)"
_NOW = f"""
SELECT a.segment_id, count(*), coalesce(sum(s.mrr_micros), 0)::bigint FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id
WHERE {_COUNTED} GROUP BY a.segment_id
"""
_KEEP = f"""
INSERT INTO metrics_segmentsize (segment_id, day, accounts, mrr_micros)
SELECT g.id, %(day)s, coalesce(n.accounts, 0), coalesce(n.mrr, 0)
FROM (SELECT id FROM accounts_segment UNION ALL SELECT NULL) g LEFT JOIN (
    SELECT a.segment_id, count(*) AS accounts, sum(s.mrr_micros)::bigint AS mrr FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id
    WHERE {_COUNTED} GROUP BY a.segment_id) n ON n.segment_id IS NOT DISTINCT FROM g.id
ON CONFLICT (day, segment_id) DO UPDATE SET accounts = excluded.accounts, mrr_micros = excluded.mrr_micros
WHERE (metrics_segmentsize.accounts, metrics_segmentsize.mrr_micros) IS DISTINCT FROM (excluded.accounts, excluded.mrr_micros)
"""


def keep_sizes(*, day: dt.date, now: dt.datetime) -> None:
    """Writes down how large every segment is, as the row of the day. One statement, repeatable."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"day": day, "now": now})


# who was where just before the day was over, and the MRR that the ledger has at that moment
_REBUILD = """
INSERT INTO metrics_segmentsize (segment_id, day, accounts, mrr_micros)
SELECT m.segment_id, %(day)s, count(*), coalesce(sum(r.mrr), 0)::bigint
FROM accounts_account a
LEFT JOIN accounts_segmentmembership m ON m.account_id = a.id AND m.valid_from < %(end)s AND (m.valid_to IS NULL OR m.valid_to >= %(end)s)
LEFT JOIN LATERAL (
    SELECT sum(round(last.balance_micros * CASE WHEN last.currency = %(currency)s THEN 1 ELSE (
        SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = last.currency AND x.day <= %(day)s ORDER BY x.day DESC LIMIT 1) END)) AS mrr
    FROM (SELECT DISTINCT ON (currency) currency, balance_micros FROM accounts_subscriptionchange WHERE account_id = a.id AND occurred_at < %(end)s
          ORDER BY currency, occurred_at DESC) last) r ON true
WHERE NOT a.excluded AND (a.churned_at IS NULL OR a.churned_at >= %(end)s) AND coalesce(a.signed_up_at, a.created_at) < %(end)s
GROUP BY m.segment_id
ON CONFLICT (day, segment_id) DO NOTHING
"""


def rebuild_sizes(*, day: dt.date) -> None:
    """Writes down how large segments were on a day that is over, from their history and the ledger of MRR; a row that exists stays."""
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))
    with connection.cursor() as cursor:
        cursor.execute(_REBUILD, {"day": day, "end": end, "currency": settings.REPORTING_CURRENCY})


def sizes_now(*, now: dt.datetime) -> dict[int | None, Size]:
    """How large the segments are at this moment; None is without a segment."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW, {"now": now})
        return {row[0]: Size(row[1], row[2]) for row in cursor.fetchall()}


@dataclass(frozen=True)
class History:
    """Sizes over days: for each segment a list as long as `days`, None where nothing was kept. MRR in units of the reporting currency."""

    days: tuple[dt.date, ...]
    accounts: dict[int | None, tuple[int | None, ...]]
    mrr: dict[int | None, tuple[Decimal | None, ...]]
    currency: str


def _units(micros: int | None) -> Decimal | None:
    return None if micros is None else Decimal(micros) / 1_000_000


def history(*, until: dt.date, days: int, segments: Iterable[int | None]) -> History:
    """What was kept of the `days` days up to `until`, for these segments."""
    wanted = list(segments)
    rows = SegmentSize.objects.filter(day__gt=until - dt.timedelta(days=days), day__lte=until).order_by("day").values_list("day", "segment_id", "accounts", "mrr_micros")
    found: dict[dt.date, dict[int | None, tuple[int, int]]] = {}
    for day, segment, accounts, mrr in rows:
        found.setdefault(day, {})[segment] = (accounts, mrr)
    kept = tuple(found)
    none = (None, None)
    return History(
        days=kept,
        accounts={segment: tuple(found[day].get(segment, none)[0] for day in kept) for segment in wanted},
        mrr={segment: tuple(_units(found[day].get(segment, none)[1]) for day in kept) for segment in wanted},
        currency=settings.REPORTING_CURRENCY,
    )
