"""The outline of an onboarding plan: milestones with their steps, read from JSON and checked. Pure but for words.

[{"name": "Kick-off", "steps": [{"name": "Meet", "details": "", "required": true, "side": "us",
  "visible": true, "due_days": 3, "rule": {...} or null}]}]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.rules import RuleFault, parse

MOST_MILESTONES = 12
MOST_STEPS = 20
LONGEST_WAIT = 250
_STEP_KEYS = frozenset({"name", "details", "required", "side", "visible", "due_days", "rule"})


class OutlineFault(ValueError):
    """What cannot be read, and where: a path such as `0.steps.2.due_days`."""

    def __init__(self, path: str, message: str):
        self.path, self.message = path, message
        super().__init__(f"{path}: {message}")


@dataclass(frozen=True, kw_only=True)
class StepOutline:
    """A step as a template has it; `due_days` are working days after its milestone starts, None without a date."""

    name: str
    details: str = ""
    required: bool = True
    side: str = "us"
    visible: bool = True
    due_days: int | None = None
    rule: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The form in which it is stored."""
        return {"name": self.name, "details": self.details, "required": self.required, "side": self.side, "visible": self.visible, "due_days": self.due_days, "rule": self.rule}


@dataclass(frozen=True)
class MilestoneOutline:
    """A milestone and its steps, in order."""

    name: str
    steps: tuple[StepOutline, ...]

    def as_json(self) -> dict[str, Any]:
        """The form in which it is stored."""
        return {"name": self.name, "steps": [step.as_json() for step in self.steps]}


def read_outline(stored: Any) -> tuple[MilestoneOutline, ...]:
    """The milestones. Raises OutlineFault for the first thing that does not fit."""
    if not isinstance(stored, list) or not stored:
        raise OutlineFault("", _("A plan has at least one milestone."))
    if len(stored) > MOST_MILESTONES:
        raise OutlineFault("", _("A plan has at most %(count)s milestones.") % {"count": MOST_MILESTONES})
    milestones = tuple(_milestone(entry, str(number)) for number, entry in enumerate(stored))
    if not any(step.required for milestone in milestones for step in milestone.steps):
        raise OutlineFault("0.steps", _("At least one step is required: without one a plan is never done."))
    return milestones


def _milestone(entry: Any, path: str) -> MilestoneOutline:
    if not isinstance(entry, Mapping):
        raise OutlineFault(path, _("A milestone has a name and steps."))
    steps = entry.get("steps")
    if not isinstance(steps, list) or not steps:
        raise OutlineFault(f"{path}.steps", _("A milestone has at least one step."))
    if len(steps) > MOST_STEPS:
        raise OutlineFault(f"{path}.steps", _("A milestone has at most %(count)s steps.") % {"count": MOST_STEPS})
    return MilestoneOutline(_words(entry, "name", path, 120), tuple(_step(step, f"{path}.steps.{number}") for number, step in enumerate(steps)))


def _step(entry: Any, path: str) -> StepOutline:
    if not isinstance(entry, Mapping) or set(entry) - _STEP_KEYS:
        raise OutlineFault(path, _("A step has these parts and no others: %(names)s.") % {"names": ", ".join(sorted(_STEP_KEYS))})
    side = entry.get("side", "us")
    if side not in {"us", "customer"}:
        raise OutlineFault(f"{path}.side", _("A step is ours or the customer's."))
    visible = _flag(entry, "visible", path)
    if side == "customer" and not visible:
        raise OutlineFault(f"{path}.visible", _("What the customer does has to be shown to the customer."))
    due_days = entry.get("due_days")
    if due_days is not None and (not isinstance(due_days, int) or isinstance(due_days, bool) or not 0 <= due_days <= LONGEST_WAIT):
        raise OutlineFault(f"{path}.due_days", _("Days lie between 0 and %(most)s.") % {"most": LONGEST_WAIT})
    return StepOutline(
        name=_words(entry, "name", path, 200), details=_words(entry, "details", path, 500, empty=True), required=_flag(entry, "required", path), side=side, visible=visible,
        due_days=due_days, rule=_rule(entry.get("rule"), f"{path}.rule"),
    )  # fmt: skip


def _rule(stored: Any, path: str) -> dict[str, Any] | None:
    if not stored:
        return None
    try:
        parse(stored)
    except RuleFault as fault:
        raise OutlineFault(f"{path}.{fault.path}" if fault.path else path, fault.message) from fault
    return dict(stored)


def _words(entry: Mapping[str, Any], key: str, path: str, most: int, *, empty: bool = False) -> str:
    text = entry.get(key, "")
    if not isinstance(text, str) or (not text.strip() and not empty):
        raise OutlineFault(f"{path}.{key}", _("A name is missing here."))
    text = " ".join(text.split())
    if len(text) > most:
        raise OutlineFault(f"{path}.{key}", _("At most %(most)s letters.") % {"most": most})
    return text


def _flag(entry: Mapping[str, Any], key: str, path: str) -> bool:
    value = entry.get(key, True)
    if not isinstance(value, bool):
        raise OutlineFault(f"{path}.{key}", _("Yes or no."))
    return value
