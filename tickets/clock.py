"""Clocks of tickets: seconds by the calendar, and seconds in which somebody is there to answer. Pure.

Hours are kept as intervals of weekdays, several a day, each in a time zone of its own; an interval
whose end is not after its beginning passes midnight (so 00:00 to 00:00 is a whole day). On a holiday
no clock runs from midnight to midnight, whichever day's interval reaches into it. Everything is
computed on instants, so that days of 23 and 25 hours count as what they are.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

DAY = dt.timedelta(days=1)
# how far a due time may lie ahead (or a cutoff back) before the hours count as never open
HORIZON_DAYS = 3660

Span = tuple[dt.datetime, dt.datetime]


class NeverOpen(ValueError):
    """The hours do not hold the time asked for within ten years."""


@dataclass(frozen=True)
class Interval:
    """Hours of one weekday (1 is Monday) on the clocks of a zone."""

    weekday: int
    opens: dt.time
    closes: dt.time
    zone: str = "UTC"


def overlap(first: Interval, second: Interval) -> bool:
    """Whether two intervals of one zone share time in the week; one may pass midnight, and Sunday's into Monday."""
    return first.zone == second.zone and any(a < d and c < b for a, b in _in_week(first) for c, d in _in_week(second))


def _in_week(interval: Interval) -> list[tuple[int, int]]:
    """The interval as seconds from Monday midnight, cut where the week ends."""
    begin = (interval.weekday - 1) * 86400 + _of_day(interval.opens)
    end = begin + ((_of_day(interval.closes) - _of_day(interval.opens)) % 86400 or 86400)
    week = 7 * 86400
    return [(begin, end)] if end <= week else [(begin, week), (0, end - week)]


def _of_day(time: dt.time) -> int:
    return time.hour * 3600 + time.minute * 60 + time.second


@dataclass(frozen=True)
class Hours:
    """A week of intervals and the days without any."""

    week: tuple[Interval, ...]
    holidays: frozenset[dt.date] = field(default_factory=frozenset)

    def business_seconds(self, start: dt.datetime, end: dt.datetime) -> int:
        """Whole seconds of open hours in `[start, end)`; 0 where the end is not after the start."""
        return sum(int((b - a).total_seconds()) for a, b in self.spans(_whole(start), _whole(end)))

    def spans(self, start: dt.datetime, end: dt.datetime) -> Iterator[Span]:
        """The open stretches inside `[start, end)`, in order, apart, in UTC."""
        if end <= start:
            return
        day, last = start.date(), end.date()
        while day <= last:
            for opens, closes in _open_on(self, day):
                a, b = max(opens, start), min(closes, end)
                if a < b:
                    yield a, b
            day += DAY

    def add(self, start: dt.datetime, seconds: int) -> dt.datetime:
        """The first instant by which `seconds` of open hours have passed since `start`.

        Raises NeverOpen where ten years do not hold them, ValueError for a negative number.
        """
        if seconds < 0:
            raise ValueError("Business seconds are added forwards only.")
        start = _whole(start)
        left = dt.timedelta(seconds=seconds)
        if not left:
            return start
        for opens, closes in self.spans(start, start + dt.timedelta(days=HORIZON_DAYS)):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        raise NeverOpen

    def back(self, end: dt.datetime, seconds: int) -> dt.datetime:
        """The last instant since which `seconds` of open hours had passed at `end`.

        Whatever began then or earlier has waited at least that long. Raises NeverOpen, ValueError as `add`.
        """
        if seconds < 0:
            raise ValueError("Business seconds are taken off backwards only.")
        end = _whole(end)
        left = dt.timedelta(seconds=seconds)
        if not left:
            return end
        day, earliest = end.date(), (end - dt.timedelta(days=HORIZON_DAYS)).date()
        while day >= earliest:
            for opens, closes in reversed(_open_on(self, day)):
                closes = min(closes, end)
                if closes - opens >= left:
                    return closes - left
                left -= max(closes - opens, dt.timedelta(0))
            day -= DAY
        raise NeverOpen


def calendar_seconds(start: dt.datetime, end: dt.datetime) -> int:
    """Whole seconds from `start` to `end`; 0 where the end is not after the start."""
    return max(0, int((_whole(end) - _whole(start)).total_seconds()))


def elapsed(start: dt.datetime, end: dt.datetime, *, hours: Hours | None) -> int:
    """Seconds between two instants: by the hours, or by the calendar where there are none."""
    return calendar_seconds(start, end) if hours is None else hours.business_seconds(start, end)


def due(start: dt.datetime, seconds: int, *, hours: Hours | None) -> dt.datetime:
    """When a promise of so many seconds falls due. Raises NeverOpen."""
    return _whole(start) + dt.timedelta(seconds=seconds) if hours is None else hours.add(start, seconds)


@dataclass(frozen=True)
class Promise:
    """Where a promised time stands: due at an instant, or resting with seconds left."""

    due_at: dt.datetime | None
    left_seconds: int | None = None


def promise(opened: dt.datetime, seconds: int, rests: Sequence[tuple[dt.datetime, dt.datetime | None]], *, hours: Hours | None) -> Promise:
    """When `seconds` after `opened` are over, if the clock rests in `rests` (in order; the last may be without end).

    A promise that was broken before a rest stays broken: its instant stands. Raises NeverOpen.
    """
    runs_from, left = opened, seconds
    for rest_from, rest_to in rests:
        run = elapsed(runs_from, rest_from, hours=hours)
        if run >= left:
            break
        left -= run
        if rest_to is None:
            return Promise(None, left)
        runs_from = rest_to
    return Promise(due(runs_from, left, hours=hours))


@dataclass(frozen=True)
class Standing:
    """Where a promise stands at a moment: on_time, soon, late, resting, kept or broken.

    `seconds` is what is left (negative: what it is over), by the calendar; for a resting clock what
    is left of its own kind of seconds.
    """

    state: str
    due_at: dt.datetime | None
    seconds: int
    opened: dt.datetime | None = None
    # from when on it is soon, if it is still running
    soon_from: dt.datetime | None = None


def standing(
    *, opened: dt.datetime, due_at: dt.datetime | None, now: dt.datetime, kept_at: dt.datetime | None = None, left_seconds: int | None = None, over: bool = False,
    near_from: dt.datetime | None = None,
) -> Standing | None:  # fmt: skip
    """Where a promise stands; None where none was made, or where the ticket ended without it.

    Soon is from `near_from` on, else the last quarter of the time given by the calendar. Over: the ticket is not open any more.
    """
    if due_at is None:
        if left_seconds is None:
            return None
        return Standing("kept" if kept_at else "resting", None, left_seconds)
    if kept_at is not None:
        seconds = int((due_at - kept_at).total_seconds())
        return Standing("kept" if seconds >= 0 else "broken", due_at, seconds)
    seconds = int((due_at - now).total_seconds())
    if over:
        return None
    soon_from = near_from or due_at - (due_at - opened) / 4
    if seconds < 0:
        return Standing("late", due_at, seconds, opened, soon_from)
    return Standing("soon" if now >= soon_from else "on_time", due_at, seconds, opened, soon_from)


def _whole(instant: dt.datetime) -> dt.datetime:
    """The instant in UTC without the part of a second, so that sums of parts are exact."""
    return instant.astimezone(dt.UTC).replace(microsecond=0)


@lru_cache(maxsize=64)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def _instant(day: dt.date, wall: dt.time, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """What a wall clock shows, as an instant: the first time it shows it, and where it skips that time, the moment of the skip."""
    first = dt.datetime.combine(day, wall, zone).astimezone(dt.UTC)
    second = dt.datetime.combine(day, wall, zone).replace(fold=1).astimezone(dt.UTC)
    if second >= first:
        return first
    early, late = second, first
    before = early.astimezone(zone).utcoffset()
    while late - early > dt.timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def _of_interval(interval: Interval, holidays: frozenset[dt.date], day: dt.date) -> Iterator[Span]:
    """What one interval gives on one calendar day: its own evening, or the morning after the day before."""
    zone = _zone(interval.zone)
    if day in holidays:
        return
    midnight = _instant(day, dt.time(), zone), _instant(day + DAY, dt.time(), zone)
    over_midnight = interval.closes <= interval.opens
    if day.isoweekday() == interval.weekday:
        yield _instant(day, interval.opens, zone), midnight[1] if over_midnight else _instant(day, interval.closes, zone)
    if over_midnight and (day - DAY).isoweekday() == interval.weekday:
        yield midnight[0], _instant(day, interval.closes, zone)


@lru_cache(maxsize=8192)
def _parts(hours: Hours, day: dt.date) -> tuple[Span, ...]:
    return tuple(sorted(span for interval in hours.week for span in _of_interval(interval, hours.holidays, day) if span[0] < span[1]))


@lru_cache(maxsize=8192)
def _open_on(hours: Hours, day: dt.date) -> tuple[Span, ...]:
    """The open stretches that begin on this day of UTC, joined where they meet, none of them twice.

    A wall day of any zone touches three days of UTC; a stretch is cut at midnight UTC and given to
    the day that it lies in, so that walking over days meets every second once.
    """
    begin = dt.datetime.combine(day, dt.time(), dt.UTC)
    end = begin + DAY
    found = sorted((max(a, begin), min(b, end)) for near in (day - DAY, day, day + DAY) for a, b in _parts(hours, near) if a < end and b > begin)
    joined: list[Span] = []
    for a, b in found:
        if joined and a <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(b, joined[-1][1])
        else:
            joined.append((a, b))
    return tuple(joined)
