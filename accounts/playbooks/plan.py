"""A checked version of a playbook: its trigger, its steps in order, its caps; all defaults filled in. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

END = "end"


@dataclass(frozen=True)
class Caps:
    """How often it may start: `per_account` runs of an account in `days` days, `at_once` of them at a time, `per_day` over all accounts."""

    per_account: int = 1
    days: int = 30
    per_day: int | None = None
    at_once: int = 1


@dataclass(frozen=True)
class Step:
    """One step; `following` is the key of the step after it, `end` for none. `condition` is a rule or None."""

    key: str
    kind: str
    following: str
    body: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    condition: Mapping[str, Any] | None = None

    def goes_to(self) -> list[str]:
        """Every key that may come after it."""
        if self.kind == "stop":
            return [END]
        if self.kind == "branch":
            return [*(branch["go"] for branch in self.body["branches"]), self.body["otherwise"]]
        if self.kind == "wait" and self.body.get("otherwise"):
            return [self.following, self.body["otherwise"]]
        return [self.following]


@dataclass(frozen=True)
class Plan:
    """What a version does."""

    trigger: Mapping[str, Any]
    steps: tuple[Step, ...]
    audience: Mapping[str, Any] | None = None
    exits: tuple[Mapping[str, Any], ...] = ()
    caps: Caps = Caps()
    hold_out_percent: int = 0

    def step(self, key: str) -> Step | None:
        """The step of a key; None for the end and for a key there is not."""
        return next((step for step in self.steps if step.key == key), None)

    def position(self, key: str) -> int:
        """The place of a step from 0; the number of steps for the end."""
        return next((place for place, step in enumerate(self.steps) if step.key == key), len(self.steps))

    @property
    def first(self) -> str:
        """The key of the first step."""
        return self.steps[0].key if self.steps else END

    def outline(self) -> list[dict[str, str]]:
        """Key, kind and title of each step, for lists."""
        return [{"key": step.key, "kind": step.kind, "title": step.title or title_of(step)} for step in self.steps]


def title_of(step: Step) -> str:
    """What a step is called where nobody named it: its own text, else nothing."""
    text = step.body.get("title") or step.body.get("subject") or ""
    return text if isinstance(text, str) else str(next(iter(text.values()), ""))


def words_for(text: str | Mapping[str, str], language: str) -> str:
    """A text in a language, else in its main part, else in English, else in any."""
    if isinstance(text, str):
        return text
    for code in (language, language.split("-")[0], "en"):
        if text.get(code):
            return text[code]
    return next(iter(text.values()), "")


def is_held_out(playbook_key: str, account_id: int, percent: int) -> bool:
    """Whether an account belongs to the group that a playbook leaves alone; the same on every day and for every version of equal percent.

    The starts ask the same of the database (`HELD_OUT_SQL`).
    """
    return int(hashlib.md5(f"{playbook_key}:{account_id}".encode(), usedforsecurity=False).hexdigest()[:7], 16) % 10_000 < percent * 100


HELD_OUT_SQL = "('x' || substr(md5(%(playbook_key)s || ':' || {account}), 1, 7))::bit(28)::int %% 10000 < %(hold_out)s * 100"
