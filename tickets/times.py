"""How long things took on one ticket, from its log: each in seconds of the calendar and of the business hours. Pure.

The life of a ticket is cut at its moves; every second between the opening and the last resolution lies
in one state. So requester wait, agent wait, on hold and the time it stood resolved (before it was
reopened) together are the full resolution time, in either kind of seconds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from tickets.clock import Hours, calendar_seconds, elapsed
from tickets.state import OPEN_STATES, RESOLVED_STATES, State

# who is waiting while a ticket stands in a state: the customer for us, we for the customer, both for somebody else
WAITS_IN = {
    State.NEW: "requester_wait", State.OPEN: "requester_wait", State.PENDING: "agent_wait", State.ON_HOLD: "on_hold", State.SOLVED: "stood_resolved",
    State.CLOSED: "stood_resolved",
}  # fmt: skip


@dataclass(frozen=True)
class Lasted:
    """One length of time in seconds: by the calendar, and in business hours (the calendar where nobody entered hours)."""

    calendar: int
    business: int

    def __add__(self, other: Lasted) -> Lasted:
        """Both kinds added."""
        return Lasted(self.calendar + other.calendar, self.business + other.business)


@dataclass(frozen=True)
class Log:
    """What the lengths are worked out from; instants in any zone.

    `moves` are (instant, state before, state after) in order. Without any, the columns of an import
    say what is known: `resolved_at` for a ticket that stands resolved and was never reopened.
    """

    opened_at: dt.datetime
    status: str
    first_replied_at: dt.datetime | None = None
    moves: Sequence[tuple[dt.datetime, str, str]] = ()
    resolved_at: dt.datetime | None = None
    reopened: bool = False


@dataclass(frozen=True)
class Times:
    """The lengths of one ticket; None until both ends of a length exist, or where they are not known.

    A wait is the sum of its stretches that have ended. On a resolved ticket all have, so that a wait
    it never had is 0 there; before, it is None.
    """

    first_reply: Lasted | None = None
    requester_wait: Lasted | None = None
    agent_wait: Lasted | None = None
    on_hold: Lasted | None = None
    stood_resolved: Lasted | None = None
    first_resolution: Lasted | None = None
    full_resolution: Lasted | None = None

    def named(self) -> list[tuple[str, Lasted | None]]:
        """Name and length, in the order of the fields."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def times(log: Log, *, hours: Hours | None) -> Times:
    """The lengths of a ticket by its log; `hours` are those in force when it was opened."""

    def lasted(start: dt.datetime, end: dt.datetime) -> Lasted:
        return Lasted(calendar_seconds(start, end), elapsed(start, end, hours=hours))

    first_reply = lasted(log.opened_at, log.first_replied_at) if log.first_replied_at else None
    moves = [(max(at, log.opened_at), before, after) for at, before, after in log.moves]
    if not moves:
        return _of_columns(log, first_reply, lasted)
    if moves[0][1] not in {*OPEN_STATES, ""}:
        # the log begins when the ticket was over already: where it stood before is not known
        return Times(first_reply=first_reply)
    resolved = log.status in RESOLVED_STATES
    found: dict[str, Lasted] = {name: Lasted(0, 0) for name in WAITS_IN.values()} if resolved else {}
    first_resolution = full_resolution = None
    since, state = log.opened_at, str(State.NEW)
    for at, _before, after in moves:
        if after in RESOLVED_STATES and state in RESOLVED_STATES:
            state = after
            continue
        stretch = lasted(since, at)
        if state in WAITS_IN:
            found[WAITS_IN[state]] = found.get(WAITS_IN[state], Lasted(0, 0)) + stretch
        if after in RESOLVED_STATES:
            full_resolution = lasted(log.opened_at, at)
            first_resolution = first_resolution or full_resolution
        since, state = at, after
    return Times(first_reply=first_reply, first_resolution=first_resolution, full_resolution=full_resolution if resolved else None, **found)


def _of_columns(log: Log, first_reply: Lasted | None, lasted: Callable[[dt.datetime, dt.datetime], Lasted]) -> Times:
    """What an import of present states tells: the resolution, where it was the only one."""
    if log.resolved_at is None or log.status not in RESOLVED_STATES:
        return Times(first_reply=first_reply)
    full = lasted(log.opened_at, log.resolved_at)
    return Times(first_reply=first_reply, first_resolution=None if log.reopened else full, full_resolution=full)
