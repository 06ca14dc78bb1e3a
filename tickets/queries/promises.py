"""Where the promises of tickets stand, read off their columns."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tickets.actions.clocks import Promises
from tickets.clock import Standing, standing
from tickets.models import Ticket
from tickets.models.tickets import NO_DUE
from tickets.state import OPEN_STATES

# nothing is counted further on a page
COUNT_CAP = 1001


@dataclass
class Row:
    """One ticket of a list with its nearest promise."""

    ticket: Ticket
    promise: Standing | None


def nearest_promise(ticket: Ticket, now: dt.datetime, promises: Promises | None = None) -> Standing | None:
    """The promise that matters now: of an open ticket the nearer one, None where nothing was promised."""
    found = [
        held
        for held in (promise_of(ticket, "first_reply", now, promises), promise_of(ticket, "resolution", now, promises))
        if held is not None and held.state in {"late", "soon", "on_time", "resting"}
    ]
    return min(found, key=lambda held: held.due_at or NO_DUE) if found else None


def promise_of(ticket: Ticket, target: str, now: dt.datetime, promises: Promises | None = None) -> Standing | None:
    """Where the promise of the first reply or the resolution stands; None where none was made.

    With the levels (`promises`; give the ticket with its account) it is soon by the clock of its own
    level, without them by the calendar.
    """
    over = ticket.status not in OPEN_STATES
    near_from = promises.near_from(ticket, target, segment_id=ticket.account.segment_id) if promises and not over else None
    if target == "first_reply":
        return standing(opened=ticket.opened_at, due_at=ticket.first_reply_due_at, kept_at=ticket.first_replied_at, over=over, now=now, near_from=near_from)
    return standing(
        opened=ticket.opened_at, due_at=ticket.resolution_due_at, kept_at=ticket.solved_at, left_seconds=ticket.resolution_left_seconds, over=over, now=now,
        near_from=near_from,
    )  # fmt: skip
