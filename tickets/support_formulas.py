"""Rules and formulas of support: first contact, backlog, handle time, severity. Pure.

Instants are whole seconds since 1970; figures are exact Decimals, None over nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

DAY = 86_400
# channels whose contacts are calls or sessions; on the others a contact is a reply of ours
SPOKEN = frozenset({"phone", "chat"})
TIMES = ("talk", "hold", "wrap", "session", "follow_up", "work")


@dataclass(frozen=True)
class Contacts:
    """What happened between the customer and us on one issue, each list in order.

    `replies` are public replies of persons (the comment by which an agent opened the ticket is none),
    `calls` handled calls and chat sessions, `resolved_at` the first resolution, `reopened_at` the first
    reopening after it. `untimed` is the number of replies where only that number is known.
    """

    channel: str
    replies: Sequence[int] = ()
    customer_replies: Sequence[int] = ()
    calls: Sequence[int] = ()
    resolved_at: int | None = None
    reopened_at: int | None = None
    untimed: int = 0


def resolved_at_first_contact(issue: Contacts, window_days: int) -> bool | None:
    """Whether one contact resolved the issue and none followed within the window after the resolution.

    Phone: one call; chat: one session, however many replies it took; e-mail, web and social: one reply
    of ours. A phone or chat ticket without recorded calls is judged by its replies. None: not resolved.
    """
    if issue.resolved_at is None:
        return None
    over = issue.resolved_at + window_days * DAY
    if issue.reopened_at is not None and issue.reopened_at < over:
        return False
    calls = [at for at in issue.calls if at < over]
    replies = [at for at in issue.replies if at < over]
    asked_again = issue.customer_replies
    if issue.channel in SPOKEN and calls:
        first = issue.resolved_at if issue.channel == "chat" else calls[0]
        # what is sent after the talk, before the resolution, belongs to it
        return len(calls) == 1 and not any(issue.resolved_at < at for at in replies) and not any(first < at < over for at in asked_again)
    if issue.channel == "chat":
        talked = bool(issue.untimed) or any(at <= issue.resolved_at for at in replies)
        return talked and not any(issue.resolved_at < at for at in replies) and not any(issue.resolved_at < at < over for at in asked_again)
    if calls or len(replies) + issue.untimed != 1:
        return False
    return not replies or not any(replies[0] < at < over for at in asked_again)


def is_unsettled(issue: Contacts, *, opened_at: int, cancelled: bool, window_days: int, horizon: int) -> bool:
    """Whether the judgement may still change: the window of the issue is open at the horizon."""
    window = window_days * DAY
    if issue.resolved_at is None:
        return not cancelled and len(issue.replies) + len(issue.calls) <= 1 and opened_at + window > horizon
    return resolved_at_first_contact(issue, window_days) is True and issue.resolved_at + window > horizon


@dataclass(frozen=True)
class Flow:
    """What came into and went out of the open tickets between two instants."""

    opening: int
    new: int
    reopened: int
    resolved: int
    cancelled: int

    @property
    def closing(self) -> int:
        """Open at the end."""
        return self.opening + self.new + self.reopened - self.resolved - self.cancelled

    @property
    def closure_rate(self) -> Decimal | None:
        """Resolved for each that came; None where none came."""
        came = self.new + self.reopened
        return Decimal(self.resolved) / came if came else None


def handle_seconds(channel: str, times: Mapping[str, int | None], *, concurrency: Decimal | None = None) -> Decimal | None:
    """Handle time of one contact: call talk + hold + wrap, chat session + follow-up, else work; None where nothing was measured.

    With a concurrency (chats held at once) a chat's time is divided by it.
    """
    names = {"phone": TIMES[:3], "chat": TIMES[3:5]}.get(channel, TIMES[5:])
    known = [value for name in names if (value := times.get(name)) is not None]
    if not known:
        return None
    seconds = Decimal(sum(known))
    return seconds / concurrency if channel == "chat" and concurrency else seconds


def mean_handle_time(total: Decimal, contacts: int) -> Decimal | None:
    """All handle time / handled contacts, never a mean of means."""
    return Decimal(total) / contacts if contacts else None


def mean_severity(counts: Mapping[int, int]) -> Decimal | None:
    """Sum of levels / tickets with a level, from counts by level."""
    tickets = sum(counts.values())
    return Decimal(sum(level * count for level, count in counts.items())) / tickets if tickets else None
