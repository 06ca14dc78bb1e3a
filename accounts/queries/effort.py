"""Where the hours go: minutes of logged touches by segment against the plan, and the load of each person."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from accounts.queries.work_filter import Days


class Effort(NamedTuple):
    """One segment's time: minutes logged, and the share of all that was planned (0 to 1, None without a plan)."""

    key: str
    name: str
    planned: Decimal | None
    minutes: int
    id: int = 0


# read by `touch_by_actor`, or by kind and time for everybody
_EFFORT = """
SELECT g.key, g.name, g.effort_share, coalesce(m.minutes, 0), g.id
FROM accounts_segment g LEFT JOIN (
    SELECT a.segment_id, sum((e.payload->>'minutes')::int) AS minutes FROM accounts_accountevent e JOIN accounts_account a ON a.id = e.account_id
    WHERE e.kind = 'touch.logged' AND e.occurred_at >= %(since)s AND e.occurred_at <= %(now)s AND e.payload ? 'minutes' {whose} GROUP BY a.segment_id
) m ON m.segment_id = g.id WHERE g.effort_share IS NOT NULL OR m.minutes > 0 ORDER BY g.position, g.id
"""


def effort_by_segment(*, people: tuple[int, ...] | None, since: dt.datetime, now: dt.datetime) -> list[Effort]:
    """Minutes of the touches these people logged (None: everybody), by the account's segment. One statement."""
    whose = "" if people is None else "AND e.actor_id = ANY(%(people)s)"
    with connection.cursor() as cursor:
        cursor.execute(_EFFORT.format(whose=whose), {"since": since, "now": now, "people": list(people or ())})
        return [Effort._make(row) for row in cursor.fetchall()]


# less than this logged says nothing about a month yet, and two points around the plan are on plan
LEAST_MINUTES, TOLERANCE = 300, 0.02


def over_budget(found: list[Effort]) -> dict[int, Effort]:
    """The segments that took more of the logged time than planned, by id; none before five hours were logged."""
    total = sum(entry.minutes for entry in found)
    if total < LEAST_MINUTES:
        return {}
    return {entry.id: entry for entry in found if entry.planned is not None and entry.minutes / total > float(entry.planned) + TOLERANCE}


class Load(NamedTuple):
    """One person's open work; counts stop at 1001."""

    owner_id: int
    name: str
    open: int
    overdue: int
    today: int
    stake_micros: int
    snoozed: int
    done: int


_LOAD = """
SELECT u.id, u.name, o.n, o.overdue, o.today, o.stake, z.n, d.n
FROM accounts_user u
CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE x.due_at < %(start)s) AS overdue,
    count(*) FILTER (WHERE x.due_at >= %(start)s AND x.due_at < %(tomorrow)s) AS today,
    coalesce(sum(x.stake_micros), 0)::bigint AS stake
    FROM (SELECT w.due_at, w.stake_micros FROM accounts_workitem w {join} WHERE w.status = 'open' AND w.owner_id = u.id {visible} LIMIT 1001) x) o
CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM accounts_workitem w {join} WHERE w.status = 'snoozed' AND w.owner_id = u.id {visible} LIMIT 1001) x) z
CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM accounts_workitem w {join} WHERE w.status IN ('done', 'dropped') AND w.owner_id = u.id
    AND w.closed_at >= %(week_start)s {visible} LIMIT 1001) x) d
WHERE u.is_active {people} AND (o.n > 0 OR z.n > 0 OR d.n > 0 OR u.role = 'csm')
ORDER BY o.stake DESC, u.name, u.id LIMIT 200
"""


def load_by_person(*, people: tuple[int, ...] | None, me: int, days: Days) -> list[Load]:
    """Open, late and sleeping work of each of these people (None: everybody), the heaviest first. One statement.

    Counted is what the reader may see: work on accounts of these people's books, and the reader's own.
    """
    visible = "" if people is None else "AND (w.owner_id = %(me)s OR s.owner_id = ANY(%(people)s))"
    sql = _LOAD.format(
        join="" if people is None else "JOIN accounts_accountsnapshot s ON s.account_id = w.account_id",
        visible=visible,
        people="" if people is None else "AND u.id = ANY(%(people)s)",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {"start": days.start, "tomorrow": days.tomorrow, "week_start": days.week_start, "people": list(people or ()), "me": me})
        return [Load._make(row) for row in cursor.fetchall()]
