"""What rules of stages say about accounts, as one statement over a range or a list of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from accounts.models import LifecycleStage, StageStay
from accounts.rules import Rule, compile_where, moves_with_time
from accounts.stage_rules import Holding, Stage, destination, holding, read_stage

RANGE = "a.id BETWEEN %(low)s AND %(high)s"
LISTED = "a.id = ANY(%(ids)s::bigint[])"
# what a person, an import or the API chose stands against what held at that moment
CHOSEN = frozenset({StageStay.Reason.HAND, StageStay.Reason.IMPORT, StageStay.Reason.API})


@dataclass(frozen=True)
class StageRules:
    """All stages in their order, with a digest that changes when any of their rules does."""

    stages: tuple[Stage, ...]
    digest: str

    @property
    def by_key(self) -> dict[str, Stage]:
        """Stages by their key."""
        return {stage.key: stage for stage in self.stages}

    @property
    def moves_with_time(self) -> bool:
        """Whether days alone may change what a rule or a goal says."""
        rules = [rule for stage in self.stages for rule in (stage.start, stage.end, *(goal.rule for goal in stage.goals))]
        return any(moves_with_time(rule) for rule in rules if rule)


def stage_rules(rows: Iterable[LifecycleStage] | None = None) -> StageRules:
    """The rules as stored, or those of the stages given instead, in their order."""
    found = list(LifecycleStage.objects.all() if rows is None else rows)
    spelled = [[row.key, row.start_rule, row.end_rule, row.next_stage_id, row.expected_days, row.goals, row.is_leaving] for row in found]
    digest = hashlib.sha256(json.dumps([settings.REPORTING_CURRENCY, spelled], sort_keys=True, default=str).encode()).hexdigest()
    return StageRules(tuple(read_stage(row) for row in found), digest)


class Seen(NamedTuple):
    """One account as the rules see it. `starts` and `asking` tell which start rules hold; `goals` are those of its stage that are met."""

    account_id: int
    stage: str | None
    stay_id: int | None
    stay_stage: str | None
    since: dt.datetime | None
    reason: str | None
    held: list[str] | None
    goals_met: list[str] | None
    standing: str | None
    turns_at: dt.datetime | None
    band: str
    starts: list[str]
    asking: list[str]
    ends: list[str]
    goals: list[str]

    def holding(self) -> Holding:
        """As the pure rules ask for it."""
        starts, asking = frozenset(self.starts), frozenset(self.asking)
        return Holding(lambda key, here: key in starts or f"{key} {here or ''}" in asking, frozenset(self.ends))

    def waits(self, stages: Sequence[Stage]) -> list[str] | None:
        """What waits from this look on: where a person chose the stage, what held at the first look and ever since; None where nothing can wait."""
        if self.reason not in CHOSEN:
            return None
        holds = holding(stages, self.stage, self.holding())
        return sorted(holds if self.held is None else holds & set(self.held))

    def destination(self, stages: Sequence[Stage]) -> str | None:
        """Where the rules bring the account."""
        return destination(stages, self.stage, self.holding(), self.waits(stages) or ())


def _sql(rule: Rule, prefix: str, values: dict[str, Any]) -> str:
    text, params = compile_where(rule, alias="a", snapshot="s", prefix=prefix)
    values |= params
    return text


def _listed(arms: Sequence[str]) -> str:
    return f"array_remove(ARRAY[{', '.join(arms)}]::text[], NULL)" if arms else "ARRAY[]::text[]"


def seen_statement(rules: StageRules, scope: str, *, with_goals: bool = True) -> tuple[str, dict[str, Any]]:
    """The statement and what it binds besides `now`, `today` and what the scope binds. Columns as in `Seen`; without goals no goal is met."""
    values: dict[str, Any] = {"stage_keys": [None, *(stage.key for stage in rules.stages)]}
    starts, asking, ends, goals = [], [], [], []
    for number, stage in enumerate(rules.stages):
        key = f"stage_{number}"
        values[key] = stage.key
        if stage.start is not None:
            text = _sql(stage.start, f"s{number}_", values)
            if "a.lifecycle_stage_id" in text:
                # the rule asks for the stage: asked for every stage the account may come from, so that a way of several stages is one look
                asked = text.replace("a.lifecycle_stage_id", "v.key")
                asking.append(f"ARRAY(SELECT %({key})s::text || ' ' || coalesce(v.key, '') FROM unnest(%(stage_keys)s::text[]) v(key) WHERE {asked})")
            else:
                starts.append(f"CASE WHEN {text} THEN %({key})s END")
        if stage.end is not None:
            ends.append(f"CASE WHEN {_sql(stage.end, f'e{number}_', values)} THEN %({key})s END")
        mine = []
        for place, goal in enumerate(stage.goals if with_goals else ()):
            if goal.rule is not None:
                values[f"goal_{number}_{place}"] = goal.key
                mine.append(f"CASE WHEN {_sql(goal.rule, f'g{number}_{place}_', values)} THEN %(goal_{number}_{place})s END")
        if mine:
            goals.append(f"WHEN a.lifecycle_stage_id = %({key})s THEN {_listed(mine)}")
    text = f"""
SELECT a.id, a.lifecycle_stage_id, m.id, m.stage_id, m.valid_from, m.reason, m.held, m.goals_met, m.standing, m.turns_at, s.band,
    {_listed(starts)}, {" || ".join(asking) or "ARRAY[]::text[]"}, {_listed(ends)}, {f"CASE {' '.join(goals)} ELSE ARRAY[]::text[] END" if goals else "ARRAY[]::text[]"}
FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id LEFT JOIN accounts_stagestay m ON m.account_id = a.id AND m.valid_to IS NULL
WHERE {scope} ORDER BY a.id"""
    return text, values


def look(rules: StageRules, scope: str, values: dict[str, Any], *, now: dt.datetime, today: dt.date) -> list[Seen]:
    """The accounts of the scope as the rules see them."""
    text, bound = seen_statement(rules, scope)
    with connection.cursor() as cursor:
        cursor.execute(text, {**bound, **values, "now": now, "today": today})
        return [Seen._make(row) for row in cursor.fetchall()]


def look_alike(rules: StageRules, scope: str, values: dict[str, Any], *, now: dt.datetime, today: dt.date, taken_in: str = "") -> list[tuple[Seen, list[int]]]:
    """Accounts that the rules cannot tell apart as one of them each, with the ids of all; without goals.

    With `taken_in` only those that the start rule of that stage holds for. Of many accounts there are few kinds,
    so that deciding costs next to nothing.
    """
    more: dict[str, Any] = {}
    start = rules.by_key[taken_in].start if taken_in else None
    if start is not None:
        scope += f" AND {_sql(start, 't_', more)}"
    text, bound = seen_statement(rules, scope, with_goals=False)
    text = f"""
SELECT stage, reason, held, starts, asking, ends, array_agg(id)
FROM ({text}) AS seen(id, stage, stay, stay_stage, since, reason, held, goals_met, standing, turns_at, band, starts, asking, ends, goals)
GROUP BY 1, 2, 3, 4, 5, 6"""
    with connection.cursor() as cursor:
        cursor.execute(text, {**bound, **more, **values, "now": now, "today": today})
        return [
            (Seen(0, stage, None, stage, None, reason, held, None, None, None, "", starts, asking, ends, []), ids)
            for stage, reason, held, starts, asking, ends, ids in cursor.fetchall()
        ]  # fmt: skip
