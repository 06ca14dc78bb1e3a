"""How fast mails may leave: buckets as plain figures. Pure: stored buckets and an instant in, slots out.

Mails leave evenly: a bucket holds one mail's worth at most, and whoever takes more gets later slots.
So in any stretch of t seconds at most `rate * t + 1` mails have their slot, however many senders ask.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CAPACITY = 1.0
# a slot further away than this is not waited for: the mail goes back into the queue until then
PATIENCE = dt.timedelta(seconds=10)
# of a day's mails, kept for replies and account access
URGENT_SHARE = 0.02
FIRST_REST, LONGEST_REST = 5, 300
# what a server says when it wants less from us: of itself, and of the place the mail goes to
SERVER_BUSY = frozenset({421, 429, 454})
DOMAIN_BUSY = frozenset({450, 451, 452})


@dataclass
class Bucket:
    """One bucket: its limits (None: none of its own) and its state. `tokens` below zero are slots given away ahead of time."""

    name: str
    rate: float | None = None
    per_day: int | None = None
    tokens: float = CAPACITY
    filled_at: dt.datetime | None = None
    day: dt.date | None = None
    sent_today: int = 0
    rests_until: dt.datetime | None = None
    rest_seconds: int = 0


@dataclass(frozen=True)
class Slot:
    """When a mail may leave; with a reason it is too far off (or another day) to wait for."""

    at: dt.datetime
    reason: str = ""  # rests, day_full, rate


def refill(bucket: Bucket, *, now: dt.datetime, today: dt.date) -> None:
    """Brings a bucket up to `now` and to its day; a clock that went back changes nothing."""
    if bucket.rate is not None:
        if bucket.filled_at is None:
            bucket.tokens = CAPACITY
        else:
            bucket.tokens = min(CAPACITY, bucket.tokens + max(0.0, (now - bucket.filled_at).total_seconds()) * bucket.rate)
    bucket.filled_at = now if bucket.filled_at is None else max(now, bucket.filled_at)
    if bucket.day is None or bucket.day < today:
        bucket.day, bucket.sent_today = today, 0


def slots(buckets: Mapping[str, Bucket], wanted: Sequence[Sequence[str]], *, now: dt.datetime, today: dt.date, next_day: dt.datetime, urgent: bool = False) -> list[Slot]:
    """A slot for each mail, in order; `wanted` names the buckets a mail passes. Changes the buckets.

    Slots with a reason take nothing from any bucket.
    """
    for bucket in buckets.values():
        refill(bucket, now=now, today=today)
    # how many mails before this one were sent back, so that they come again one after the other
    turned_away: dict[str, int] = {}
    return [_slot([buckets[name] for name in dict.fromkeys(names)], turned_away, now=now, next_day=next_day, urgent=urgent) for names in wanted]


def _slot(passed: list[Bucket], turned_away: dict[str, int], *, now: dt.datetime, next_day: dt.datetime, urgent: bool) -> Slot:
    resting = [bucket.rests_until for bucket in passed if bucket.rests_until is not None and bucket.rests_until > now]
    if resting:
        return Slot(max(resting), "rests")
    for bucket in passed:
        if bucket.per_day is not None and bucket.sent_today >= bucket.per_day - (0 if urgent else int(bucket.per_day * URGENT_SHARE)):
            return Slot(next_day, "day_full")
    if any(bucket.rate is not None and bucket.rate <= 0 for bucket in passed):
        return Slot(next_day, "rate")
    at = now
    for bucket in passed:
        if bucket.rate is not None:
            assert bucket.filled_at is not None
            missing = max(0.0, 1.0 - bucket.tokens + turned_away.get(bucket.name, 0))
            if missing:
                at = max(at, bucket.filled_at + dt.timedelta(seconds=missing / bucket.rate))
    if at - now > PATIENCE:
        for bucket in passed:
            turned_away[bucket.name] = turned_away.get(bucket.name, 0) + 1
        return Slot(at, "rate")
    for bucket in passed:
        bucket.sent_today += 1
        if bucket.rate is not None:
            bucket.tokens -= 1.0
    return Slot(at)


def longer_rest(rest_seconds: int) -> int:
    """How long a bucket rests when the server asks for it once more."""
    return min(LONGEST_REST, max(FIRST_REST, 2 * rest_seconds))


def receiving_domain(address: str) -> str:
    """The part behind the last @, in small letters."""
    return address.rpartition("@")[2].strip().lower()[:253]
