"""Days on which the organisation works, and counting in them. Pure; knows no clock and no database."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

_MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})
# holidays lie apart: a year without one working day is a mistake in the table, not a reason to search for ever
_LONGEST_GAP = 366


@dataclass(frozen=True)
class WorkingDays:
    """The weekdays on which people work (1 is Monday) and the days on which they do not all the same."""

    weekdays: frozenset[int] = _MONDAY_TO_FRIDAY
    days_off: frozenset[dt.date] = frozenset()

    def __contains__(self, day: dt.date) -> bool:
        """Whether people work on the day."""
        return day.isoweekday() in (self.weekdays or _MONDAY_TO_FRIDAY) and day not in self.days_off

    def later(self, day: dt.date, count: int) -> dt.date:
        """The working day that comes so many working days after `day`; 0 is the day itself, or the next working one.

        Raises ValueError for a negative count.
        """
        if count < 0:
            raise ValueError(count)
        found = self._at_or_after(day)
        for _step in range(count if found == day else max(count - 1, 0)):
            found = self._at_or_after(found + dt.timedelta(days=1))
        return found

    def _at_or_after(self, day: dt.date) -> dt.date:
        for gap in range(_LONGEST_GAP):
            if (found := day + dt.timedelta(days=gap)) in self:
                return found
        return day
