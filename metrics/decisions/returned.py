"""Accounts that came back: after how long, why they had left, what reached them meanwhile, what they pay again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

from accounts.models import Account, PlaybookRun
from metrics.decisions.reader import Reader
from metrics.kpis.bridge import rate_at
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.earning import earning_ranges
from metrics.kpis.revenue import MICROS, amount_column
from metrics.models import Initiative

# the list of accounts on the page; the figures are of all, up to this bound of what is read
SHOWN, MOST = 25, 20_000
# a course of action is taken for a return when it went on at some time in the days before it
REACH_DAYS = 180


@dataclass(frozen=True)
class Return:
    """One account that came back: when it had left, when it was there again, why it had left, MRR won back (None: no rate)."""

    account: int
    left: dt.datetime
    back: dt.datetime
    reason: str
    mrr: Decimal | None

    @property
    def days(self) -> int:
        """How long it was away."""
        return (self.back - self.left).days


@dataclass(frozen=True)
class Group:
    """Returns that have a reason or a course of action in common."""

    key: str
    returns: int
    accounts: int
    days: int
    mrr: Decimal


@dataclass(frozen=True)
class Returns:
    """All returns of the period, grouped; `lost` is how many were away at some time and could have come back."""

    rows: list[Return]
    whole: Group
    by_reason: list[Group]
    by_action: list[Group]
    actions: dict[int, list[str]] = field(default_factory=dict)
    names: dict[int, Account] = field(default_factory=dict)
    capped: bool = False
    missing: int = 0


def came_back(reader: Reader) -> list[Return]:
    """Every time an account had MRR again after a time without any, within the days chosen; the latest first. Raises WrongQuestion.

    A pause is an absence, too. MRR won back is that of the spans that earn as it returns, at the rate of that instant.
    """
    question = reader.question("mrr")
    params = question.params
    conditions = Conditions({"t0": question.start, "t1": question.until, "n": params["delinquency_days"], "reporting": question.currency, "zone": str(question.zone), "most": MOST})
    narrow(question, conditions, (ACCOUNT_SQL,), "%(t1)s")
    amount, earns = amount_column(params), earning_ranges(params)
    sql = f"""
        WITH several AS (
            SELECT s.account_id FROM accounts_subscription s WHERE {amount} > 0 AND s.start < %(t1)s
            GROUP BY s.account_id HAVING count(*) > 1 OR bool_or(s.paused_until IS NOT NULL)),
        ranges AS (
            SELECT s.account_id, range_agg({earns}) AS earns FROM accounts_subscription s JOIN several v ON v.account_id = s.account_id
            WHERE {amount} > 0 AND s.start < %(t1)s GROUP BY s.account_id),
        gaps AS (
            SELECT r.account_id, upper(lag(p) OVER (PARTITION BY r.account_id ORDER BY p)) AS away_from, lower(p) AS back FROM ranges r, unnest(r.earns) p)
        SELECT g.account_id, g.away_from, g.back,
               coalesce((SELECT CASE WHEN s.end = g.away_from THEN coalesce(nullif(s.end_reason, ''), '') WHEN s.paused_from = g.away_from THEN 'pause' END
                         FROM accounts_subscription s WHERE s.account_id = g.account_id AND (s.end = g.away_from OR s.paused_from = g.away_from)
                         ORDER BY s.mrr_micros DESC LIMIT 1), ''),
               a.churn_reason, w.micros / {MICROS}, w.unrated
        FROM gaps g JOIN accounts_account a ON a.id = g.account_id
        CROSS JOIN LATERAL (
            SELECT sum({amount} * {rate_at("t1").replace("%(t1)s", "g.back + interval '1 microsecond'")}) AS micros,
                   bool_or({rate_at("t1").replace("%(t1)s", "g.back + interval '1 microsecond'")} IS NULL) AS unrated
            FROM accounts_subscription s WHERE s.account_id = g.account_id AND {amount} > 0 AND {earns} @> g.back + interval '1 microsecond') w
        WHERE g.back > g.away_from + interval '60 minutes' AND g.back >= %(t0)s AND g.back < %(t1)s AND NOT a.excluded AND {conditions.sql}
        ORDER BY g.back DESC, g.account_id LIMIT %(most)s"""
    return [
        Return(account, left, back, reason or churn_reason or "", None if unrated else micros or Decimal(0))
        for account, left, back, reason, churn_reason, micros, unrated in fetch(sql, conditions.values)
    ]


def returns(reader: Reader) -> Returns:
    """The returns of the days chosen with what reached the accounts meanwhile. Raises WrongQuestion."""
    rows = came_back(reader)
    actions = _actions(rows)
    names = Account.objects.visible_to(reader.user).in_bulk([row.account for row in rows[:SHOWN]]) if reader.sees_rows else {}
    reasons = sorted({row.reason for row in rows})
    told = sorted({name for found in actions.values() for name in found})
    return Returns(
        rows, _group("", rows), _sorted(_group(reason, [row for row in rows if row.reason == reason]) for reason in reasons),
        _sorted([_group(name, [row for place, row in enumerate(rows) if name in actions.get(place, [])]) for name in told]
                + [_group("", [row for place, row in enumerate(rows) if place not in actions])]),
        actions, names, len(rows) == MOST, sum(row.mrr is None for row in rows),
    )  # fmt: skip


def _sorted(groups: Iterable[Group]) -> list[Group]:
    return sorted((group for group in groups if group.returns), key=lambda group: (-group.mrr, group.key))[:20]


def _group(key: str, rows: list[Return]) -> Group:
    return Group(
        key, len(rows), len({row.account for row in rows}), int(median(row.days for row in rows)) if rows else 0, sum((row.mrr for row in rows if row.mrr is not None), Decimal(0))
    )  # fmt: skip


def _actions(rows: list[Return]) -> dict[int, list[str]]:
    """By place in the list: the playbooks and initiatives that went on within 180 days before the return; three statements."""
    ids = {row.account for row in rows}
    if not ids:
        return {}
    reach, found = dt.timedelta(days=REACH_DAYS), dict[int, list[str]]()
    runs: dict[int, list[tuple[dt.datetime, dt.datetime | None, str]]] = {}
    tried = PlaybookRun.objects.filter(account__in=ids).exclude(status=PlaybookRun.Status.HELD_OUT)
    for account, start, end, name in tried.values_list("account", "started_at", "ended_at", "playbook__name")[:MOST]:
        runs.setdefault(account, []).append((start, end, name))
    initiatives = list(Initiative.objects.exclude(status=Initiative.Status.PLANNED)[:200])
    traits = {pk: row for pk, *row in Account.objects.filter(pk__in=ids).values_list("pk", "segment", "plan", "country", "tags")} if initiatives else {}
    for place, row in enumerate(rows):
        names = [name for start, end, name in runs.get(row.account, []) if start < row.back and (end is None or end > row.back - reach)]
        names += [
            entry.name for entry in initiatives
            if entry.starts_on <= row.back.date() and (entry.ends_on is None or entry.ends_on >= (row.back - reach).date()) and _is_for(entry, traits[row.account])
        ]  # fmt: skip
        if names:
            found[place] = sorted(set(names))
    return found


def _is_for(initiative: Initiative, traits: list[object]) -> bool:
    """Whether an account of today is in the audience; an initiative for everybody is for nobody in particular."""
    segment, plan, country, tags = traits
    if not (initiative.segment_id or initiative.plan or initiative.country or initiative.tag):
        return False
    return (
        (not initiative.segment_id or initiative.segment_id == segment)
        and (not initiative.plan or initiative.plan == plan)
        and (not initiative.country or initiative.country == country)
        and (not initiative.tag or (isinstance(tags, list) and initiative.tag in tags))
    )
