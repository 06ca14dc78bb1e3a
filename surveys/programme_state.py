"""The life of a programme (a touchpoint): which step leads from which state to which, and which changes need a second person. Pure.

    draft ──hand_in──▶ review ──approve──▶ active ◀──resume── paused
      ▲                  │                   │ ──pause──▶       │
      └────send_back─────┘                   └──end──▶ ended ◀──┘

Where approval is switched off, `activate` leads from a draft (or from review) straight to active.
A draft or one in review that nobody wants any more is ended, too. Nothing leads out of `ended`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DRAFT, REVIEW, ACTIVE, PAUSED, ENDED = "draft", "review", "active", "paused", "ended"
STATES = (DRAFT, REVIEW, ACTIVE, PAUSED, ENDED)

# step: from these states to that one
STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    "hand_in": (frozenset({DRAFT}), REVIEW),
    "send_back": (frozenset({REVIEW}), DRAFT),
    "approve": (frozenset({REVIEW}), ACTIVE),
    "activate": (frozenset({DRAFT, REVIEW}), ACTIVE),
    "pause": (frozenset({ACTIVE}), PAUSED),
    "resume": (frozenset({PAUSED}), ACTIVE),
    "end": (frozenset({DRAFT, REVIEW, ACTIVE, PAUSED}), ENDED),
}
# how a step is called once it is done (`ProgrammeStep.action`)
DONE: Mapping[str, str] = {
    "hand_in": "handed_in", "send_back": "sent_back", "approve": "approved", "activate": "activated", "pause": "paused", "resume": "resumed", "end": "ended",
}  # fmt: skip

# what a programme says, in the order in which people read it
FIELDS = (
    "name", "survey", "event_kind", "every_days", "delay_minutes", "valid_hours", "audience", "conditions", "segments", "sampling", "window_from", "window_until", "weekdays",
    "respects_holidays", "cool_down_days", "gap_days", "daily_cap", "reminder_after_days", "link_days", "priority",
)  # fmt: skip
# never changes whom we ask, when, or about what
_ALWAYS_SAFE = frozenset({"name", "priority", "link_days"})
# a larger number of these asks fewer people or less often; a smaller one of those below, too
_SAFE_UP = frozenset({"cool_down_days", "gap_days"})
_SAFE_DOWN = frozenset({"sampling"})
# with these the number itself adds (or limits), and empty means without
_SAFE_REMOVED = frozenset({"reminder_after_days"})
_SAFE_LIMIT = frozenset({"daily_cap"})


class WrongStep(ValueError):
    """A step that does not lead on from the state the programme is in."""

    def __init__(self, step: str, state: str):
        super().__init__(f"“{step}” does not lead on from “{state}”")
        self.step, self.state = step, state


def after(step: str, state: str) -> str:
    """The state a step leads to. Raises WrongStep."""
    if step not in STEPS or state not in STEPS[step][0]:
        raise WrongStep(step, state)
    return STEPS[step][1]


def steps_from(state: str) -> tuple[str, ...]:
    """The steps that lead on from a state, in the order of the table."""
    return tuple(step for step, (states, _to) in STEPS.items() if state in states)


def needs_approval(field: str, before: Any, now: Any) -> bool:
    """Whether changing a field of a running programme needs a second person.

    What can only make us ask fewer people, or the same less often, does not; nor do its name, its rank
    and how long a link lives. Whom, when, about what, and on which occasion do.
    """
    if before == now or field in _ALWAYS_SAFE:
        return False
    if field in _SAFE_UP:
        return now < before
    if field in _SAFE_DOWN:
        return now > before
    if field in _SAFE_REMOVED:
        return now is not None
    if field in _SAFE_LIMIT:
        return before is not None and (now is None or now > before)
    return True


def new_occasion(changes: Mapping[str, Any]) -> bool:
    """Whether a change makes other events trigger, so that those of before must not: activation then begins anew."""
    return bool({"event_kind", "every_days"} & changes.keys())
