"""How far a success plan is, and whether that is far enough for the day. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# as much of the way as may be missing before a plan counts as behind
_SLACK = Decimal("0.15")


@dataclass(frozen=True)
class Course:
    """Where a plan stands: the share of the way (0 at the start, 1 at the target; may lie outside), that of the time, its status and why."""

    way: Decimal | None
    time: Decimal
    status: str
    why: dict[str, Any]

    @property
    def way_shown(self) -> Decimal | None:
        """The share of the way in whole percent, as the sentence has it."""
        return None if self.way is None else Decimal(percent_of(self.way)) / 100

    @property
    def time_shown(self) -> Decimal:
        """The share of the time in whole percent, as the sentence has it."""
        return Decimal(percent_of(self.time)) / 100


def share_of_way(start: Decimal, target: Decimal, current: Decimal) -> Decimal:
    """How much of the way from start to target is done; works downwards as well. Raises ValueError where both are equal."""
    if start == target:
        raise ValueError("the target is the start")
    return (current - start) / (target - start)


def course_of(*, start: Decimal, target: Decimal, current: Decimal | None, started_on: dt.date, target_on: dt.date, today: dt.date) -> Course:
    """The course on a day. Reached beats overdue; behind is who lags the time that has passed by more than 15 points."""
    days = max((target_on - started_on).days, 1)
    time = min(max(Decimal((today - started_on).days) / days, Decimal(0)), Decimal(1))
    way = None if current is None else share_of_way(start, target, current)
    if way is not None and way >= 1:
        return Course(way, time, "reached", {"key": "success_reached", "values": {}})
    if today > target_on:
        if way is None:
            return Course(way, time, "overdue", {"key": "success_overdue_unmeasured", "values": {}})
        return Course(way, time, "overdue", {"key": "success_overdue", "values": {"percent": percent_of(way)}})
    told = {"time": percent_of(time)}
    if way is None:
        unmeasured = time > _SLACK
        return Course(way, time, "behind" if unmeasured else "on_track", {"key": "success_unmeasured", "values": told})
    return Course(way, time, "behind" if way < time - _SLACK else "on_track", {"key": "success_course", "values": {"percent": percent_of(way), **told}})


def percent_of(share: Decimal) -> int:
    """A share as whole percent, never above 999 nor below -999, rounded down."""
    return max(-999, min(999, int(share * 100 // 1)))
