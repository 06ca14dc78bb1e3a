"""When a person may be written to: a window of local hours on some weekdays. Pure.

Wall time is turned into instants by two rules: a local time that does not exist (clocks go forward)
is the first valid instant after it; one that exists twice (clocks go back) is the first of the two.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass

_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)
# a window opens at least once a week; a day more for zones that skip one
_LOOK_AHEAD_DAYS = 9


@dataclass(frozen=True)
class Window:
    """Local hours [opens, closes) on ISO weekdays (1 is Monday); one that closes at or before it opens runs past midnight."""

    opens: dt.time
    closes: dt.time
    weekdays: frozenset[int]


WORKING_HOURS = Window(dt.time(9), dt.time(18), frozenset({1, 2, 3, 4, 5}))


def zone_of(*names: str) -> zoneinfo.ZoneInfo:
    """The first of the names that is a known zone; UTC where none is."""
    for name in names:
        if not name:
            continue
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return zoneinfo.ZoneInfo("UTC")


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


def first_decent_instant(start: dt.datetime, *, zone: zoneinfo.ZoneInfo, window: Window) -> dt.datetime | None:
    """The first instant from `start` on that lies in the window; None where it never opens."""
    today = start.astimezone(zone).date()
    for offset in range(-1, _LOOK_AHEAD_DAYS):
        day = today + offset * _DAY
        if day.isoweekday() not in window.weekdays:
            continue
        opens = instant_of(dt.datetime.combine(day, window.opens), zone)
        last_day = day if window.closes > window.opens else day + _DAY
        closes = instant_of(dt.datetime.combine(last_day, window.closes), zone)
        candidate = max(start, opens)
        if candidate < closes:
            return candidate
    return None


def one_working_day_later(instant: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The same local time on the next day of Monday to Friday; from a weekend it is Monday."""
    local = instant.astimezone(zone).replace(tzinfo=None) + _DAY
    while local.isoweekday() > 5:
        local += _DAY
    return instant_of(local, zone)
