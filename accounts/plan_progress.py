"""How far an onboarding plan is: which milestones have started, when all that is required was done. Pure.

Everything follows from when steps were done, so that taking one back takes back what it caused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StepState:
    """What matters of a step: whether the plan waits for it, and when it was done."""

    required: bool
    done_at: dt.datetime | None


@dataclass(frozen=True)
class Progress:
    """When each milestone started (None: not yet), when the last required step was done (None: not all are), and the counts."""

    starts: tuple[dt.datetime | None, ...]
    completed_at: dt.datetime | None
    required: int
    required_done: int

    @property
    def percent(self) -> int:
        """Whole percent of the required steps, rounded down so that 100 means all."""
        return 100 * self.required_done // self.required if self.required else 100


def progress_of(started_at: dt.datetime, milestones: Sequence[Sequence[StepState]]) -> Progress:
    """The progress of a plan whose milestones hold these steps, in order.

    A milestone starts when every required step of all before it is done, at the instant of the last of
    them and never before the plan. A plan without a required step is never completed by itself.
    """
    starts: list[dt.datetime | None] = []
    reached: dt.datetime | None = started_at
    for steps in milestones:
        starts.append(reached)
        for step in steps:
            if step.required and reached is not None:
                reached = None if step.done_at is None else max(reached, step.done_at)
    needed = [step for steps in milestones for step in steps if step.required]
    return Progress(tuple(starts), reached if needed else None, len(needed), sum(step.done_at is not None for step in needed))
