"""The organisation's working days for whoever plans with them.

Hours and holidays are kept by an app above this one; which function reads them is a setting, made
where everything is put together.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.working_days import WorkingDays


def working_days(today: dt.date) -> WorkingDays:
    """The working days in force on a day; two queries."""
    days: WorkingDays = import_string(settings.WORKING_DAYS)(today)
    return days


def organisation_day(now: dt.datetime) -> dt.date:
    """The day it is in the organisation's zone."""
    return now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()


def hour_of_day(day: dt.date, hour: int) -> dt.datetime:
    """An hour of a day in the organisation's zone."""
    return dt.datetime.combine(day, dt.time(hour), zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))
