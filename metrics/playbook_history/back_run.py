"""How often a playbook would have started in the past twelve months: by month, by person, before and after its caps."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import User
from accounts.playbooks import Caps, Plan
from accounts.rules import compile_where, parse
from metrics.kpis.question import add_months
from metrics.playbook_history.moments import moments

MONTHS = 12
# moments read at most: beyond this the answer says "at least"
MOST = 200_000


@dataclass
class BackRun:
    """What the past twelve months would have brought. `moments` counts the trigger alone, `starts` what the caps leave.

    `months` are calendar months of the organisation's zone, the oldest first, without gaps; `people` maps who
    owns the accounts today (None: nobody) to starts and accounts.
    """

    since: dt.datetime
    until: dt.datetime
    moments: int = 0
    starts: int = 0
    accounts: int = 0
    months: dict[dt.date, int] = field(default_factory=dict)
    people: list[tuple[User | None, int, int]] = field(default_factory=list)
    capped: bool = False

    @property
    def most(self) -> int:
        """Starts in the fullest month."""
        return max(self.months.values(), default=0)

    @property
    def a_month(self) -> float:
        """Starts in a month on average."""
        return self.starts / MONTHS


def back_run(
    *, plan: Plan, now: dt.datetime, scope: Sequence[int] | None, churned_too: bool = False, excluded_too: bool = False
) -> BackRun:  # fmt: skip
    """Counts the moments of the twelve months before `now` in one statement and lets the caps pass over them.

    `scope` are the accounts a reader's figures are about (None: all). The audience is judged by what accounts are today.
    Raises CannotTell for a trigger without a past.
    """
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    local = now.astimezone(zone)
    first = add_months(local.date().replace(day=1), 1 - MONTHS)
    since = dt.datetime.combine(first, dt.time(), zone)
    text, params = moments(plan.trigger, since=since, until=now)
    values: dict[str, Any] = {**params, "now": now, "today": local.date(), "most": MOST + 1, "scope": list(scope) if scope is not None else []}
    conditions = ["true"] if excluded_too else ["NOT a.excluded"]
    if not churned_too:
        conditions.append("(a.churned_at IS NULL OR a.churned_at > m.at)")
    if scope is not None:
        conditions.append("a.id = ANY(%(scope)s)")
    if plan.audience is not None:
        condition, given = compile_where(parse(plan.audience))
        conditions.append(condition)
        values |= given
    # whole numbers alone: a hundred thousand instants as objects would cost more than the statement
    sql = f"""
        SELECT a.id, floor(extract(epoch FROM m.at))::bigint,
               (12 * extract(year FROM m.at AT TIME ZONE %(months_of)s) + extract(month FROM m.at AT TIME ZONE %(months_of)s) - 1)::int, a.owner_id
        FROM ({text}) m JOIN accounts_account a ON a.id = m.account_id JOIN accounts_accountsnapshot s ON s.account_id = a.id
        WHERE {" AND ".join(conditions)} ORDER BY a.id, m.at LIMIT %(most)s"""
    values["months_of"] = settings.ORGANISATION_TIME_ZONE
    found = BackRun(since, now, months={add_months(first, index): 0 for index in range(MONTHS)})
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    found.capped = len(rows) > MOST
    rows = rows[:MOST]
    found.moments = len(rows)
    _count(found, within_caps(rows, plan.caps))
    return found


def within_caps(rows: Iterable[tuple[int, int, int, int | None]], caps: Caps) -> Iterator[tuple[int, int, int, int | None]]:
    """The moments at which a run would have begun: `per_account` at most within `days`; rows (account, second, …) in their order.

    How many run at once or start on one day depends on how long runs took, which nobody knows of the past: left out.
    """
    reach = caps.days * 86_400
    account: int | None = None
    begun: deque[int] = deque()
    for row in rows:
        if row[0] != account:
            account = row[0]
            begun.clear()
        while begun and row[1] - begun[0] >= reach:
            begun.popleft()
        if len(begun) >= caps.per_account:
            continue
        begun.append(row[1])
        yield row


def _count(found: BackRun, rows: Iterable[tuple[int, int, int, int | None]]) -> None:
    months: Counter[int] = Counter()
    starts: Counter[int | None] = Counter()
    reached: Counter[int | None] = Counter()
    last = None
    for account_id, _second, month, owner_id in rows:
        months[month] += 1
        starts[owner_id] += 1
        if account_id != last:
            reached[owner_id] += 1
            last = account_id
    for day in found.months:
        found.months[day] = months[12 * day.year + day.month - 1]
    found.starts, found.accounts = starts.total(), reached.total()
    people = User.objects.in_bulk([pk for pk in starts if pk is not None])
    found.people = [(people.get(pk) if pk is not None else None, count, reached[pk]) for pk, count in starts.most_common()]
