"""Periods of results: named ones and chosen days, cut at midnights of the organisation's zone. Pure."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass

PRESETS = ("30d", "90d", "180d", "365d", "month", "last_month", "quarter", "last_quarter", "year", "last_year", "all")
USUAL = "90d"
# before any answer
_BEGINNING = dt.date(2000, 1, 1)


@dataclass(frozen=True)
class Period:
    """Half-open days [first, after), and the period of the same kind before it (None: there is none)."""

    name: str
    first: dt.date
    after: dt.date
    before: tuple[dt.date, dt.date] | None
    zone: zoneinfo.ZoneInfo

    @property
    def last(self) -> dt.date:
        """The last day inside."""
        return self.after - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days."""
        return (self.after - self.first).days

    @property
    def span(self) -> tuple[dt.datetime, dt.datetime]:
        """The period as instants [start, end)."""
        return midnight(self.first, self.zone), midnight(self.after, self.zone)

    @property
    def span_before(self) -> tuple[dt.datetime, dt.datetime] | None:
        """The period before as instants."""
        return (midnight(self.before[0], self.zone), midnight(self.before[1], self.zone)) if self.before else None


def midnight(day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The first moment of a day."""
    return dt.datetime.combine(day, dt.time(), tzinfo=zone)


def _months_on(day: dt.date, months: int) -> dt.date:
    """The first of the month `months` after (or before) that of a day."""
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def named(name: str, *, today: dt.date, zone: zoneinfo.ZoneInfo) -> Period:
    """A preset as of today; an unknown name is the usual 90 days. Calendar periods compare with the one before."""
    if name == "all":
        return Period(name, _BEGINNING, today + dt.timedelta(days=1), None, zone)
    unit = name.removeprefix("last_")
    if unit in {"month", "quarter", "year"}:
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        first = dt.date(today.year, (today.month - 1) // months * months + 1, 1)
        if name != unit:
            first = _months_on(first, -months)
        return Period(name, first, _months_on(first, months), (_months_on(first, -months), first), zone)
    name = name if name in PRESETS else USUAL
    days = dt.timedelta(days=int(name[:-1]))
    after = today + dt.timedelta(days=1)
    return Period(name, after - days, after, (after - 2 * days, after - days), zone)


def chosen(first: dt.date, last: dt.date, *, zone: zoneinfo.ZoneInfo) -> Period:
    """Days that were picked, both inside; turned round where they stand the wrong way."""
    first, last = max(min(first, last), _BEGINNING), max(first, last, _BEGINNING)
    after = min(last, dt.date(9000, 1, 1)) + dt.timedelta(days=1)
    first = min(first, after - dt.timedelta(days=1))
    length = after - first
    # the days before the first day a calendar can hold are none
    before = (first - length, first) if length.days < (first - dt.date(1, 1, 2)).days else None
    return Period("", first, after, before, zone)


def read(*, name: str, first: str, last: str, today: dt.date, zone: zoneinfo.ZoneInfo) -> Period:
    """What an address asks for: days (YYYY-MM-DD), else a preset; what cannot be read is left out.

    A first day alone reaches to today; a last day alone has the usual length before it.
    """
    start, end = _day(first), _day(last)
    if start is None and end is None:
        return named(name, today=today, zone=zone)
    end = end or max(today, start or today)
    return chosen(start or max(_BEGINNING, end) - dt.timedelta(days=int(USUAL[:-1]) - 1), end, zone=zone)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
