"""Periods that are whole calendar months of the organisation's zone, as numbers. Pure."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.actions.month_ledger import FIRST_YEAR, LAST_YEAR
from metrics.kpis.question import Question


def month_number(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> int | None:
    """Year x 12 + month - 1 where the instant is the beginning of a month of the zone, else None.

    A midnight that comes twice is no boundary: the database may take the other one.
    """
    local = moment.astimezone(zone)
    if local.day != 1 or local.time() != dt.time() or local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        return None
    return local.year * 12 + local.month - 1 if FIRST_YEAR < local.year < LAST_YEAR else None


@dataclass(frozen=True)
class Periods:
    """Periods that follow one another without a gap: the month each begins with, the month after the last, and the same as instants."""

    months: tuple[int, ...]
    instants: tuple[dt.datetime, ...]

    def __len__(self) -> int:
        return len(self.months) - 1

    @property
    def monthly(self) -> bool:
        """Whether each is one month."""
        return self.months[-1] - self.months[0] == len(self)


def periods_of(questions: Iterable[Question]) -> tuple[Periods | None, list[int]]:
    """The longest beginning of the questions, after those that are not whole months, as periods; and which questions they are.

    What has not wholly happened is no whole month.
    """
    months: list[int] = []
    instants: list[dt.datetime] = []
    places: list[int] = []
    for place, question in enumerate(questions):
        left, right = month_number(question.start, question.zone), month_number(question.until, question.zone)
        if left is None or right is None or question.partial or left >= right:
            if places:
                break
            continue
        if not places:
            months, instants = [left], [question.start]
        months.append(right)
        instants.append(question.until)
        places.append(place)
    return (Periods(tuple(months), tuple(instants)) if places else None), places
