"""Facts of use of accounts as of an instant, worked out set-wise: last seen, active days, frequency, adoption, trend, seats.

28 complete days before the instant's date in the organisation's zone, against the 28 before those; what
happened counts, whenever it was recorded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from metrics.moments import WINDOW_DAYS, Moment
from metrics.sql.health_inputs import IN_FORCE, LISTED
from metrics.sql.usage_facts import OFFERED, PLAN_FEATURES, PLAN_THEN, adopted_select, past_plans_select, people_select, seats_select

DAYS_A_WEEK = 7
WEEKS = 12

_FACTS = f"""
SELECT a.id, {PLAN_THEN}, coalesce(u.seen_on, (
           SELECT max(far.day) FROM accounts_usageday far WHERE far.account_id = a.id AND far.day < %(usage_from)s AND far.day >= %(year_before)s AND far.count > 0)) AS seen_on,
       u.uses, u.uses_before, u.active_days, u.active_days_before, coalesce(u.rows, 0), coalesce(u.rows_before, 0),
       coalesce(ad.featured, 0), coalesce(ad.adopted, 0), coalesce(pl.offered, 0), ud.users, st.seats
FROM accounts_account a
LEFT JOIN (
      SELECT account_id, sum(count) FILTER (WHERE day >= %(usage_split)s) AS uses, sum(count) FILTER (WHERE day < %(usage_split)s) AS uses_before,
             count(DISTINCT day) FILTER (WHERE day >= %(usage_split)s AND count > 0) AS active_days,
             count(DISTINCT day) FILTER (WHERE day < %(usage_split)s AND count > 0) AS active_days_before,
             count(*) FILTER (WHERE day >= %(usage_split)s) AS rows, count(*) FILTER (WHERE day < %(usage_split)s) AS rows_before, max(day) FILTER (WHERE count > 0) AS seen_on
      FROM accounts_usageday WHERE {LISTED.format("account_id")} AND day >= %(usage_from)s AND day < %(t_date)s GROUP BY account_id) u ON u.account_id = a.id
LEFT JOIN ({adopted_select(LISTED)}) ad ON ad.account_id = a.id
LEFT JOIN ({past_plans_select(LISTED)}) pp ON pp.account_id = a.id
LEFT JOIN ({OFFERED}) pl ON pl.plan = {PLAN_THEN}
LEFT JOIN ({people_select(LISTED)}) ud ON ud.account_id = a.id
LEFT JOIN ({seats_select(LISTED, IN_FORCE)}) st ON st.account_id = a.id
WHERE {LISTED.format("a.id")}"""

_FEATURES = f"""
SELECT f.key, coalesce(d.uses, 0), coalesce(d.uses_before, 0), coalesce(d.days, 0), d.seen_on, pf.plan IS NOT NULL
FROM (SELECT feature_id, sum(count) FILTER (WHERE day >= %(usage_split)s) AS uses, sum(count) FILTER (WHERE day < %(usage_split)s) AS uses_before,
             count(DISTINCT day) FILTER (WHERE day >= %(usage_split)s AND count > 0) AS days, max(day) FILTER (WHERE count > 0) AS seen_on
      FROM accounts_usageday WHERE account_id = ANY(%(ids)s::bigint[]) AND day >= %(usage_from)s AND day < %(t_date)s GROUP BY feature_id) d
FULL JOIN (SELECT * FROM ({PLAN_FEATURES}) all_plans WHERE plan = %(plan)s) pf ON pf.feature_id = d.feature_id
JOIN accounts_feature f ON f.id = coalesce(d.feature_id, pf.feature_id) AND f.key <> ''
ORDER BY 2 DESC, 3 DESC, 1 LIMIT %(most)s"""

_WEEKS = """
SELECT (%(t_date)s::date - 1 - day) / 7 AS week, sum(count), count(DISTINCT day) FILTER (WHERE count > 0)
FROM accounts_usageday WHERE account_id = %(account)s AND day < %(t_date)s AND day >= %(t_date)s::date - 7 * %(weeks)s GROUP BY 1"""


@dataclass(frozen=True)
class UsageFacts:
    """What one account did; None where nothing is known of it, which is another thing than 0."""

    account_id: int
    plan: str
    # the 28 days: from, to (exclusive)
    start: dt.date
    end: dt.date
    seen_on: dt.date | None
    uses: int | None
    uses_before: int | None
    active_days: int | None
    active_days_before: int | None
    # rows of usage behind the 28 days and the 28 before
    rows: int
    rows_before: int
    # features used, of them those in the plan, and how many the plan includes
    featured: int
    adopted: int
    offered: int
    # most people on one day, and seats in force
    users: int | None
    seats: float | None

    @property
    def known(self) -> bool:
        """Whether anything was seen within the last year."""
        return self.seen_on is not None

    @property
    def days_since_seen(self) -> int | None:
        """Days from the last use to the instant's date."""
        return None if self.seen_on is None else (self.end - self.seen_on).days

    @property
    def frequency(self) -> float | None:
        """Active days a week."""
        return None if not self.known else (self.active_days or 0) * DAYS_A_WEEK / WINDOW_DAYS

    @property
    def trend(self) -> float | None:
        """Uses against the 28 days before: 0.1 is a tenth more. None without use then."""
        return ((self.uses or 0) - self.uses_before) / self.uses_before if self.uses_before else None

    @property
    def adoption(self) -> float | None:
        """The share of the plan's features that were used, 0 to 1; None where use names no feature or the plan has none."""
        if not self.known or not self.offered or (self.uses and not self.featured):
            return None
        return self.adopted / self.offered

    @property
    def seat_use(self) -> float | None:
        """People seen against seats; above 1 where more were seen than were sold. None without seats, or where use names no people."""
        if not self.known or not self.seats or (self.uses and self.users is None):
            return None
        return (self.users or 0) / self.seats


@dataclass(frozen=True)
class FeatureUse:
    """One feature at one account."""

    key: str
    uses: int
    uses_before: int
    days: int
    seen_on: dt.date | None
    in_plan: bool


def _values(as_of: dt.datetime, ids: list[int]) -> dict[str, Any]:
    return {**Moment.at(as_of=as_of, now=as_of, zone=settings.ORGANISATION_TIME_ZONE).parameters, "ids": ids}


def usage_facts(*, account_ids: Iterable[int], as_of: dt.datetime) -> dict[int, UsageFacts]:
    """The facts of these accounts by id; one statement."""
    ids = sorted(set(account_ids))
    values = _values(as_of, ids)
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, values)
        rows = cursor.fetchall()
    return {row[0]: _facts(row, values) for row in rows}


def _facts(row: tuple[Any, ...], values: dict[str, Any]) -> UsageFacts:
    account, plan, seen_on, uses, uses_before, days, days_before, behind, behind_before, featured, adopted, offered, users, seats = row
    return UsageFacts(
        account_id=account, plan=plan, start=values["usage_split"], end=values["t_date"], seen_on=seen_on, uses=_whole(uses), uses_before=_whole(uses_before),
        active_days=_whole(days), active_days_before=_whole(days_before), rows=behind, rows_before=behind_before, featured=featured, adopted=adopted, offered=offered,
        users=users, seats=None if seats is None else float(seats),
    )  # fmt: skip


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)


def feature_uses(*, account_id: int, plan: str, as_of: dt.datetime, most: int = 60) -> list[FeatureUse]:
    """The features of an account and of its plan, the most used first; those of the plan that nobody uses at the end."""
    with connection.cursor() as cursor:
        cursor.execute(_FEATURES, {**_values(as_of, [account_id]), "plan": plan, "most": most})
        return [FeatureUse(key, int(uses), int(before), days, seen_on, in_plan) for key, uses, before, days, seen_on, in_plan in cursor.fetchall()]


def weekly_uses(*, account_id: int, as_of: dt.datetime, weeks: int = WEEKS) -> list[tuple[dt.date, int | None, int]]:
    """Weeks of seven complete days, oldest first: the first day, uses (None: no row), active days."""
    values = _values(as_of, [account_id])
    with connection.cursor() as cursor:
        cursor.execute(_WEEKS, {**values, "account": account_id, "weeks": weeks})
        found = {week: (int(uses), days) for week, uses, days in cursor.fetchall()}
    return [(values["t_date"] - dt.timedelta(days=7 * (week + 1)), *found.get(week, (None, 0))) for week in range(weeks - 1, -1, -1)]
