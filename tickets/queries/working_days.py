"""The organisation's working days, from the business hours and holidays that the clocks of tickets run by."""

from __future__ import annotations

import datetime as dt

from accounts.working_days import WorkingDays
from tickets.models import BusinessHours, Holiday


def organisation_days(today: dt.date) -> WorkingDays:
    """The weekdays of the hours in force on the day, Monday to Friday where there are none; and the holidays."""
    rows = [row for row in BusinessHours.objects.all() if row.valid_from is None or row.valid_from <= today]
    begun = max((row.valid_from or dt.date.min for row in rows), default=None)
    weekdays = frozenset(row.weekday for row in rows if (row.valid_from or dt.date.min) == begun)
    days_off = frozenset(Holiday.objects.values_list("day", flat=True))
    return WorkingDays(weekdays, days_off) if weekdays else WorkingDays(days_off=days_off)
