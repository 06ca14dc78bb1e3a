"""When a weekly report is due: a weekday and an hour in the reader's own time zone."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.conf import settings

from accounts.models import User

WEEK = dt.timedelta(days=7)


def zone_of(user: User) -> zoneinfo.ZoneInfo:
    """The reader's zone; the organisation's where none is set or it is not known any more."""
    try:
        return zoneinfo.ZoneInfo(user.time_zone or settings.ORGANISATION_TIME_ZONE)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)


def last_due(*, weekday: int, hour: int, zone: zoneinfo.ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The latest instant not after now at which a report was due.

    The hour is the clock's on the wall: an hour that a change of clocks leaves out is the one after it, an hour that comes
    twice is the first.
    """
    today = now.astimezone(zone).date()
    day = today - dt.timedelta(days=(today.weekday() - weekday) % 7)
    found = _at(day, hour, zone)
    return found if found <= now else _at(day - WEEK, hour, zone)


def next_due(*, weekday: int, hour: int, zone: zoneinfo.ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The first instant after now at which a report is due."""
    last = last_due(weekday=weekday, hour=hour, zone=zone, now=now)
    return _at(last.astimezone(zone).date() + WEEK, hour, zone)


def week_of(due: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.date:
    """The Monday of the week, in the reader's zone, that a report belongs to."""
    day = due.astimezone(zone).date()
    return day - dt.timedelta(days=day.weekday())


def _at(day: dt.date, hour: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=zone).astimezone(dt.UTC)
