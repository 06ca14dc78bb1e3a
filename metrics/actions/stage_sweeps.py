"""Bringing accounts into the stages that rules say, and their standing there up to date: listed accounts, those whose time came, or everybody.

Written is only what changes, so a second sweep does nothing. Whoever was put into a stage by a person, an
import or the API stays: what held already at the first look afterwards waits (`held`) until it held no
more and holds anew, or until somebody lets the rules decide.

Health comes first: rules read the snapshot that it writes. What changed is found where health finds it
(`recompute_marked`); time alone is in `turns_at` and in the daily round over everybody.
"""

from __future__ import annotations

import datetime as dt
import time
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.stages import Judged, Move, keep_stays, keys_array, move_by_rules
from accounts.models import Heartbeat, StageStay
from accounts.models.snapshots import Band
from accounts.stage_rules import Stage, standing, turns_at
from metrics.lifecycle.statements import LISTED, RANGE, Seen, StageRules, look, stage_rules

LIST_AT_MOST = 2_000
RANGE_SIZE = 5_000
# of those whose time came, in one turn
TURNED_AT_MOST = 20_000
# how far the round over everybody has come: day, digest of the rules, next account
PART = "metrics.stages"
_LOCK = "hashtext('vefa.stages')"


@dataclass
class Swept:
    """What a sweep came to."""

    looked_at: int = 0
    moved: int = 0
    judged: int = 0

    def add(self, other: Swept) -> None:
        """Takes in the figures of one more batch."""
        self.looked_at += other.looked_at
        self.moved += other.moved
        self.judged += other.judged


def _today(now: dt.datetime) -> dt.date:
    return now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()


def _batch(rules: StageRules, scope: str, values: dict[str, Any], *, now: dt.datetime) -> Swept:
    """One scope, inside the caller's transaction."""
    today = _today(now)
    rows = look(rules, scope, values, now=now, today=today)
    # whoever changed a stage without telling: the history follows
    untold = [row.account_id for row in rows if row.stage != row.stay_stage]
    if untold:
        stages = rules.by_key
        judged = {row.account_id: _judged(stages[row.stage], row, since=now, now=now) for row in rows if row.stage is not None and row.stage != row.stay_stage}
        keep_stays(account_ids=untold, reason=StageStay.Reason.KNOWN, now=now, judged=judged)
        rows = look(rules, scope, values, now=now, today=today)
    moves: list[Move] = []
    for row in rows:
        there = row.destination(rules.stages)
        if there is not None and there != row.stage:
            moves.append((row.account_id, row.stage, there))
    moved = move_by_rules(moves, now=now)
    if moved:
        gone = set(moved)
        rows = [row for row in rows if row.account_id not in gone] + look(rules, LISTED, {"ids": moved}, now=now, today=today)
    return Swept(len(rows), len(moved), _judge(rules, rows, now))


_JUDGE = """
UPDATE accounts_stagestay m SET goals_met = w.goals::text[], standing = w.standing, turns_at = w.turns, held = w.held::text[]
FROM unnest(%(ids)s::bigint[], %(goals)s::text[], %(standings)s::text[], %(turns)s::timestamptz[], %(held)s::text[]) w(id, goals, standing, turns, held)
WHERE m.id = w.id AND m.valid_to IS NULL
"""


def _judged(stage: Stage, row: Seen, *, since: dt.datetime, now: dt.datetime) -> Judged:
    """How an account does in the stage it is in since an instant."""
    goals = sorted(row.goals)
    return goals, standing(stage, since=since, now=now, met=len(goals), at_risk=row.band == Band.AT_RISK), turns_at(stage, since=since, now=now)


def _judge(rules: StageRules, rows: Iterable[Seen], now: dt.datetime) -> int:
    """Keeps goals met, standing, its next turn and what waits, where any of it differs; returns how many did."""
    stages, found = rules.by_key, []
    for row in rows:
        if row.stay_id is None or row.since is None or row.stage is None:
            continue
        (goals, verdict, turn), waits = _judged(stages[row.stage], row, since=row.since, now=now), row.waits(rules.stages)
        if (goals, verdict, turn, waits) != (sorted(row.goals_met or []), row.standing, row.turns_at, row.held if waits is not None else None):
            found.append((row.stay_id, keys_array(goals), verdict, turn, None if waits is None else keys_array(waits)))
    if found:
        ids, met, verdicts, turns, held = (list(column) for column in zip(*found, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(_JUDGE, {"ids": ids, "goals": met, "standings": verdicts, "turns": turns, "held": held})
    return len(found)


# ── Listed accounts ──────────────────────────────────────────────────────────


def sweep_stages(*, account_ids: Iterable[int], now: dt.datetime) -> Swept:
    """Brings these accounts where the rules say and judges how they do there."""
    ids, rules, done = sorted(set(account_ids)), stage_rules(), Swept()
    for start in range(0, len(ids), LIST_AT_MOST):
        with transaction.atomic():
            _lock()
            done.add(_batch(rules, LISTED, {"ids": ids[start : start + LIST_AT_MOST]}, now=now))
    return done


def _lock() -> None:
    # batches wait for each other: two never write the same stays in different orders
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


def sweep_turned(*, now: dt.datetime) -> Swept:
    """Those whose time came: a goal should be met by now, or the expected length is over."""
    turned = list(StageStay.objects.filter(valid_to__isnull=True, turns_at__lte=now).order_by("turns_at").values_list("account_id", flat=True)[:TURNED_AT_MOST])
    return sweep_stages(account_ids=turned, now=now) if turned else Swept()


# ── Everybody ────────────────────────────────────────────────────────────────


def sweep_everybody(*, now: dt.datetime, seconds: float | None = None) -> Swept:
    """All accounts in ranges, each its own transaction; begins anew where the rules changed or a day began, goes on where it stopped.

    Without `seconds` it runs to the end.
    """
    until = None if seconds is None else time.monotonic() + seconds
    done = Swept()
    while True:
        with transaction.atomic():
            _lock()
            rules = stage_rules()
            place = {"day": _today(now).isoformat(), "digest": rules.digest}
            kept = Heartbeat.objects.filter(part=PART).values_list("detail", flat=True).first() or {}
            low, high = _ends()
            start = kept["next"] if {name: kept.get(name) for name in place} == place else low
            if start is None or high is None or start > high:
                _keep(place | {"next": (high or 0) + 1}, now)
                return done
            start = max(start, low or 0)
            done.add(_batch(rules, RANGE, {"low": start, "high": start + RANGE_SIZE - 1}, now=now))
            _keep(place | {"next": start + RANGE_SIZE}, now)
        if until is not None and time.monotonic() > until:
            return done


def _ends() -> tuple[int | None, int | None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM accounts_account")
        return cursor.fetchone()


def _keep(detail: dict[str, Any], now: dt.datetime) -> None:
    Heartbeat.objects.update_or_create(part=PART, defaults={"beaten_at": now, "detail": detail})


def sweep_due(*, now: dt.datetime, health_done: bool, seconds: float) -> Swept:
    """What the beat asks for: whose time came; everybody where rules changed, where a round is under way, or on a new day if any rule counts days."""
    done = sweep_turned(now=now)
    rules, kept = stage_rules(), Heartbeat.objects.filter(part=PART).values_list("detail", flat=True).first() or {}
    changed, new_day = kept.get("digest") != rules.digest, kept.get("day") != _today(now).isoformat()
    under_way = kept.get("next", 0) <= (_ends()[1] or 0)
    if changed or under_way or (new_day and health_done and rules.moves_with_time):
        done.add(sweep_everybody(now=now, seconds=seconds))
    return done
