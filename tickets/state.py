"""The states of a ticket and the moves between them, in one table. Pure."""

from __future__ import annotations


class State:
    """The states by name."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    SOLVED = "solved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({State.NEW, State.OPEN, State.PENDING, State.ON_HOLD})
RESOLVED_STATES = frozenset({State.SOLVED, State.CLOSED})

# from -> where it may go. Closed is final but for a reopening by a person; cancelled is final.
MOVES: dict[str, frozenset[str]] = {
    State.NEW: frozenset({State.OPEN, State.PENDING, State.ON_HOLD, State.SOLVED, State.CANCELLED}),
    State.OPEN: frozenset({State.PENDING, State.ON_HOLD, State.SOLVED, State.CANCELLED}),
    State.PENDING: frozenset({State.OPEN, State.ON_HOLD, State.SOLVED, State.CANCELLED}),
    State.ON_HOLD: frozenset({State.OPEN, State.PENDING, State.SOLVED, State.CANCELLED}),
    State.SOLVED: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset({State.OPEN}),
    State.CANCELLED: frozenset(),
}


class ImpossibleMove(ValueError):
    """A move that the table does not have."""

    def __init__(self, before: str, after: str):
        self.before, self.after = before, after
        allowed = ", ".join(sorted(MOVES[before])) or "nothing"
        super().__init__(f"A ticket that is {before} cannot become {after}; allowed: {allowed}.")


def check_move(before: str, after: str) -> None:
    """Raises ImpossibleMove unless the table allows it; KeyError for an unknown state."""
    if after not in MOVES:
        raise KeyError(after)
    if after not in MOVES[before]:
        raise ImpossibleMove(before, after)


def is_reopening(before: str, after: str) -> bool:
    """Whether a resolved ticket becomes open again."""
    return before in RESOLVED_STATES and after in OPEN_STATES
