"""The weeks of the flow: the last twelve that began on a Monday of the organisation's zone, the running one with them."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.conf import settings

from metrics.support.desk import Span, today_of
from surveys.periods import midnight

WEEKS = 12


def week_of(monday: dt.date) -> Span:
    """The week that begins on a day, as instants of the organisation's zone."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    return midnight(monday, zone), midnight(monday + dt.timedelta(days=7), zone)


def mondays(now: dt.datetime) -> list[dt.date]:
    """The first days of the weeks, the oldest first."""
    today, _zone = today_of(now)
    this = today - dt.timedelta(days=today.weekday())
    return [this - dt.timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]


def weeks(now: dt.datetime) -> Span:
    """The whole stretch of weeks."""
    days = mondays(now)
    return week_of(days[0])[0], week_of(days[-1])[1]
