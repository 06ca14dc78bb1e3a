"""Planned against realised: what finished work was expected to save when it was opened, against who was still a customer 90 days after it ended.

Of each account the first item of the span counts; where some were done and some dropped, the done one. At its opening: yearly
revenue (12 x MRR in the reporting currency) x risk (how far health was from full) is the loss expected, times the share that such work is thought
to save (`WorkAssumption`, as it stands) the loss it plans to avoid. Realised is the expected loss less what was really lost: the
yearly revenue that was no longer there 90 days after the work ended. Health is no probability and nobody was left alone by
lot, so dropped work stands beside as the nearest comparison; neither is a proof of cause.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from metrics.formulas.intervals import Interval, mean_interval
from metrics.roi.live import Basis
from surveys.scoring import share, wilson_interval

DAYS = 90
MICROS = Decimal(1_000_000)
# fewer accounts than this show counts and no interval of money
FEW = 5

_MRR_AT = """(SELECT sum(m.balance_micros * CASE WHEN m.currency = %(reporting)s THEN 1 ELSE m.rate END)
    FROM (SELECT DISTINCT ON (c.currency) c.currency, c.balance_micros,
                 (SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = c.currency AND (x.day::timestamp AT TIME ZONE %(zone)s) <= {at} ORDER BY x.day DESC LIMIT 1) AS rate
          FROM accounts_subscriptionchange c WHERE c.account_id = w.account_id AND c.occurred_at < {upto} ORDER BY c.currency, c.occurred_at DESC) m)"""

_ROWS = f"""
WITH ended AS (
    SELECT DISTINCT ON (w.account_id) w.account_id, w.status = 'done' AS done, w.type, w.created_at AS opened_at, w.closed_at
    FROM accounts_workitem w JOIN accounts_account a ON a.id = w.account_id AND NOT a.excluded
    WHERE w.status IN ('done', 'dropped') AND w.closed_at >= %(start)s AND w.closed_at < %(end)s AND w.type IN ('risk', 'renewal', 'close_loop')
      AND (%(segment)s = '' OR a.segment_id = (SELECT g.id FROM accounts_segment g WHERE g.key = %(segment)s))
      AND (%(everybody)s OR w.account_id = ANY(%(accounts)s::bigint[]))
    ORDER BY w.account_id, (w.status = 'done') DESC, w.created_at, w.id),
valued AS (
    SELECT w.*, coalesce(t.saves, 0) AS saves, a.churned_at,
           {_MRR_AT.format(at="w.opened_at", upto="w.opened_at")} AS mrr_then,
           {_MRR_AT.format(at="w.opened_at", upto="w.closed_at + interval '90 days'")} AS mrr_later,
           (SELECT h.score FROM metrics_healthscore h WHERE h.account_id = w.account_id AND h.day <= (w.opened_at AT TIME ZONE %(zone)s)::date
               AND h.day > (w.opened_at AT TIME ZONE %(zone)s)::date - 35 ORDER BY h.day DESC LIMIT 1) AS health
    FROM ended w JOIN accounts_account a ON a.id = w.account_id LEFT JOIN accounts_workassumption t ON t.type = w.type),
told AS (
    SELECT done, 12 * mrr_then AS yearly, (10000 - health) / 10000.0 AS risk, saves,
           12 * greatest(mrr_then - CASE WHEN churned_at <= closed_at + interval '90 days' THEN 0 ELSE coalesce(mrr_later, 0) END, 0) AS gone,
           mrr_later > 0 AND (churned_at IS NULL OR churned_at > closed_at + interval '90 days') AS stayed
    FROM valued)
SELECT done, count(*), count(*) FILTER (WHERE NOT (coalesce(yearly, 0) > 0 AND risk IS NOT NULL)), count(*) FILTER (WHERE known AND stayed),
       coalesce(sum(yearly) FILTER (WHERE known), 0), coalesce(sum(yearly * risk) FILTER (WHERE known), 0), coalesce(sum(yearly * risk * saves) FILTER (WHERE known), 0),
       coalesce(sum(gone) FILTER (WHERE known), 0), coalesce(sum(power((yearly * risk - gone) / 1000000.0, 2)) FILTER (WHERE known), 0)
FROM (SELECT *, coalesce(yearly, 0) > 0 AND risk IS NOT NULL AS known FROM told) t GROUP BY done"""


@dataclass(frozen=True)
class Side:
    """Accounts whose work was done, or dropped. Money a year in the reporting currency."""

    done: bool
    accounts: int = 0
    # left out: without revenue at the opening, or without a score within five weeks before
    unknown: int = 0
    stayed: int = 0
    yearly: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)
    planned: Decimal = Decimal(0)
    gone: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)

    @property
    def known(self) -> int:
        """The accounts that the figures are about."""
        return self.accounts - self.unknown

    @property
    def stayed_share(self) -> Decimal | None:
        """The share still a customer 90 days after the work ended."""
        return share(self.stayed, self.known)

    @property
    def stayed_interval(self) -> Interval | None:
        """Wilson's 95 % interval of that share."""
        return wilson_interval(self.stayed, self.known)

    @property
    def realised(self) -> Decimal:
        """The loss expected less the loss that came; below 0 where more was lost than expected."""
        return self.expected - self.gone

    @property
    def realised_interval(self) -> Interval | None:
        """Its 95 % interval over accounts, by Student's t; None for fewer than five."""
        if self.known < FEW:
            return None
        edges = mean_interval(count=self.known, total=self.realised, squares=self.squares)
        return None if edges is None else (edges[0] * self.known, edges[1] * self.known)


@dataclass(frozen=True)
class Realised:
    """Both sides over a span of days in which the work ended; `last` is its last day."""

    first: dt.date
    last: dt.date
    done: Side
    dropped: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """The done first."""
        return self.done, self.dropped


def realised(*, basis: Basis, scope: Iterable[int] | None, now: dt.datetime) -> Realised:
    """Work that ended in so many months, whose 90 days are over; one statement. An unknown segment has nobody."""
    start, end = (dt.date.fromisoformat(day) - dt.timedelta(days=DAYS) for day in basis.period(now))
    midnight = f"{{}} 00:00:00 {settings.ORGANISATION_TIME_ZONE}"
    values: dict[str, Any] = {
        "start": midnight.format(start), "end": midnight.format(end), "segment": basis.segment, "everybody": scope is None, "accounts": list(scope or ()),
        "reporting": settings.REPORTING_CURRENCY, "zone": settings.ORGANISATION_TIME_ZONE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, values)
        rows = {row[0]: row[1:] for row in cursor.fetchall()}

    def side(done: bool) -> Side:
        if done not in rows:
            return Side(done)
        accounts, unknown, stayed, yearly, expected, planned, gone, squares = rows[done]
        yearly, expected, planned, gone = (Decimal(value) / MICROS for value in (yearly, expected, planned, gone))
        return Side(done, accounts, unknown, stayed, yearly, expected, planned, gone, Decimal(squares))

    return Realised(start, end - dt.timedelta(days=1), side(True), side(False))
