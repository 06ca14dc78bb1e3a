"""Drawing lots that fall the same way on every run: samples, turns in a rhythm, days of a week. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal


def hash_share(salt: str, contact_id: int, period: str) -> Decimal:
    """A number in [0, 1), the same on every run for the same salt, contact and period."""
    digest = hashlib.sha256(f"{salt}:{contact_id}:{period}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big")) / Decimal(2**64)


def phase(salt: str, contact_id: int, every_days: int) -> int:
    """The day of a recurring touchpoint's round on which this contact's turn is; spreads a base evenly."""
    digest = hashlib.md5(f"{salt}:{contact_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:7], 16) % every_days


def weekday_shift(salt: str, contact_id: int, starts_on: dt.date, weekdays: frozenset[int]) -> dt.timedelta:
    """How long a round that starts on a day without a window waits, so that its people spread over the days that have one."""
    if starts_on.isoweekday() in weekdays or not weekdays:
        return dt.timedelta(0)
    choices = [days for days in range(1, 8) if (starts_on + dt.timedelta(days=days)).isoweekday() in weekdays]
    return dt.timedelta(days=choices[int(hash_share(salt, contact_id, f"weekday {starts_on}") * len(choices))])
