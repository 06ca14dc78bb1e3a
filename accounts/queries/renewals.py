"""The queue of renewals at 180, 90 and 30 days: one page, and what is due against what is expected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import RenewalCall

PAGE = 50
# a window's days from today, both ends inside
WINDOWS: dict[str, tuple[int, int]] = {"30": (0, 30), "90": (31, 90), "180": (91, 180)}
# a call is of the renewal it was made for, even where the date has moved a little since
SAME_RENEWAL_DAYS = 45
HISTORY = 20


class RenewalRow(NamedTuple):
    """One renewal: the account, what is due a year, and what was called (empty where nobody has). Money in millionths."""

    account_id: int
    name: str
    plan: str
    segment_id: int | None
    owner: str | None
    renews_on: dt.date
    due_micros: int
    health: int | None
    band: str
    call_id: int | None
    call: str
    amount_micros: int | None
    expected_on: dt.date | None
    note: str
    made_at: dt.datetime | None
    made_by: str | None


@dataclass(frozen=True, kw_only=True)
class RenewalPage:
    """The rows of one page and the cursor of the next (empty: none)."""

    rows: list[RenewalRow] = field(default_factory=list)
    after: str = ""


# the range of dates is walked by `snapshot_by_renewal`, a book by `snapshot_by_owner`
_ROWS = """
SELECT r.account_id, a.name, a.plan, r.segment_id, u.name, r.renews_on, 12 * r.mrr_micros, r.health, r.band,
    c.id, coalesce(c.call, ''), c.amount_micros, c.expected_on, coalesce(c.note, ''), c.made_at, m.name
FROM (SELECT s.* FROM accounts_accountsnapshot s WHERE s.renews_on >= %(first)s AND s.renews_on <= %(last)s {whose} {cursor}
      AND EXISTS (SELECT 1 FROM accounts_account x WHERE x.id = s.account_id AND x.churned_at IS NULL) {called}
      ORDER BY s.renews_on, s.account_id LIMIT %(limit)s) r
JOIN accounts_account a ON a.id = r.account_id LEFT JOIN accounts_user u ON u.id = r.owner_id
LEFT JOIN accounts_renewalcall c ON c.account_id = r.account_id AND c.current AND abs(c.renews_on - r.renews_on) < %(same)s
LEFT JOIN accounts_user m ON m.id = c.made_by_id ORDER BY r.renews_on, r.account_id
"""
_CURRENT = "SELECT 1 FROM accounts_renewalcall k WHERE k.account_id = s.account_id AND k.current AND abs(k.renews_on - s.renews_on) < %(same)s"


def _whose(owners: Sequence[int] | None) -> str:
    return "" if owners is None else "AND s.owner_id = ANY(%(owners)s)"


def page(*, window: str, owners: Sequence[int] | None, today: dt.date, call: str = "", after: str = "") -> RenewalPage:
    """The renewals of a window, the nearest first, of these owners' books (None: everybody's). One statement.

    `call` narrows to one call, or to those nobody has called (`none`). `after` is the cursor of a page.
    """
    low, high = WINDOWS[window]
    values: dict[str, Any] = {
        "first": today + dt.timedelta(days=low), "last": today + dt.timedelta(days=high), "owners": list(owners or ()), "limit": PAGE + 1,
        "same": SAME_RENEWAL_DAYS, "call": call,
    }  # fmt: skip
    cursor_sql, place = "", _place(after)
    if place is not None:
        cursor_sql, values["day"], values["account"] = "AND (s.renews_on, s.account_id) > (%(day)s, %(account)s)", place[0], place[1]
    called = f"AND NOT EXISTS ({_CURRENT})" if call == "none" else f"AND EXISTS ({_CURRENT} AND k.call = %(call)s)" if call else ""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(whose=_whose(owners), cursor=cursor_sql, called=called), values)
        rows = [RenewalRow._make(row) for row in cursor.fetchall()]
    more, rows = len(rows) > PAGE, rows[:PAGE]
    return RenewalPage(rows=rows, after=f"{rows[-1].renews_on.isoformat()}~{rows[-1].account_id}" if more else "")


def _place(after: str) -> tuple[dt.date, int] | None:
    day, _mark, account = after.partition("~")
    try:
        return (dt.date.fromisoformat(day), int(account)) if account.isascii() and account.isdecimal() and len(account) < 19 else None
    except ValueError:
        return None


class Sums(NamedTuple):
    """One window: how many renewals, what is due a year, and what is expected by call; money in millionths."""

    window: str
    count: int  # type: ignore[assignment]  # nobody counts a tuple's members here
    due: int
    renew: int
    watch: int
    at_risk: int
    lost_due: int
    open_count: int
    open_due: int

    @property
    def forecast(self) -> int:
        """What is expected of all that was called; a lost renewal brings nothing."""
        return self.renew + self.watch + self.at_risk


_SUMS = """
SELECT w.name, count(s.account_id), coalesce(sum(12 * s.mrr_micros), 0)::bigint,
    coalesce(sum(c.amount_micros) FILTER (WHERE c.call = 'renew'), 0)::bigint, coalesce(sum(c.amount_micros) FILTER (WHERE c.call = 'watch'), 0)::bigint,
    coalesce(sum(c.amount_micros) FILTER (WHERE c.call = 'at_risk'), 0)::bigint, coalesce(sum(12 * s.mrr_micros) FILTER (WHERE c.call = 'lost'), 0)::bigint,
    count(s.account_id) FILTER (WHERE c.id IS NULL), coalesce(sum(12 * s.mrr_micros) FILTER (WHERE c.id IS NULL), 0)::bigint
FROM unnest(%(names)s::text[], %(firsts)s::date[], %(lasts)s::date[]) WITH ORDINALITY AS w(name, first, last, place)
LEFT JOIN (accounts_accountsnapshot s JOIN accounts_account a ON a.id = s.account_id AND a.churned_at IS NULL)
    ON s.renews_on >= w.first AND s.renews_on <= w.last AND s.renews_on >= %(today)s AND s.renews_on <= %(end)s {whose}
LEFT JOIN accounts_renewalcall c ON c.account_id = s.account_id AND c.current AND abs(c.renews_on - s.renews_on) < %(same)s
GROUP BY w.name, w.place ORDER BY w.place
"""


def sums(*, owners: Sequence[int] | None, today: dt.date) -> list[Sums]:
    """Due against expected, window by window. One statement over the renewals of 180 days; callers keep it for a while."""
    values: dict[str, Any] = {
        "names": list(WINDOWS), "firsts": [today + dt.timedelta(days=low) for low, _high in WINDOWS.values()], "owners": list(owners or ()),
        "lasts": [today + dt.timedelta(days=high) for _low, high in WINDOWS.values()], "today": today, "end": today + dt.timedelta(days=180), "same": SAME_RENEWAL_DAYS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SUMS.format(whose=_whose(owners)), values)
        return [Sums._make(row) for row in cursor.fetchall()]


def history(account_id: int) -> list[RenewalCall]:
    """The latest calls of an account, the newest first."""
    return list(RenewalCall.objects.filter(account_id=account_id).select_related("made_by").order_by("-made_at", "-id")[:HISTORY])
