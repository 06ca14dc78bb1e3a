"""What a run does next: asked of the plan, the step it stands at, and what is known of the account. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from accounts.playbooks.plan import Step
from accounts.playbooks.reading import LONGEST_DAYS

# how often a branch that waits asks its rules again; events wake it at once
ASK_AGAIN = dt.timedelta(hours=1)


class Facts(Protocol):
    """What a step may ask about the account of a run."""

    def fits(self, rule: Mapping[str, Any]) -> bool:
        """Whether the account fits a rule now."""

    def happened(self, event: Mapping[str, Any], *, since: str, step_since: dt.datetime) -> bool:
        """Whether an event came since the run began, or since the step did."""

    def instant_of(self, field: str, days: int) -> dt.datetime | None:
        """The beginning of the day so many days after a date of the account; None where it has none."""


@dataclass(frozen=True)
class Decision:
    """`act` (do the step, then go on), `go` (nothing to do but to log and go on), `skip`, or `wait` until `due_at`."""

    what: str
    going: str = ""
    reason: str = ""
    due_at: dt.datetime | None = None


def decide(step: Step, facts: Facts, *, since: dt.datetime, now: dt.datetime) -> Decision:
    """What becomes of a step at which the run stands since an instant."""
    if step.condition is not None and not facts.fits(step.condition):
        return Decision("skip", step.following, "condition")
    if step.kind == "wait":
        return _wait(step, facts, since, now)
    if step.kind == "branch":
        return _branch(step, facts, since, now)
    if step.kind == "stop":
        return Decision("go", "end", "stop")
    return Decision("act", step.following)


def _wait(step: Step, facts: Facts, since: dt.datetime, now: dt.datetime) -> Decision:
    body = step.body
    if "event" in body:
        ends = since + dt.timedelta(days=body["longest_days"])
        if facts.happened(body, since=body["since"], step_since=since):
            return Decision("go", step.following, "event")
        return Decision("go", body["otherwise"] or step.following, "longest_wait") if now >= ends else Decision("wait", due_at=ends)
    if "until" in body:
        instant = facts.instant_of(body["until"]["field"], body["until"]["days"])
        if instant is None:
            return Decision("skip", step.following, "no_date")
        ends = min(instant, since + dt.timedelta(days=LONGEST_DAYS))
        # a date may move while the run waits for it
        return Decision("go", step.following, "date") if now >= ends else Decision("wait", due_at=min(ends, now + dt.timedelta(days=1)))
    ends = since + dt.timedelta(days=body["days"], hours=body["hours"])
    return Decision("go", step.following, "time") if now >= ends else Decision("wait", due_at=ends)


def _branch(step: Step, facts: Facts, since: dt.datetime, now: dt.datetime) -> Decision:
    body = step.body
    for number, branch in enumerate(body["branches"]):
        when = branch["when"]
        if facts.happened(when, since=when["since"], step_since=since) if "event" in when else facts.fits(when):
            return Decision("go", branch["go"], f"branch_{number + 1}")
    ends = since + dt.timedelta(days=body["longest_days"])
    if now >= ends:
        return Decision("go", body["otherwise"], "otherwise")
    asks = any("event" not in branch["when"] for branch in body["branches"])
    return Decision("wait", due_at=min(ends, now + ASK_AGAIN) if asks else ends)


def awaited(step: Step) -> list[Mapping[str, Any]]:
    """The events that may move a run on from a step."""
    if step.kind == "wait" and "event" in step.body:
        return [step.body]
    if step.kind == "branch":
        return [branch["when"] for branch in step.body["branches"] if "event" in branch["when"]]
    return []
