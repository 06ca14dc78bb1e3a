"""When a person may be written to: a window of local hours on some weekdays, holidays left out. Pure.

Wall time is turned into instants by two rules: a local time that does not exist (clocks go forward)
is the first valid instant after it; one that exists twice (clocks go back) is the first of the two.
"""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from collections.abc import Container, Hashable
from dataclasses import dataclass

_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)
_UTC = zoneinfo.ZoneInfo("UTC")
# a window opens at least once a week, a day more for zones that skip one; the rest is for holidays in a row
_LOOK_AHEAD_DAYS = 30


@dataclass(frozen=True)
class Window:
    """Local hours [opens, closes) on ISO weekdays (1 is Monday); one that closes at or before it opens runs past midnight."""

    opens: dt.time
    closes: dt.time
    weekdays: frozenset[int]

    def __hash__(self) -> int:
        """Worked out once: windows are keys of what is remembered below."""
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.opens, self.closes, self.weekdays))

    @property
    def passes_midnight(self) -> bool:
        """Whether it closes on the day after it opens."""
        return self.closes <= self.opens


WORKING_HOURS = Window(dt.time(9), dt.time(18), frozenset({1, 2, 3, 4, 5}))


@functools.lru_cache(maxsize=2048)
def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_of(*names: str) -> zoneinfo.ZoneInfo:
    """The first of the names that is a known zone; UTC where none is."""
    for name in names:
        zone = _zone(name) if name else None
        if zone is not None:
            return zone
    return _UTC


def instant_of(wall: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The instant (UTC) of a naive local time, by the two rules above."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # the gap: fold=1 reads the time with the later offset and lands before the change, fold=0 after it
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC), first
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


@functools.lru_cache(maxsize=16_384)
def _opening(day: dt.date, zone: zoneinfo.ZoneInfo, window: Window, until_midnight: bool) -> tuple[dt.datetime, dt.datetime]:
    """When the window of a day opens and closes, at the latest at midnight where it is told so."""
    opens = instant_of(dt.datetime.combine(day, window.opens), zone)
    last_day = day + _DAY if window.passes_midnight else day
    closes = instant_of(dt.datetime.combine(last_day, window.closes), zone)
    if until_midnight and window.passes_midnight:
        closes = min(closes, instant_of(dt.datetime.combine(last_day, dt.time()), zone))
    return opens, closes


def first_decent_instant(start: dt.datetime, *, zone: zoneinfo.ZoneInfo, window: Window, days_off: Container[dt.date] = frozenset()) -> dt.datetime | None:
    """The first instant from `start` on that lies in the window and on no day off; None where there is none within a month.

    A window that runs past midnight belongs to the weekday on which it opens; on the eve of a day off it ends at midnight.
    """
    # the people of a wave share instant, zone and holidays; days off that may change have no hash and are looked at each time
    if isinstance(days_off, Hashable):
        return _first(start, zone, window, days_off)
    return _first.__wrapped__(start, zone, window, days_off)


@functools.lru_cache(maxsize=4096)
def _first(start: dt.datetime, zone: zoneinfo.ZoneInfo, window: Window, days_off: Container[dt.date]) -> dt.datetime | None:
    today = start.astimezone(zone).date()
    for offset in range(-1 if window.passes_midnight else 0, _LOOK_AHEAD_DAYS):
        day = today + offset * _DAY
        if day.isoweekday() not in window.weekdays or day in days_off:
            continue
        opens, closes = _opening(day, zone, window, window.passes_midnight and day + _DAY in days_off)
        candidate = max(start, opens)
        if candidate < closes:
            return candidate
    return None


def day_after(instant: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The midnight in this zone that follows an instant."""
    return instant_of(dt.datetime.combine(instant.astimezone(zone).date() + _DAY, dt.time()), zone)


def one_working_day_later(instant: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The same local time on the next day of Monday to Friday; from a weekend it is Monday."""
    local = instant.astimezone(zone).replace(tzinfo=None) + _DAY
    while local.isoweekday() > 5:
        local += _DAY
    return instant_of(local, zone)
