"""What a playbook changed: churn and health of the accounts it treated beside those held out at random, with intervals.

An account counts once, by its first run; the hold-out was drawn when that run began, so both groups met the same
trigger. It is judged `AFTER_DAYS` days after that moment and not before they have passed.
"""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.proportions import wilson
from metrics.formulas.comparison import Estimate, difference, error_of
from metrics.formulas.intervals import mean_interval

AFTER_DAYS = 90
# settled accounts that each group needs before anything is said
ENOUGH = 30
# with so many in the smaller group an effect worth having would show
PLENTY = 200
# of runs that began earlier nothing is said: who would do the same today is another question
REACH_DAYS = 730


@dataclass(frozen=True)
class Group:
    """Accounts of one side: how many there are, how many are settled, how many of these left, and their change of health.

    Health in hundredths of a point: sums over the `scored` accounts that have a score on both days.
    """

    accounts: int = 0
    settled: int = 0
    left: int = 0
    scored: int = 0
    total: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)

    @property
    def churn(self) -> float | None:
        """The share of the settled that left; None over nothing."""
        return self.left / self.settled if self.settled else None

    @property
    def churn_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of it."""
        return wilson(self.left, self.settled)

    @property
    def health(self) -> Estimate | None:
        """The mean change of health in points with its standard error; None below two scored accounts."""
        interval = mean_interval(count=self.scored, total=self.total / 100, squares=self.squares / 10_000)
        return None if interval is None else Estimate(self.total / 100 / self.scored, error_of(interval), self.scored)


@dataclass(frozen=True)
class Effect:
    """Both groups and what lies between them; `advice` is keep, stop, unclear, no_difference or few."""

    treated: Group
    held_out: Group

    @property
    def enough(self) -> bool:
        """Whether each side has as many settled accounts as it takes."""
        return min(self.treated.settled, self.held_out.settled) >= ENOUGH

    @property
    def churn(self) -> tuple[float, tuple[float, float]] | None:
        """Churn of the treated less that of the held out, with its interval; below 0 the playbook keeps customers."""
        if not self.enough:
            return None
        return share_difference(self.treated.left, self.treated.settled, self.held_out.left, self.held_out.settled)

    @property
    def health(self) -> Estimate | None:
        """Change of health of the treated less that of the held out, in points; None where too few are scored."""
        return difference(self.treated.health, self.held_out.health) if min(self.treated.scored, self.held_out.scored) >= ENOUGH else None

    @property
    def advice(self) -> str:
        """What the figures say about going on. Churn decides; where it cannot tell, health does."""
        churn, health = self.churn, self.health
        if churn is None:
            return "few"
        low, high = churn[1]
        if high < 0:
            return "keep"
        if low > 0:
            return "stop"
        if health is not None and health.beyond_chance:
            return "keep" if health.value > 0 else "stop"
        return "no_difference" if min(self.treated.settled, self.held_out.settled) >= PLENTY else "unclear"


def share_difference(part: int, whole: int, other_part: int, other_whole: int) -> tuple[float, tuple[float, float]] | None:
    """A share less another with the 95 % interval made of Wilson's two (Newcombe, 1998, method 10); None where either is over nothing."""
    one, other = wilson(part, whole), wilson(other_part, other_whole)
    if one is None or other is None:
        return None
    share, other_share = part / whole, other_part / other_whole
    gap = share - other_share
    low = gap - math.sqrt((share - one[0]) ** 2 + (other[1] - other_share) ** 2)
    high = gap + math.sqrt((one[1] - share) ** 2 + (other_share - other[0]) ** 2)
    return gap, (max(-1.0, low), min(1.0, high))


_GROUPS = """
WITH firsts AS (
    SELECT DISTINCT ON (r.account_id) r.account_id, r.started_at, r.status = 'held_out' AS held_out
    FROM accounts_playbookrun r JOIN accounts_account a ON a.id = r.account_id
    WHERE r.playbook_id = %(playbook)s AND r.started_at >= %(since)s AND r.started_at <= %(now)s AND r.started_by_id IS NULL AND NOT a.excluded
      AND (%(whole)s OR a.id = ANY(%(scope)s))
    ORDER BY r.account_id, r.started_at, r.id),
judged AS (
    SELECT f.held_out, f.started_at <= %(settled)s AS settled,
           EXISTS (SELECT 1 FROM accounts_accountevent e WHERE e.account_id = f.account_id AND e.kind = 'account.churned'
                   AND e.occurred_at > f.started_at AND e.occurred_at <= f.started_at + %(after)s) AS left_us,
           (SELECT h.score FROM metrics_healthscore h WHERE h.account_id = f.account_id AND h.day = (f.started_at AT TIME ZONE %(zone)s)::date) AS before,
           (SELECT h.score FROM metrics_healthscore h WHERE h.account_id = f.account_id AND h.day = ((f.started_at + %(after)s) AT TIME ZONE %(zone)s)::date) AS later
    FROM firsts f)
SELECT held_out, count(*), count(*) FILTER (WHERE settled), count(*) FILTER (WHERE settled AND left_us),
       count(later - before) FILTER (WHERE settled), coalesce(sum(later - before) FILTER (WHERE settled), 0),
       coalesce(sum((later - before)::numeric ^ 2) FILTER (WHERE settled), 0)
FROM judged GROUP BY held_out"""


def effect_of(*, playbook_id: int, now: dt.datetime, scope: Sequence[int] | None) -> Effect:
    """Both groups of a playbook over all its versions within two years; one statement."""
    after = dt.timedelta(days=AFTER_DAYS)
    values: dict[str, Any] = {
        "playbook": playbook_id, "now": now, "since": now - dt.timedelta(days=REACH_DAYS), "settled": now - after, "after": after, "whole": scope is None,
        "scope": list(scope) if scope is not None else [], "zone": str(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, values)
        found = {held_out: Group(*figures) for held_out, *figures in cursor.fetchall()}
    return Effect(found.get(False, Group()), found.get(True, Group()))
