"""Playbooks that start each other in a circle: what the steps of one change, and whose triggers wait for that. Pure.

A step's change reaches a trigger directly (a stage, an owner, a date that was written), or through the rules of
segments and stages that read what was changed. What takes a person in between (an answer, a touch) is no circle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.playbooks.plan import Plan, Step
from accounts.playbooks.reading import is_attribute

# the fields of rules that a step's field changes, where they are called differently
_FIELDS = {"lifecycle_stage": "stage"}


@dataclass(frozen=True)
class Ways:
    """What the rules of segments (in their order) and stages read: `(key, fields)`."""

    segments: Sequence[tuple[str, frozenset[str]]] = ()
    stages: Sequence[tuple[str, frozenset[str]]] = ()


@dataclass(frozen=True)
class Actor:
    """A playbook that is switched on, or about to be."""

    key: str
    name: str
    plan: Plan


@dataclass(frozen=True)
class Hop:
    """That a step of one playbook starts another."""

    source: Actor
    place: int
    step: Step
    target: Actor


def changes_of(step: Step, ways: Ways) -> frozenset[str]:
    """What a step changes: `field:tags`, `stage:active` (entered), `segment:vip` (entered or left), `event:work.opened`."""
    body = step.body
    if step.kind == "work":
        return frozenset({"event:work.opened"})
    if step.kind == "survey":
        return frozenset({"event:survey.requested", "event:survey.sent", "event:survey.reminded"})
    if step.kind == "tag":
        found = {"field:tags"}
    elif step.kind == "field":
        name = str(body["field"])
        found = {f"field:{_FIELDS.get(name, name)}"} | ({f"stage:{body['value']}"} if name == "lifecycle_stage" else set())
    else:
        return frozenset()
    while True:
        more = found | _through_rules(found, ways)
        if more == found:
            return frozenset(found)
        found = more


def _through_rules(found: set[str], ways: Ways) -> set[str]:
    """What moves by rule where these things change: a segment by its own rule and by every one before it, a stage by its own."""
    read = {change.removeprefix("field:") for change in found if change.startswith("field:")}
    more: set[str] = set()
    touched = False
    for key, fields in ways.segments:
        touched = touched or bool(fields & read)
        if touched:
            more |= {f"segment:{key}", "field:segment"}
    for key, fields in ways.stages:
        if fields & read:
            more |= {f"stage:{key}", "field:stage"}
    return more


def starts(changes: frozenset[str], trigger: Mapping[str, Any]) -> bool:
    """Whether a trigger may fire where these things change."""
    kind = trigger["kind"]
    if kind == "segment":
        return f"segment:{trigger['segment']}" in changes
    if kind == "stage":
        return f"stage:{trigger['stage']}" in changes
    if kind == "date":
        return is_attribute(trigger["field"]) and f"field:{trigger['field']}" in changes
    if kind != "event":
        return False
    event, where = trigger["event"], trigger["where"]
    if event == "owner.changed":
        return "field:owner" in changes
    if event in {"stage.changed", "segment.changed"}:
        noun = event.partition(".")[0]
        wanted = where.get(noun)
        keys = {str(key) for key in (wanted if isinstance(wanted, list) else [wanted])} if wanted is not None else None
        return any(change.startswith(f"{noun}:") and (keys is None or change.partition(":")[2] in keys) for change in changes)
    return f"event:{event}" in changes


def circle_of(actor: Actor, others: Sequence[Actor], ways: Ways) -> list[Hop]:
    """The shortest way from a playbook over others back to itself, hop by hop; empty where there is none."""
    everybody = [actor, *(other for other in others if other.key != actor.key)]
    waiting: deque[list[Hop]] = deque(_hops(actor, everybody, ways))
    seen: set[str] = set()
    while waiting:
        way = waiting.popleft()
        reached = way[-1].target
        if reached.key == actor.key:
            return way
        if reached.key in seen:
            continue
        seen.add(reached.key)
        waiting.extend([*way, *step] for step in _hops(reached, everybody, ways))
    return []


def _hops(source: Actor, everybody: Sequence[Actor], ways: Ways) -> list[list[Hop]]:
    found = []
    for place, step in enumerate(source.plan.steps):
        changes = changes_of(step, ways)
        found += [[Hop(source, place, step, target)] for target in everybody if changes and starts(changes, target.plan.trigger)]
    return found
