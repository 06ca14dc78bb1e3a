"""Durations of tickets: seconds that ran, and what a reader wants to know of many of them. Pure.

A schedule counts the same seconds as `tickets.clock.Hours`, but works its open stretches out once for
a whole stretch of time and then answers by looking up, so that a figure over a hundred thousand
tickets does not walk over days a hundred thousand times.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tickets.clock import Hours

# a stretch in which a clock ran, as whole seconds since 1970 (UTC)
Stretch = tuple[int, int]


class Schedule:
    """Seconds of open hours between two instants of a stretch of time known beforehand."""

    def __init__(self, hours: Hours, first: int, last: int) -> None:
        self._opens: list[int] = []
        self._closes: list[int] = []
        # open seconds before each stretch
        self._before: list[int] = []
        total = 0
        for opens, closes in hours.spans(dt.datetime.fromtimestamp(first, dt.UTC), dt.datetime.fromtimestamp(last, dt.UTC)):
            a, b = int(opens.timestamp()), int(closes.timestamp())
            self._opens.append(a)
            self._closes.append(b)
            self._before.append(total)
            total += b - a

    def steps(self) -> tuple[list[int], list[int], list[int]]:
        """When each stretch opens, what is to be added to an instant in it to have the open seconds before that instant, and the most it comes to."""
        ahead = [before - opens for before, opens in zip(self._before, self._opens, strict=True)]
        return self._opens, ahead, [add + closes for add, closes in zip(ahead, self._closes, strict=True)]

    def _since_first(self, at: int) -> int:
        index = bisect_right(self._opens, at) - 1
        if index < 0:
            return 0
        return self._before[index] + min(at, self._closes[index]) - self._opens[index]

    def seconds(self, start: int, end: int) -> int:
        """Open seconds in `[start, end)`; 0 where the end is not after the start."""
        return max(0, self._since_first(end) - self._since_first(start))


def ran(stretches: Iterable[Stretch], schedule: Schedule | None) -> int:
    """Seconds that passed in all stretches together: by the schedule, or by the calendar where there is none."""
    if schedule is None:
        return sum(max(0, end - start) for start, end in stretches)
    return sum(schedule.seconds(start, end) for start, end in stretches)


def quantile(ordered: Sequence[int], share: Decimal) -> Decimal | None:
    """The value below which so large a share lies, between two neighbours in proportion; None over nothing.

    `ordered` ascends. The half of an even number of values is the middle of the two in the middle.
    """
    if not ordered:
        return None
    index = int(share * (len(ordered) - 1))
    return between(len(ordered), share, ordered[index], ordered[index + 1] if index + 1 < len(ordered) else None)


def between(count: int, share: Decimal, low: int, high: int | None) -> Decimal:
    """That value of `count` values, from the two neighbours of its place; `high` is None where there is none above."""
    place = share * (count - 1)
    return Decimal(low) if high is None else low + (place - int(place)) * (high - Decimal(low))


@dataclass(frozen=True)
class Spread:
    """What many durations come to, in seconds; all but the counts are None over nothing."""

    count: int
    total: int
    squares: int
    mean: Decimal | None
    median: Decimal | None
    p90: Decimal | None


HALF, NINE_OF_TEN = Decimal("0.5"), Decimal("0.9")


def spread(seconds: Iterable[int]) -> Spread:
    """Mean, median and 90th percentile of whole seconds."""
    ordered = sorted(seconds)
    count, total = len(ordered), sum(ordered)
    return Spread(
        count=count, total=total, squares=sum(value * value for value in ordered), mean=Decimal(total) / count if count else None,
        median=quantile(ordered, HALF), p90=quantile(ordered, NINE_OF_TEN),
    )  # fmt: skip


def spread_of(count: int, total: int, squares: int, half: tuple[int, int | None], nine_of_ten: tuple[int, int | None]) -> Spread:
    """The same from sums, and the two neighbours of the median and of the 90th percentile, of at least one value."""
    return Spread(count=count, total=total, squares=squares, mean=Decimal(total) / count, median=between(count, HALF, *half), p90=between(count, NINE_OF_TEN, *nine_of_ten))
