"""The shape of a shipped playbook, and short words for its steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Step = dict[str, Any]


@dataclass(frozen=True)
class Shipped:
    """A playbook every installation starts with; off until somebody switches it on.

    Name and description are English and translated where they are shown; what customers and colleagues get to read
    (mails, titles of work) is content and stands in both languages in the steps.
    """

    key: str
    name: str
    description: str
    trigger: Mapping[str, Any]
    steps: tuple[Step, ...]
    audience: Mapping[str, Any] | None = None
    exits: tuple[Mapping[str, Any], ...] = ()
    caps: Mapping[str, Any] = field(default_factory=dict)
    hold_out_percent: int = 0
    includes_churned: bool = False


def work(key: str, en: str, tr: str, **more: Any) -> Step:
    """Work for whoever looks after the account."""
    return {"key": key, "kind": "work", "title": {"en": en, "tr": tr}, **more}


def mail(key: str, subjects: tuple[str, str], bodies: tuple[str, str], **more: Any) -> Step:
    """A mail in English and Turkish."""
    return {"key": key, "kind": "mail", "subject": {"en": subjects[0], "tr": subjects[1]}, "body": {"en": bodies[0], "tr": bodies[1]}, **more}


def wait(key: str, days: int) -> Step:
    """A wait of some days."""
    return {"key": key, "kind": "wait", "days": days}


def wait_for(key: str, event: str, *, longest_days: int) -> Step:
    """A wait until something happens that has not happened when the step begins, or for so many days."""
    return {"key": key, "kind": "wait", "event": event, "since": "step", "longest_days": longest_days}


def is_(field_key: str, op: str, value: Any = None) -> dict[str, Any]:
    """A rule of one condition."""
    condition = {"field": field_key, "op": op} if value is None else {"field": field_key, "op": op, "value": value}
    return {"all": [condition]}
