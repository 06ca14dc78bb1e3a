"""Accounts whose score moved by some points in some days, with what moved it.

The accounts are walked in the order of what is at stake, a bounded stretch a page, and each is asked for
its score of that day by the key of the history; nothing is counted and nothing read in full.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from metrics.explained import ChangeRow, explain_since
from metrics.models import HealthModel, HealthScore

PAGE = 50
# accounts looked at for one page; a page may be short, and then goes on behind them
STRETCH = 5_000
# a day without a run is stood in for by the last one of the week before it
NEAR_DAYS = 7
CAUSES = 3
# a part that moved the score by less than half a point says nothing
WORTH_SAYING = 0.5

_MOVED = """
WITH stretch AS MATERIALIZED (
    SELECT s.account_id, s.stake_micros, s.health, s.band, s.segment_id, s.owner_id, s.scored_on
    FROM accounts_accountsnapshot s WHERE s.health IS NOT NULL AND s.scored_on IS NOT NULL {whose} {cursor}
    ORDER BY s.stake_micros DESC, s.account_id LIMIT %(stretch)s),
hits AS (
    SELECT x.*, h.day, h.score FROM stretch x
    CROSS JOIN LATERAL (SELECT o.day, o.score FROM metrics_healthscore o WHERE o.account_id = x.account_id AND o.day <= %(then)s AND o.day > %(oldest)s
                        ORDER BY o.day DESC LIMIT 1) h
    WHERE {direction} ORDER BY x.stake_micros DESC, x.account_id LIMIT %(limit)s)
SELECT i.account_id, a.name, a.plan, i.segment_id, u.name, i.stake_micros, i.health, i.band, i.scored_on, i.day, i.score
FROM hits i JOIN accounts_account a ON a.id = i.account_id LEFT JOIN accounts_user u ON u.id = i.owner_id
UNION ALL (SELECT account_id, NULL, '', NULL, NULL, stake_micros, NULL, '', NULL, NULL, NULL FROM stretch ORDER BY stake_micros, account_id DESC LIMIT 1)
UNION ALL SELECT count(*), NULL, '', NULL, NULL, -1, NULL, '', NULL, NULL, NULL FROM stretch
"""
_DIRECTIONS = {
    "": "abs(x.health - h.score) >= %(least)s",
    "down": "h.score - x.health >= %(least)s",
    "up": "x.health - h.score >= %(least)s",
}
_SCORES = """
SELECT h.account_id, h.day, h.model_id, h.score, h.band, h.confidence, h.raws, h.contributions
FROM unnest(%s::bigint[], %s::date[]) AS p(account_id, day) JOIN metrics_healthscore h ON h.account_id = p.account_id AND h.day = p.day
"""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One account: its score now and then in hundredths, and the parts that moved it most, the largest first."""

    account_id: int
    name: str
    plan: str
    segment_id: int | None
    owner: str | None
    stake_micros: int
    health: int
    band: str
    then: dt.date
    score_then: int
    causes: list[ChangeRow]

    @property
    def points(self) -> int:
        """Whole points up or down, as the two scores are shown."""
        return (self.health + 50) // 100 - (self.score_then + 50) // 100


@dataclass(frozen=True, kw_only=True)
class MovedPage:
    """The rows of a page, the cursor behind it (empty: nothing is left), and how many accounts were looked at."""

    rows: list[Moved]
    after: str
    looked_at: int


def moved(*, owners: Sequence[int] | None, points: int, days: int, today: dt.date, direction: str = "", after: str = "") -> MovedPage:
    """Accounts of these owners (None: everybody's) whose score is at least `points` away from that of `days` before, most at stake first.

    Four statements: the accounts, both sides of their scores, the models with their components.
    """
    then = today - dt.timedelta(days=days)
    values: dict[str, Any] = {
        "owners": list(owners or ()), "stretch": STRETCH, "limit": PAGE + 1, "least": points * 100, "then": then, "oldest": then - dt.timedelta(days=NEAR_DAYS),
    }  # fmt: skip
    cursor_sql, place = "", _place(after)
    if place is not None:
        cursor_sql = "AND s.stake_micros <= %(stake)s AND (s.stake_micros < %(stake)s OR s.account_id > %(account)s)"
        values |= {"stake": place[0], "account": place[1]}
    whose = "" if owners is None else "AND s.owner_id = ANY(%(owners)s)"
    with connection.cursor() as cursor:
        cursor.execute(_MOVED.format(whose=whose, cursor=cursor_sql, direction=_DIRECTIONS[direction]), values)
        answer = cursor.fetchall()
    hits = [row for row in answer if row[1] is not None]
    looked_at = next(row[0] for row in answer if row[5] == -1 and row[1] is None)
    end = next(((row[5], row[0]) for row in answer if row[1] is None and row[5] != -1), None)
    more, hits = len(hits) > PAGE, hits[:PAGE]
    last = (hits[-1][5], hits[-1][0]) if more else end if looked_at == STRETCH else None
    causes = _causes(hits)
    rows = [
        Moved(
            account_id=row[0], name=row[1], plan=row[2], segment_id=row[3], owner=row[4], stake_micros=row[5], health=row[6], band=row[7], then=row[9],
            score_then=row[10], causes=causes.get(row[0], []),
        )
        for row in hits
    ]  # fmt: skip
    return MovedPage(rows=rows, after=f"{last[0]}~{last[1]}" if last else "", looked_at=looked_at)


def _place(after: str) -> tuple[int, int] | None:
    stake, _mark, account = after.partition("~")
    fits = stake.isascii() and stake.isdecimal() and len(stake) < 19 and account.isascii() and account.isdecimal() and len(account) < 19
    return (int(stake), int(account)) if fits else None


def _causes(hits: Sequence[tuple[Any, ...]]) -> dict[int, list[ChangeRow]]:
    """The strongest parts of each change, as the account's own page explains it."""
    if not hits:
        return {}
    pairs = [(row[0], day) for row in hits for day in (row[8], row[9])]
    with connection.cursor() as cursor:
        cursor.execute(_SCORES, [[account for account, _day in pairs], [day for _account, day in pairs]])
        names = ("account_id", "day", "model_id", "score", "band", "confidence", "raws", "contributions")
        scores = {(row[0], row[1]): HealthScore(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()}
    models = {model.pk: model for model in HealthModel.objects.filter(pk__in={score.model_id for score in scores.values()}).prefetch_related("components")}
    found: dict[int, list[ChangeRow]] = {}
    for row in hits:
        new, old = scores.get((row[0], row[8])), scores.get((row[0], row[9]))
        if new is None or old is None or new.model_id not in models or old.model_id not in models:
            continue
        change = explain_since(new, models[new.model_id], old, models[old.model_id])
        moving = [part for part in change.rows if part.direction and float(part.width) >= WORTH_SAYING]
        # what pulled the other way stands behind what moved it
        found[row[0]] = sorted(moving, key=lambda part: (part.direction != change.direction, -float(part.width)))[:CAUSES]
    return found
