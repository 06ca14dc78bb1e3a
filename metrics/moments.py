"""An instant and the days it implies in the organisation's zone. Pure."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Any

WINDOW_DAYS = 28
RECENT_DAYS = 90
BEFORE_DAYS = 28


@dataclass(frozen=True)
class Moment:
    """A recompute as of an instant: only what is dated before it has happened.

    `day` is the day the score is for: midnight belongs to the day that ends there. `t_date` is the
    date at the instant: usage counts in complete days before it, renewals in days from it.
    """

    as_of: dt.datetime
    now: dt.datetime
    zone: str
    day: dt.date
    t_date: dt.date
    day_start: dt.datetime
    today: dt.date

    @classmethod
    def at(cls, *, as_of: dt.datetime, now: dt.datetime, zone: str) -> Moment:
        """Raises ValueError for instants without an offset, ZoneInfoNotFoundError for an unknown zone."""
        if as_of.tzinfo is None or now.tzinfo is None:
            raise ValueError("an instant needs an offset from UTC")
        tz = zoneinfo.ZoneInfo(zone)
        day = (as_of.astimezone(dt.UTC) - dt.timedelta(microseconds=1)).astimezone(tz).date()
        return cls(
            as_of=as_of, now=now, zone=zone, day=day, t_date=as_of.astimezone(tz).date(),
            day_start=dt.datetime.combine(day, dt.time(), tz), today=now.astimezone(tz).date(),
        )  # fmt: skip

    @property
    def live(self) -> bool:
        """Nothing has happened after the instant yet."""
        return self.as_of >= self.now

    @property
    def replaces(self) -> bool:
        """The day is not over, so its row may be replaced."""
        return self.day >= self.today

    @property
    def parameters(self) -> dict[str, Any]:
        """What the statement of `metrics/sql/health.py` calls them."""
        usage_from = self.t_date - dt.timedelta(days=2 * WINDOW_DAYS)
        return {
            "as_of": self.as_of, "now": self.now, "zone": self.zone, "day": self.day, "t_date": self.t_date, "day_start": self.day_start,
            "usage_from": usage_from, "usage_split": self.t_date - dt.timedelta(days=WINDOW_DAYS),
            "year_before": usage_from - dt.timedelta(days=365), "recent": self.as_of - dt.timedelta(days=RECENT_DAYS),
        }  # fmt: skip
