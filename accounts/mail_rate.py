"""How fast mails may leave: buckets as plain figures. Pure: stored buckets and an instant in, slots out.

Mails leave evenly: a bucket holds one mail's worth at most, and whoever takes more gets later slots.
So in any stretch of t seconds at most `rate * t + 1` mails have their slot, however many senders ask.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# the bucket that every mail passes
ALL = "all"
# a slot further away than this is not waited for: the mail goes back into the queue until then
PATIENCE = dt.timedelta(seconds=10)
# nor is one that would leave the slots of everything else empty for so long
LARGEST_GAP = dt.timedelta(seconds=1)
# of a day's mails, kept for replies and account access
URGENT_SHARE = 0.02
FIRST_REST, LONGEST_REST = 5, 300
# what a server says when it wants less from us: of itself, and of the place the mail goes to
SERVER_BUSY = frozenset({421, 429, 454})
DOMAIN_BUSY = frozenset({450, 451, 452})


@dataclass
class Bucket:
    """One bucket: its limits (None: none of its own) and its state.

    `full_at` is the instant at which it holds a mail's worth again; ahead of now, slots were given away until then.
    """

    name: str
    rate: float | None = None
    per_day: int | None = None
    full_at: dt.datetime | None = None
    day: dt.date | None = None
    sent_today: int = 0
    rests_until: dt.datetime | None = None
    rest_seconds: int = 0
    # slots of this batch that were passed over because the mail's receiver was not free yet
    gaps: list[dt.datetime] = field(default_factory=list)

    @property
    def spacing(self) -> dt.timedelta:
        """The time between two mails; only where there is a rate."""
        assert self.rate
        return dt.timedelta(seconds=1 / self.rate)

    def is_full_for(self, *, urgent: bool) -> bool:
        """Whether its day takes no more; the last few are for what is urgent."""
        return self.per_day is not None and self.sent_today >= self.per_day - (0 if urgent else int(self.per_day * URGENT_SHARE))


@dataclass(frozen=True)
class Slot:
    """When a mail may leave; with a reason it is too far off (or another day) to wait for."""

    at: dt.datetime
    reason: str = ""  # rests, day_full, rate


def slots(buckets: Mapping[str, Bucket], wanted: Sequence[Sequence[str]], *, now: dt.datetime, today: dt.date, next_day: dt.datetime, urgent: bool = False) -> list[Slot]:
    """A slot for each mail, in order; `wanted` names the buckets a mail passes. Changes the buckets.

    Slots with a reason take nothing from any bucket.
    """
    for bucket in buckets.values():
        if bucket.day is None or bucket.day < today:
            bucket.day, bucket.sent_today = today, 0
        bucket.full_at = now if bucket.full_at is None else max(now, bucket.full_at)
    # when those that were sent back come again, one after the other
    promised: dict[str, dt.datetime] = {}
    return [_slot([buckets[name] for name in dict.fromkeys(names)], promised, now=now, next_day=next_day, urgent=urgent) for names in wanted]


def _slot(passed: list[Bucket], promised: dict[str, dt.datetime], *, now: dt.datetime, next_day: dt.datetime, urgent: bool) -> Slot:
    resting = [bucket.rests_until for bucket in passed if bucket.rests_until is not None and bucket.rests_until > now]
    if resting:
        return Slot(max(resting), "rests")
    if any(bucket.is_full_for(urgent=urgent) for bucket in passed):
        return Slot(next_day, "day_full")
    limited = [bucket for bucket in passed if bucket.rate is not None]
    if any((bucket.rate or 0) <= 0 for bucket in limited):
        return Slot(next_day, "rate")
    everything = next((bucket for bucket in limited if bucket.name == ALL), None)
    narrow = [bucket for bucket in limited if bucket is not everything]
    free = max((bucket.full_at for bucket in narrow if bucket.full_at is not None), default=now)
    at, gaps = (free, []) if everything is None else _first_free(everything, free)
    if at - now > PATIENCE or (len(gaps) > 1 and gaps[-1] - gaps[0] > LARGEST_GAP):
        slowest = max(limited, key=lambda bucket: bucket.full_at or now)
        at = max(at, promised.get(slowest.name, at))
        promised[slowest.name] = at + slowest.spacing
        return Slot(at, "rate")
    for bucket in passed:
        bucket.sent_today += 1
    for bucket in narrow:
        bucket.full_at = at + bucket.spacing
    if everything is not None:
        if at in everything.gaps:
            everything.gaps.remove(at)
        else:
            everything.gaps += gaps
            everything.full_at = at + everything.spacing
    return Slot(at)


def _first_free(bucket: Bucket, earliest: dt.datetime) -> tuple[dt.datetime, list[dt.datetime]]:
    """The first slot of a bucket from `earliest` on, and the slots before it that nobody has then."""
    found = next((gap for gap in bucket.gaps if gap >= earliest), None)
    if found is not None:
        return found, []
    assert bucket.full_at is not None
    skipped = max(0, math.ceil((earliest - bucket.full_at) / bucket.spacing))
    if skipped * bucket.spacing > LARGEST_GAP + bucket.spacing:
        # too far off to be taken: its ends are enough to tell
        return bucket.full_at + skipped * bucket.spacing, [bucket.full_at, bucket.full_at + skipped * bucket.spacing]
    return bucket.full_at + skipped * bucket.spacing, [bucket.full_at + number * bucket.spacing for number in range(skipped)]


def longer_rest(rest_seconds: int) -> int:
    """How long a bucket rests when the server asks for it once more."""
    return min(LONGEST_REST, max(FIRST_REST, 2 * rest_seconds))


def receiving_domain(address: str) -> str:
    """The part behind the last @, in small letters."""
    return address.rpartition("@")[2].strip().lower()[:253]
