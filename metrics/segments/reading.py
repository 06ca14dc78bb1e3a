"""The rules of all segments as statements need them: in their order, compiled, with a digest that changes when any of it does.

A rule that cannot be read any more (a field that is gone) takes nobody in and puts nobody out: who is
in its segment by rule stays, until somebody mends it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from accounts.models import Segment
from accounts.rules import Rule, RuleFault, compile_where, parse, refuse_fields

# a rule that reads this would ask for its own answer
OWN_FIELD = "segment"


@dataclass(frozen=True)
class Candidate:
    """A segment that takes accounts by a rule, or would if it could be read (`rule` is None then, `fault` says why)."""

    segment_id: int
    rule: Rule | None
    fault: str = ""


@dataclass(frozen=True)
class SegmentRules:
    """All candidates in the order in which they are asked."""

    candidates: tuple[Candidate, ...]
    digest: str
    faults: dict[int, str] = field(default_factory=dict)


def read_rule(given: Any, *, known: Mapping[str, Collection[str]] | None = None) -> Rule:
    """A segment's rule from its JSON. Raises RuleFault, also for a rule that reads segments: that would be a cycle. `known` as `parse` has it."""
    rule = parse(given, known=known)
    refuse_fields(rule, {OWN_FIELD})
    return rule


def segment_rules(changes: Iterable[Segment] | None = None) -> SegmentRules:
    """The rules as stored; `changes` are all segments as they would be, in place of the stored ones."""
    rows = Segment.objects.order_by("position", "pk") if changes is None else changes
    candidates = []
    spelled: list[Any] = [settings.REPORTING_CURRENCY]
    for row in rows:
        if row.rule is None:
            continue
        spelled.append([row.pk, row.rule])
        try:
            candidates.append(Candidate(row.pk, read_rule(row.rule)))
        except RuleFault as fault:
            candidates.append(Candidate(row.pk, None, str(fault)))
    digest = hashlib.sha256(json.dumps(spelled, sort_keys=True, default=str).encode()).hexdigest()
    return SegmentRules(tuple(candidates), digest, {entry.segment_id: entry.fault for entry in candidates if entry.fault})


def condition(entry: Candidate, place: int) -> tuple[str, dict[str, Any]]:
    """A candidate as SQL over `a`, `s` and the membership `m`, its placeholders its own by `place`."""
    if entry.rule is None:
        return f"(m.segment_id = {entry.segment_id} AND NOT m.is_override)", {}
    return compile_where(entry.rule, alias="a", snapshot="s", prefix=f"g{place}_")


def target(rules: SegmentRules, *, otherwise: str = "NULL::bigint") -> tuple[str, dict[str, Any]]:
    """The first segment whose rule matches, as arms of a CASE with `otherwise`; and what it binds besides `now` and `today`."""
    arms: list[str] = []
    values: dict[str, Any] = {}
    for place, entry in enumerate(rules.candidates):
        text, params = condition(entry, place)
        arms.append(f"WHEN {text} THEN {entry.segment_id}::bigint")
        values |= params
    return " ".join([*arms, f"ELSE {otherwise}"]), values
