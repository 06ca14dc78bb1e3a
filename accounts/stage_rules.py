"""Where an account belongs on its way through the stages, and how it does there. Pure: facts in, a stage or a standing out.

The order of stages is the way. A stage is entered by rule where its start rule holds and its end rule
does not; of several the furthest wins. Rules lead forward alone; back only where a stage that ended
leads there, or from a stage in which customers leave. `docs/lifecycle.md` is this module in words.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.translation import gettext as _

from accounts.rules import Rule, RuleFault, leaves, parse
from accounts.rules.language import Condition, Happened, field_read

MOST_GOALS = 12
# the field of the language that a stage's own rules may not ask for
OWN_FIELD = "stage"


class StageFault(ValueError):
    """Stages that cannot be: `field` names the place of the editor's form, `path` the place inside a rule."""

    def __init__(self, field: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.path = path


class StageRow(Protocol):
    """What is read of a stored stage."""

    key: str
    start_rule: Any
    end_rule: Any
    next_stage_id: str | None
    expected_days: int | None
    goals: Any
    is_leaving: bool


@dataclass(frozen=True)
class Goal:
    """A condition with a name; without a rule it could not be read and is never met."""

    key: str
    name: str
    rule: Rule | None


@dataclass(frozen=True)
class Stage:
    """A stage with its rules read; `faults` says by field what could not be read."""

    key: str
    start: Rule | None
    end: Rule | None
    leads_to: str | None
    expected_days: int | None
    goals: tuple[Goal, ...]
    is_leaving: bool
    faults: Mapping[str, str] = field(default_factory=dict, compare=False)


def read_stage(row: StageRow) -> Stage:
    """A stored stage; what cannot be read any more holds for nobody, and is told in `faults`."""
    faults: dict[str, str] = {}

    def rule(json: Any, name: str) -> Rule | None:
        if json is None:
            return None
        try:
            return parse(json)
        except RuleFault as fault:
            faults[name] = str(fault)
            return None

    start, end = rule(row.start_rule, "start_rule"), rule(row.end_rule, "end_rule")
    goals = tuple(Goal(goal["key"], goal["name"], rule(goal["rule"], f"goal:{goal['key']}")) for goal in row.goals)
    return Stage(row.key, start, end, row.next_stage_id, row.expected_days, goals, row.is_leaving, faults)


# ── What is refused ──────────────────────────────────────────────────────────


def stages_read(rule: Rule | None) -> dict[str, str]:
    """The stages that a rule names, with the place of each."""
    found: dict[str, str] = {}
    for leaf in leaves(rule.root) if rule else ():
        if isinstance(leaf, Condition) and leaf.field.key == OWN_FIELD and leaf.value is not None:
            for key in [leaf.value] if isinstance(leaf.value, str) else leaf.value:
                found.setdefault(key, f"{leaf.path}.value")
    return found


def check(stages: Sequence[Stage], edited: str) -> None:
    """Refuses what would lead in a circle, at the fields of the stage that is being edited. Raises StageFault."""
    by_key = {stage.key: stage for stage in stages}
    stage = by_key[edited]
    read = stages_read(stage.start)
    if edited in read:
        raise StageFault("start_rule", _("A start rule may not ask for its own stage."), read[edited])
    for leaf in leaves(stage.start.root) if stage.start else ():
        if isinstance(leaf, Happened) and field_read(leaf) == OWN_FIELD:
            raise StageFault("start_rule", _("This rule may not ask about “%(field)s”: it would depend on itself.") % {"field": OWN_FIELD}, f"{leaf.path}.event.kind")
    for leaf in leaves(stage.end.root) if stage.end else ():
        if field_read(leaf) == OWN_FIELD:
            place = "field" if isinstance(leaf, Condition) else "event.kind"
            raise StageFault("end_rule", _("An end rule holds inside its stage alone: it may not ask for stages."), f"{leaf.path}.{place}")
    if stage.leads_to is not None:
        if stage.end is None:
            raise StageFault("end_rule", _("A stage leads to another when its end rule is met: give it one."))
        if by_key[stage.leads_to].is_leaving:
            raise StageFault("next_stage", _("Customers are not led to where they leave; give that stage a start rule."))
    ring = _ring(edited, {one.key: [one.leads_to] if one.leads_to else [] for one in stages})
    if ring:
        raise StageFault("next_stage", _("This leads in a circle: %(stages)s.") % {"stages": " → ".join(ring)})
    ring = _ring(edited, {one.key: list(stages_read(one.start)) for one in stages})
    if ring:
        raise StageFault("start_rule", _("The start rules ask for each other in a circle: %(stages)s.") % {"stages": " → ".join(ring)}, read.get(ring[1], ""))


def _ring(start: str, edges: Mapping[str, Iterable[str]]) -> list[str]:
    """A way from a stage back to itself; empty where there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop()
        for key in edges.get(way[-1], ()):
            if key == start:
                return [*way, key]
            if key not in seen:
                seen.add(key)
                ways.append([*way, key])
    return []


# ── Where an account belongs ─────────────────────────────────────────────────


@dataclass(frozen=True)
class Holding:
    """Which rules hold for one account: stages whose end rule does, and for a start rule whether it does while in a stage (None: in none)."""

    starts: Callable[[str, str | None], bool]
    ends: Collection[str]


def holding(stages: Sequence[Stage], here: str | None, rules: Holding) -> frozenset[str]:
    """What would move an account that is in `here`: stages whose start rule holds, and its own key where its end rule does."""
    found = {stage.key for stage in stages if stage.key != here and rules.starts(stage.key, here)}
    return frozenset(found | {here} if here in rules.ends and here is not None else found)


def destination(stages: Sequence[Stage], here: str | None, rules: Holding, waiting: Collection[str] = ()) -> str | None:
    """Where the rules bring an account. `waiting` holds nothing against it in the stage it is in: what held already when a person put it there.

    Ends for every set of rules that `check` lets through: leads form no circle, what is entered by a
    start rule has not ended, and from there it goes forward alone. From where it ends, nothing moves.
    """
    places = {stage.key: place for place, stage in enumerate(stages)}
    for _hop in range(2 * len(stages) + 1):
        there = _step(stages, places, here, rules, waiting)
        if there == here:
            break
        here, waiting = there, ()
    return here


def _step(stages: Sequence[Stage], places: Mapping[str, int], here: str | None, rules: Holding, waiting: Collection[str]) -> str | None:
    stage = stages[places[here]] if here is not None else None
    ended = here is not None and here in rules.ends and here not in waiting
    back = stage is None or (stage.is_leaving and ended)
    for other in reversed(stages):
        ahead = here is None or places[other.key] > places[here]
        if other.key == here or not (ahead or (back and not other.is_leaving)):
            continue
        if other.key not in waiting and other.key not in rules.ends and rules.starts(other.key, here):
            return other.key
    return stage.leads_to if stage is not None and ended and stage.leads_to else here


# ── How it does there ────────────────────────────────────────────────────────

SUCCESSFUL, ON_TRACK, STRUGGLING, STUCK = "successful", "on_track", "struggling", "stuck"


def standing(stage: Stage, *, since: dt.datetime, now: dt.datetime, met: int, at_risk: bool) -> str:
    """The standing of an account that is in the stage since an instant, with so many goals met; empty where customers leave."""
    if stage.is_leaving:
        return ""
    if stage.goals and met >= len(stage.goals):
        return SUCCESSFUL
    if stage.expected_days is not None:
        length, gone = dt.timedelta(days=stage.expected_days), now - since
        if gone >= length:
            return STUCK
        if met < len(stage.goals) * gone // length:
            return STRUGGLING
    return STRUGGLING if at_risk else ON_TRACK


def turns_at(stage: Stage, *, since: dt.datetime, now: dt.datetime) -> dt.datetime | None:
    """When time alone may change the standing next: a further goal should be met, or the expected length is over."""
    if stage.is_leaving or stage.expected_days is None:
        return None
    parts = max(len(stage.goals), 1)
    for part in range(1, parts + 1):
        # rounded up to the microsecond: at that instant the share has passed
        instant = since - (-dt.timedelta(days=stage.expected_days) * part // parts)
        if instant > now:
            return instant
    return None
