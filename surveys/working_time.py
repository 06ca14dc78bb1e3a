"""Deadlines in working hours: Monday to Friday, nine to six, in somebody's own time. Pure."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Container

from surveys.decent_hours import WORKING_HOURS, Window, first_decent_instant, instant_of

_LOOK_AHEAD_DAYS = 400


def working_hours_later(start: dt.datetime, hours: int, *, zone: zoneinfo.ZoneInfo, window: Window = WORKING_HOURS, days_off: Container[dt.date] = frozenset()) -> dt.datetime:
    """The instant at which so many working hours have passed since `start`; what comes at night begins to count in the morning.

    Hours are real ones, so a working day in which the clocks change is as long as its clock says. The
    window must not pass midnight. Raises ValueError for a negative number, and where a year has too few hours.
    """
    if hours < 0:
        raise ValueError(hours)
    left = dt.timedelta(hours=hours)
    at = start
    for _day in range(_LOOK_AHEAD_DAYS):
        opened = first_decent_instant(at, zone=zone, window=window, days_off=days_off)
        if opened is None:
            break
        closes = instant_of(dt.datetime.combine(opened.astimezone(zone).date(), window.closes), zone)
        if opened + left <= closes:
            return opened + left
        left -= closes - opened
        at = closes
    raise ValueError("There are not enough working hours.")
