"""Estimates with their standard errors, what changed between two of them, and whether two series go together. Pure.

Definitions: `docs/metrics.md`, initiatives and decisions. Everything over nothing is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

Z = Decimal("1.96")
Interval = tuple[Decimal, Decimal]
# fewer pairs than this say nothing about whether two series go together
ENOUGH_PAIRS = 8


@dataclass(frozen=True)
class Estimate:
    """A figure, its standard error (None: not known) and how many it rests on (None: it is a sum of all)."""

    value: Decimal
    error: Decimal | None = None
    count: int | None = None

    @property
    def interval(self) -> Interval | None:
        """value +- 1.96 standard errors; None without an error."""
        return None if self.error is None else (self.value - Z * self.error, self.value + Z * self.error)

    @property
    def beyond_chance(self) -> bool | None:
        """Whether 0 lies outside the 95 % interval; None where that cannot be told."""
        interval = self.interval
        return None if interval is None else not interval[0] <= 0 <= interval[1]

    def times(self, factor: Decimal) -> Estimate:
        """The same estimate in another unit."""
        return Estimate(self.value * factor, None if self.error is None else self.error * abs(factor), self.count)


def error_of(interval: Interval | None) -> Decimal | None:
    """The standard error that a 95 % interval stands for: half its width / 1.96."""
    return None if interval is None else (interval[1] - interval[0]) / 2 / Z


def difference(after: Estimate | None, before: Estimate | None) -> Estimate | None:
    """After less before, as of two independent samples: the squares of the errors add up."""
    if after is None or before is None:
        return None
    error = None if after.error is None or before.error is None else (after.error**2 + before.error**2).sqrt()
    return Estimate(after.value - before.value, error)


def relative(after: Estimate | None, before: Estimate | None) -> Estimate | None:
    """After / before - 1, for sums of all, which have no error; None over nothing."""
    if after is None or before is None or not before.value:
        return None
    return Estimate(after.value / before.value - 1)


@dataclass(frozen=True)
class Sums:
    """Sums over accounts of a weight x and a part y: what a ratio and its error are made of."""

    count: int
    x: Decimal
    y: Decimal
    xx: Decimal
    yy: Decimal
    xy: Decimal


def of_ratio(sums: Sums) -> Estimate | None:
    """sum of y / sum of x with its linearised error: sqrt(n / (n - 1) x sum of (y - r x)^2) / sum of x. None over nothing; no error below two accounts."""
    if not sums.x:
        return None
    rate = sums.y / sums.x
    if sums.count < 2:
        return Estimate(rate, None, sums.count)
    spread = max(sums.yy - 2 * rate * sums.xy + rate * rate * sums.xx, Decimal(0))
    return Estimate(rate, (spread * sums.count / (sums.count - 1)).sqrt() / sums.x, sums.count)


def correlation(pairs: Sequence[tuple[Decimal | None, Decimal | None]]) -> Estimate | None:
    """Pearson's r of the pairs that are whole; None below eight of them, or where one side never varies.

    The interval is Fisher's: tanh(atanh r +- 1.96 / sqrt(n - 3)); see `correlation_interval`.
    """
    there = [(float(left), float(right)) for left, right in pairs if left is not None and right is not None]
    if len(there) < ENOUGH_PAIRS:
        return None
    left_mean, right_mean = sum(left for left, _right in there) / len(there), sum(right for _left, right in there) / len(there)
    left_spread = math.sqrt(sum((left - left_mean) ** 2 for left, _right in there))
    right_spread = math.sqrt(sum((right - right_mean) ** 2 for _left, right in there))
    if not left_spread or not right_spread:
        return None
    r = sum((left - left_mean) * (right - right_mean) for left, right in there) / left_spread / right_spread
    return Estimate(Decimal(repr(max(-1.0, min(1.0, r)))), None, len(there))


def correlation_interval(found: Estimate) -> Interval:
    """Fisher's 95 % interval of a correlation."""
    r, half = float(found.value), 1.96 / math.sqrt((found.count or 0) - 3)
    if abs(r) >= 1:
        return found.value, found.value
    middle = math.atanh(r)
    return Decimal(repr(math.tanh(middle - half))), Decimal(repr(math.tanh(middle + half)))


def monthly_of_yearly(rate: Decimal | None) -> Decimal | None:
    """The monthly rate of leaving that comes to a yearly one: 1 - (1 - c)^(1 / 12)."""
    if rate is None or not 0 <= rate <= 1:
        return None
    return Decimal(1) if rate == 1 else 1 - (1 - rate) ** (Decimal(1) / 12)


def remaining_months(monthly: Decimal | None, most: int = 60) -> Decimal | None:
    """The months a customer is still expected to stay, 1 / monthly rate of leaving, at most `most`; where nobody leaves, `most`."""
    if monthly is None:
        return None
    return Decimal(most) if monthly <= Decimal(1) / most else 1 / monthly
