"""The worklist: one page of work items or of accounts at risk, and the counts beside it.

Plain SQL, because this is the page people wait for: every statement names the index it reads by, and
none counts or walks without a limit. Access follows `Reader.books`, the law of `visible_to` as ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from accounts.collation import search_key
from accounts.queries.work_filter import PAGE, SCOPES, Days, Reader, WorkFilter, owners_of
from accounts.queries.work_statements import fetch
from accounts.roles import Role

CAP = 1001
# a text that fits more accounts than this is too broad to say anything
TEXT_MATCHES = 2000


class WorkRow(NamedTuple):
    """One line of the list. `item_id` is None where an account at risk has no open work."""

    grp: int
    item_id: int | None
    version: int
    type: str
    title: str
    why: str
    status: str
    due_at: dt.datetime | None
    stake_micros: int
    snoozed_until: dt.datetime | None
    snooze_reason: str
    outcome: str
    closed_at: dt.datetime | None
    owner_id: int | None
    run_id: int | None
    order_key: int
    account_id: int
    name: str
    plan: str
    segment_id: int | None
    health: int | None
    health_before: int | None
    band: str
    renews_on: dt.date | None
    last_touch_at: dt.datetime | None
    account_owner_id: int | None
    # what the rank is made of; `sunk` says that the segment is over its effort budget
    rank_micros: int = 0
    sunk: int = 0
    mrr_micros: int = 0
    risk: Decimal | None = None
    saves: Decimal | None = None
    minutes: int | None = None


class Beside(NamedTuple):
    """What stands beside an account on the list: the last touch, seats, the owner's name, the playbook."""

    touched_at: dt.datetime | None
    channel: str | None
    minutes: int | None
    seats: Any
    owner_name: str | None
    playbook: str | None
    position: int | None
    steps: int | None
    item_title: str | None
    item_due_at: dt.datetime | None
    item_id: int | None


class SegmentCount(NamedTuple):
    """A segment's tab: how many lines (at most 1001) and what they are worth."""

    id: int | None
    key: str
    name: str
    count: int  # type: ignore[assignment]  # nobody counts a tuple's members here
    stake_micros: int
    groups: dict[int, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class WorkPage:
    """One page: the lines, what stands beside them by line number, the tabs, and the next cursor."""

    rows: list[WorkRow] = field(default_factory=list)
    beside: list[Beside] = field(default_factory=list)
    segments: list[SegmentCount] = field(default_factory=list)
    tabs: dict[str, int] = field(default_factory=dict)
    after: tuple[int, ...] = ()

    def total(self, segment: str = "") -> tuple[int, int]:
        """How many lines (1001: more than that) and what they are worth, of one segment or all."""
        chosen = [entry for entry in self.segments if not segment or entry.key == segment]
        capped = any(entry.count >= CAP for entry in chosen)
        count = sum(entry.count for entry in chosen)
        return (CAP if capped else min(CAP, count)), sum(entry.stake_micros for entry in chosen)

    def group_total(self, group: int, segment: str = "") -> tuple[int, int]:
        """The same for one group of urgency."""
        parts = [entry.groups.get(group, (0, 0)) for entry in self.segments if not segment or entry.key == segment]
        return min(CAP, sum(part[0] for part in parts)), sum(part[1] for part in parts)


class Clause:
    """Conditions with their values, joined by AND, and the tables they need beside work items."""

    _JOINS = {"s": " JOIN accounts_accountsnapshot s ON s.account_id = w.account_id", "a": " JOIN accounts_account a ON a.id = w.account_id"}

    def __init__(self, *parts: str, **values: Any):
        self.parts, self.values, self.tables = list(parts), values, ""

    def add(self, part: str, table: str = "", **values: Any) -> None:
        """One more condition, on a column of `table` (a or s) where it is not the item's own."""
        self.parts.append(part)
        self.values.update(values)
        if table not in self.tables:
            self.tables += table

    @property
    def joins(self) -> str:
        """The joins that the conditions need."""
        return "".join(self._JOINS[table] for table in self.tables)

    def __str__(self) -> str:
        return " AND ".join(self.parts)


_GROUP = "CASE WHEN w.due_at < %(start)s THEN 0 WHEN w.due_at < %(tomorrow)s THEN 1 WHEN w.due_at < %(week_end)s THEN 2 ELSE 3 END"
_ACCOUNT = "a.id, a.name, a.plan, s.segment_id, s.health, s.health_before, s.band, s.renews_on, s.last_touch_at, s.owner_id"
# a sleeping line has no outcome, an open one neither: what a list cannot show it does not read
_ITEM = "w.id, w.version, w.type, w.title, w.why, w.status, w.due_at, w.stake_micros, {}, w.owner_id, w.playbook_run_id"
_STATE = {"snoozed": "w.snoozed_until, w.snooze_reason, '', NULL::timestamptz", "done": "NULL::timestamptz, '', w.outcome, w.closed_at"}
_NO_STATE = "NULL::timestamptz, '', '', NULL::timestamptz"
# OFFSET 0: one probe by primary key a line, in the order of the lines; a planner left free reads a whole table where it is small
_NAMED = "(SELECT a.id, a.name, a.plan, a.churned_at FROM accounts_account a WHERE a.id = {}.account_id OFFSET 0) a"
_SCORED = (
    "(SELECT s.segment_id, s.health, s.health_before, s.band, s.renews_on, s.last_touch_at, s.owner_id, s.mrr_micros, s.churn_risk "
    "FROM accounts_accountsnapshot s WHERE s.account_id = w.account_id OFFSET 0) s"
)
_RANKED = "w.rank_micros, p.sunk, s.mrr_micros, s.churn_risk, t.saves, t.minutes"
_PICKED = "(SELECT w.* FROM accounts_workitem w WHERE w.id = p.id OFFSET 0) w"
# order of each list: (what the cursor holds, how the index runs, what lies beyond the cursor: first a
# range that the index can begin at, then the ties, and the cursor's own value)
_ORDER = {
    "value": ("w.stake_micros", "w.stake_micros DESC, w.id", "w.stake_micros <= -(%(c0)s::bigint) AND (w.stake_micros < -(%(c0)s::bigint) OR w.id > %(c1)s)", "-w.stake_micros"),
    "hour": ("w.rank_micros", "w.rank_micros DESC, w.id", "w.rank_micros <= -(%(c0)s::bigint) AND (w.rank_micros < -(%(c0)s::bigint) OR w.id > %(c1)s)", "-w.rank_micros"),
    "due": ("w.due_at", "w.due_at, w.id", "(w.due_at, w.id) > (%(c0)s, %(c1)s)", "w.due_at"),
    "snoozed": ("w.snoozed_until", "w.snoozed_until, w.id", "(w.snoozed_until, w.id) > (%(c0)s, %(c1)s)", "w.snoozed_until"),
    "done": ("w.closed_at", "w.closed_at DESC, w.id DESC", "(w.closed_at, w.id) < (%(c0)s, %(c1)s)", "w.closed_at"),
}
LIMIT = PAGE + 1
_BY_RANK = "w.rank_micros DESC, w.id"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# the year 9000: a cursor made up by hand ends here
_LAST = 221_845_392_000_000_000


def _micros(instant: dt.datetime) -> int:
    return (instant - _EPOCH) // dt.timedelta(microseconds=1)


def _owned(clause: Clause, owners: tuple[int, ...] | None, column: str) -> None:
    if owners is not None and len(owners) == 1:
        clause.add(f"{column} = %(owner)s", owner=owners[0])
    elif owners is not None:
        clause.add(f"{column} = ANY(%(owners)s)", owners=list(owners))


def _texts(clause: Clause, text: str) -> None:
    words = search_key(text).split()[:4]
    if not words:
        return
    likes = []
    for number, word in enumerate(words):
        likes.append(f"t.name_search LIKE %(like{number})s")
        clause.values[f"like{number}"] = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    # an array first, so that a rare name never walks the whole list in the order of value
    clause.add(f"a.id = ANY(ARRAY(SELECT t.id FROM accounts_account t WHERE {' AND '.join(likes)} LIMIT {TEXT_MATCHES}))", table="a")


def _asked_owners(asked: WorkFilter, reader: Reader) -> tuple[int, ...] | None:
    owners = owners_of(asked.scope, reader)
    if asked.owner is None:
        return owners
    return (asked.owner,) if owners is None or asked.owner in owners else ()


def _item_clause(asked: WorkFilter, reader: Reader, days: Days, *, segment: bool) -> Clause:
    """Everything but order and cursor."""
    status = {"snoozed": "w.status = 'snoozed'", "done": "w.status IN ('done', 'dropped') AND w.closed_at >= %(week_start)s"}
    clause = Clause(status.get(asked.scope, "w.status = 'open'"), week_start=days.week_start)
    owners = _asked_owners(asked, reader)
    _owned(clause, owners, "w.owner_id")
    if reader.books is not None and owners != (reader.user_id,):
        mine = [reader.user_id, *reader.covered]
        clause.add("(w.owner_id = ANY(%(mine)s) OR s.owner_id = ANY(%(books)s))", table="s", mine=mine, books=list(reader.books))
    if segment and asked.segment:
        clause.add("w.segment_id = (SELECT g.id FROM accounts_segment g WHERE g.key = %(segment)s)", segment=asked.segment)
    if asked.type:
        clause.add("w.type = %(type)s", type=asked.type)
    if asked.band:
        clause.add("s.band = %(band)s", table="s", band=asked.band)
    _texts(clause, asked.text)
    return clause


def _item_statement(asked: WorkFilter, reader: Reader, days: Days, over: Sequence[int]) -> tuple[str, dict[str, Any]]:
    """Picks the ids of one page from an index, then reads just these lines."""
    clause = _item_clause(asked, reader, days, segment=True)
    values = clause.values | {"start": days.start, "tomorrow": days.tomorrow, "week_end": days.week_end, "over": list(over)}
    values |= {f"c{number}": part for number, part in enumerate(asked.after)}
    inner = f"FROM accounts_workitem w{clause.joins} WHERE {clause}"
    order = asked.scope if asked.scope in {"snoozed", "done"} else asked.sort
    owners = _asked_owners(asked, reader)
    if order != "rank":
        column, running, beyond, key = _ORDER[order]
        if asked.after and column not in {"w.stake_micros", "w.rank_micros"}:
            values["c0"] = _EPOCH + dt.timedelta(microseconds=max(0, min(asked.after[0], _LAST)))
        cursor = f" AND {beyond}" if len(asked.after) == 2 else ""
        picked = f"SELECT w.id, {_GROUP if order == 'due' else '0'} AS grp, 0 AS sunk {inner}{cursor} ORDER BY {running} LIMIT {LIMIT}"
    else:
        running, key = f"p.grp, p.sunk, {_BY_RANK}", "-w.rank_micros"
        picked = _ranked_by_one(inner, asked) if owners is not None and len(owners) == 1 else _ranked_by_groups(inner, asked, sinking=bool(over))
    item = _ITEM.format(_STATE.get(asked.scope, _NO_STATE))
    tables = (
        f"({picked}) p CROSS JOIN LATERAL {_PICKED} CROSS JOIN LATERAL {_NAMED.format('w')} CROSS JOIN LATERAL {_SCORED} LEFT JOIN accounts_workassumption t ON t.type = w.type"
    )
    return f"SELECT p.grp, {item}, {key}, {_ACCOUNT}, {_RANKED} FROM {tables} ORDER BY {running}", values


# work of segments that are over their effort budget stands below the rest of its group
_SUNK = "CASE WHEN w.segment_id = ANY(%(over)s::bigint[]) THEN 1 ELSE 0 END"


def _ranked_by_one(inner: str, asked: WorkFilter) -> str:
    """The work of one person: read all of it from `work_by_owner`, keep the top."""
    cursor = f" AND ({_GROUP}, {_SUNK}, -w.rank_micros, w.id) > (%(c0)s, %(c1)s, %(c2)s, %(c3)s)" if len(asked.after) == 4 else ""
    return f"SELECT w.id, {_GROUP} AS grp, {_SUNK} AS sunk {inner}{cursor} ORDER BY grp, sunk, {_BY_RANK} LIMIT {LIMIT}"


_SPANS = ("w.due_at < %(start)s", "w.due_at >= %(start)s AND w.due_at < %(tomorrow)s", "w.due_at >= %(tomorrow)s AND w.due_at < %(week_end)s", "w.due_at >= %(week_end)s")
_FLOATING = {0: " AND (w.segment_id IS NULL OR w.segment_id <> ALL(%(over)s::bigint[]))", 1: " AND w.segment_id = ANY(%(over)s::bigint[])"}
_BEYOND = " AND w.rank_micros <= -(%(c2)s::bigint) AND (w.rank_micros < -(%(c2)s::bigint) OR w.id > %(c3)s)"


def _ranked_by_groups(inner: str, asked: WorkFilter, *, sinking: bool) -> str:
    """The work of many: one ordered branch a group (two where segments sink); the limit above stops before the later ones begin."""
    goes_on = len(asked.after) == 4 and 0 <= asked.after[0] <= 3
    first = asked.after[:2] if goes_on else (0, 0)
    branches = []
    for group in range(4):
        for sunk in (0, 1) if sinking else (0,):
            if (group, sunk) < first and (sinking or group < first[0]):
                continue
            cursor = _BEYOND if goes_on and (group, sunk) == (first if sinking else (first[0], 0)) else ""
            where = f"{inner} AND {_SPANS[group]}{_FLOATING[sunk] if sinking else ''}{cursor}"
            branches.append(f"(SELECT w.id, {group} AS grp, {sunk} AS sunk {where} ORDER BY {_BY_RANK} LIMIT {LIMIT})")
    return f"SELECT * FROM ({' UNION ALL '.join(branches)}) u LIMIT {LIMIT}"


_BAND = {"": "s.band IN ('at_risk', 'watch')", "any": "s.health IS NOT NULL"}


def _risk_clause(asked: WorkFilter, reader: Reader, *, segment: bool) -> Clause:
    # who has left for good is at risk no more
    clause = Clause(_BAND.get(asked.band, "s.band = %(band)s"), "NOT s.churned", band=asked.band)
    owners = _asked_owners(asked, reader)
    if reader.books is not None:
        owners = tuple(owner for owner in (owners or ()) if owner in reader.books)
    _owned(clause, owners, "s.owner_id")
    if segment and asked.segment:
        clause.add("s.segment_id = (SELECT g.id FROM accounts_segment g WHERE g.key = %(segment)s)", segment=asked.segment)
    _texts(clause, asked.text)
    return clause


def _risk_statement(asked: WorkFilter, reader: Reader) -> tuple[str, dict[str, Any]]:
    clause = _risk_clause(asked, reader, segment=True)
    values = clause.values | {f"c{number}": part for number, part in enumerate(asked.after)}
    # found by its name an account leads to its score; otherwise scores are read in the order of value
    account = "JOIN accounts_account a ON a.id = s.account_id" if asked.text else f", LATERAL {_NAMED.format('s')}"
    cursor = " AND s.stake_micros <= -(%(c0)s::bigint) AND (s.stake_micros < -(%(c0)s::bigint) OR s.account_id > %(c1)s)" if len(asked.after) == 2 else ""
    return (
        f"SELECT 0, NULL, 0, '', '', s.why, '', NULL, s.stake_micros, NULL, '', '', NULL, NULL, NULL, -s.stake_micros, {_ACCOUNT}, 0, 0, 0, NULL, NULL, NULL "
        f"FROM accounts_accountsnapshot s {account} WHERE {clause}{cursor} ORDER BY s.stake_micros DESC, s.account_id LIMIT {LIMIT}",
        values,
    )


# one probe a line, each by its own index
_BESIDE = """
SELECT t.occurred_at, t.channel, t.minutes, q.seats, u.name, b.name, r.position, jsonb_array_length(r.steps), i.title, i.due_at, i.id
FROM unnest(%(accounts)s::bigint[], %(owners)s::bigint[], %(runs)s::bigint[]) WITH ORDINALITY AS p(account_id, owner_id, run_id, line)
LEFT JOIN LATERAL (SELECT e.occurred_at, e.payload->>'channel' AS channel, (e.payload->>'minutes')::int AS minutes FROM accounts_accountevent e
    WHERE e.account_id = p.account_id AND e.kind = 'touch.logged' ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT coalesce(sum(c.quantity) FILTER (WHERE c.kind = 'seats'), sum(c.quantity) FILTER (WHERE c.kind = 'plan')) AS seats FROM accounts_subscription c
    WHERE c.account_id = p.account_id AND c.start <= %(now)s AND (c."end" IS NULL OR c."end" > %(now)s)) q ON true
LEFT JOIN LATERAL (SELECT o.id, o.title, o.due_at FROM accounts_workitem o WHERE %(risk)s AND o.account_id = p.account_id AND o.status = 'open' ORDER BY o.due_at LIMIT 1) i ON true
LEFT JOIN accounts_user u ON u.id = p.owner_id
LEFT JOIN accounts_playbookrun r ON r.id = p.run_id
LEFT JOIN accounts_playbook b ON b.id = r.playbook_id
ORDER BY p.line
"""


def _one_book(asked: WorkFilter, reader: Reader) -> bool:
    """Whether all that is read is one person's, by that person's index: then one plan is right for all values."""
    owners = _asked_owners(asked, reader)
    return not asked.text and owners is not None and len(owners) == 1


def rows_of(asked: WorkFilter, reader: Reader, days: Days, over: Sequence[int] = ()) -> tuple[list[WorkRow], tuple[int, ...]]:
    """The lines of one page and the cursor of the next (empty: there is none). One statement.

    `over` are the segments that are over their effort budget; in the order of rank their work sinks.
    """
    sql, values = _risk_statement(asked, reader) if asked.view == "risk" else _item_statement(asked, reader, days, sorted(over))
    rows = [WorkRow._make(row) for row in fetch(sql, values, prepared=_one_book(asked, reader))]
    if len(rows) <= PAGE:
        return rows, ()
    last = rows[PAGE - 1]
    if asked.view == "risk":
        return rows[:PAGE], (last.order_key, last.account_id)
    key = _micros(last.order_key) if isinstance(last.order_key, dt.datetime) else last.order_key
    ranked = asked.sort == "rank" and asked.scope not in {"snoozed", "done"}
    return rows[:PAGE], (last.grp, last.sunk, key, last.item_id or 0) if ranked else (key, last.item_id or 0)


def pairs_in(asked: WorkFilter, reader: Reader, days: Days, *, most: int) -> list[tuple[int, int]]:
    """The items of a whole list with their versions, what an hour saves most first, at most so many. One statement."""
    clause = _item_clause(asked, reader, days, segment=True)
    sql = f"SELECT w.id, w.version FROM accounts_workitem w{clause.joins} WHERE {clause} ORDER BY {_BY_RANK} LIMIT %(most)s"
    return [(row[0], row[1]) for row in fetch(sql, clause.values | {"most": most})]


def beside_of(rows: list[WorkRow], *, now: dt.datetime, risk: bool) -> list[Beside]:
    """What stands beside each line, in the order of the lines. One statement."""
    if not rows:
        return []
    owners = [row.account_owner_id if risk else row.owner_id for row in rows]
    values = {"accounts": [row.account_id for row in rows], "owners": owners, "runs": [row.run_id for row in rows], "now": now, "risk": risk}
    return [Beside._make(row) for row in fetch(_BESIDE, values, prepared=True)]


def counts_of(asked: WorkFilter, reader: Reader, days: Days) -> tuple[list[SegmentCount], dict[str, int]]:
    """The segment tabs of the view as it is filtered, and the scope tabs. One statement; nothing counts beyond 1001."""
    values: dict[str, Any] = {"start": days.start, "tomorrow": days.tomorrow, "week_end": days.week_end}
    one_book = _one_book(asked, reader) and all(_one_book(WorkFilter(scope=scope), reader) for scope in SCOPES[reader.role])
    if asked.view == "risk":
        clause = _risk_clause(asked, reader, segment=False)
        account = " JOIN accounts_account a ON a.id = s.account_id" if asked.text else ""
        inner = f"SELECT 0 AS grp, s.stake_micros FROM accounts_accountsnapshot s{account} WHERE {clause} AND s.segment_id"
    else:
        clause = _item_clause(asked, reader, days, segment=False)
        inner = f"SELECT {_GROUP} AS grp, w.stake_micros FROM accounts_workitem w{clause.joins} WHERE {clause} AND w.segment_id"
    values |= clause.values
    counted = "SELECT x.grp, count(*) AS n, coalesce(sum(x.stake_micros), 0)::bigint AS stake FROM ({inner} LIMIT {cap}) x GROUP BY x.grp"
    parts = [
        f"SELECT g.position, g.id, g.key, g.name, c.grp, c.n, c.stake FROM accounts_segment g LEFT JOIN LATERAL ({counted.format(inner=inner + ' = g.id', cap=CAP)}) c ON true",
        f"SELECT 40000, NULL, '', '', c.grp, c.n, c.stake FROM ({counted.format(inner=inner + ' IS NULL', cap=CAP)}) c",
    ]
    for scope in SCOPES[reader.role]:
        tab = _item_clause(WorkFilter(scope=scope), reader, days, segment=False)
        renamed = {name: f"{scope}_{name}" for name in tab.values}
        text = str(tab)
        for name, other in renamed.items():
            text = text.replace(f"%({name})s", f"%({other})s")
        values |= {renamed[name]: value for name, value in tab.values.items()}
        parts.append(f"SELECT 50000, NULL, '{scope}', '', NULL, count(*), 0 FROM (SELECT 1 FROM accounts_workitem w{tab.joins} WHERE {text} LIMIT {CAP}) x")
    segments: dict[Any, SegmentCount] = {}
    tabs: dict[str, int] = {}
    for position, number, key, name, group, count, stake in fetch(" UNION ALL ".join(parts) + " ORDER BY 1, 2", values, prepared=one_book):
        if position == 50000:
            tabs[key] = count
            continue
        entry = segments.setdefault(number, SegmentCount(number, key, name, 0, 0, {}))
        if count:
            entry.groups[group] = (count, stake)
            segments[number] = entry._replace(count=entry.count + count, stake_micros=entry.stake_micros + stake)
    return list(segments.values()), tabs


def page(asked: WorkFilter, reader: Reader, days: Days, *, now: dt.datetime, over: Sequence[int] = ()) -> WorkPage:
    """The page a reader asked for, in three statements (lines, what stands beside them, counts)."""
    if reader.role == Role.ANALYST:
        return WorkPage()
    rows, after = rows_of(asked, reader, days, over)
    segments, tabs = counts_of(asked, reader, days)
    return WorkPage(rows=rows, beside=beside_of(rows, now=now, risk=asked.view == "risk"), segments=segments, tabs=tabs, after=after)
