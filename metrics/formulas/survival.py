"""Survival of tenures: Kaplan-Meier with its band, the median, and the mean within a horizon. Pure.

Definitions: `docs/metrics.md`, tenure. S(t) = product over event times u <= t of (1 - d_u / n_u);
subjects censored at u are still at risk at u; S is right-continuous and S(0) is 1.

A curve over a large base has an event for nearly every customer that left. So it is held as whole numbers, shares in units
of 10^-40, and turned into decimals where somebody looks: finer than the 28 digits of a decimal, at a tenth of the cost.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

Z = Decimal("1.96")
# S(t) <= 0.5 is judged with this much slack, for products that should be exactly one half
TOLERANCE = Decimal("1e-12")
# a tenure as it is counted: exact and in order
Length = TypeVar("Length", int, Decimal)
# shares and variances are held in units of 1 / ONE
ONE = 10**40


@dataclass(frozen=True)
class Step:
    """The curve from one event time on: what survives, and the sum of Greenwood's terms d / (n (n - d)) so far."""

    time: Decimal
    survival: Decimal
    hazard_variance: Decimal

    @cached_property
    def band(self) -> tuple[Decimal | None, Decimal | None]:
        """The 95 % band; None where nothing can be said. Worked out when asked for: most steps of a long curve are never looked at."""
        return _band(self.survival, self.hazard_variance)

    @property
    def low(self) -> Decimal | None:
        """The lower edge of the band."""
        return self.band[0]

    @property
    def high(self) -> Decimal | None:
        """The upper edge of the band."""
        return self.band[1]


@dataclass(frozen=True)
class Survival:
    """A survival curve: its event times in order, what survives each, and how many subjects it rests on.

    `lengths` are the event times in the unit in which tenures were counted, `per` of which are one of the curve's
    time. `levels` is S from each on, `hazards` the sum of Greenwood's terms up to it; both in units of 1 / `ONE`.
    """

    lengths: Sequence[int | Decimal] = ()
    levels: Sequence[int] = ()
    hazards: Sequence[int] = ()
    subjects: int = 0
    ended: int = 0
    longest: Decimal | None = None
    per: Decimal = Decimal(1)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order of time."""
        return tuple(self._step(place) for place in range(len(self.lengths)))

    def _time(self, length: int | Decimal) -> Decimal:
        return Decimal(length) / self.per

    def _step(self, place: int) -> Step:
        return Step(self._time(self.lengths[place]), _share(self.levels[place]), _share(self.hazards[place]))

    def at(self, time: Decimal | int) -> Decimal:
        """S(time): the share that is still there after `time`; 1 before the first event."""
        step = self.step_at(time)
        return Decimal(1) if step is None else step.survival

    def step_at(self, time: Decimal | int) -> Step | None:
        """The step that holds at `time`; None before the first event."""
        place = bisect_right(self.lengths, time, key=self._time)
        return self._step(place - 1) if place else None

    def told(self, most: int) -> tuple[Step, ...]:
        """The steps to draw: all, or where there are more than `most` the last one of each of `most` equal stretches of time."""
        if len(self.lengths) <= most:
            return self.steps
        longest = self.lengths[-1]
        last = {min(length * most // longest, most - 1): place for place, length in enumerate(self.lengths)}
        return tuple(self._step(place) for place in last.values())

    @property
    def median(self) -> Decimal | None:
        """The smallest time with S <= 0.5; None where that is not reached."""
        half = int((Decimal("0.5") + TOLERANCE) * ONE)
        place = bisect_left(self.levels, -half, key=lambda level: -level)
        return self._time(self.lengths[place]) if place < len(self.levels) else None

    def mean_within(self, horizon: Decimal) -> Decimal:
        """The area under S from 0 to the horizon: the expected tenure within it, in the unit of time."""
        before = bisect_left(self.lengths, horizon, key=self._time)
        area: int | Decimal = 0
        since: int | Decimal = 0
        level = ONE
        for place in range(before):
            length = self.lengths[place]
            area += level * (length - since)
            since, level = length, self.levels[place]
        whole, last = _share(area) / self.per, self._time(since)
        return whole + _share(level) * (horizon - last) if horizon > last else whole

    def sum_within(self, months: int) -> Decimal:
        """S(0) + S(1) + ... + S(months - 1)."""
        return sum((self.at(month) for month in range(months)), Decimal(0))


def _share(number: int | Decimal) -> Decimal:
    """A number of units of 1 / `ONE` as a decimal."""
    return Decimal(number) / ONE


def kaplan_meier(tenures: Iterable[tuple[Length, int, int]], *, per: Decimal = Decimal(1)) -> Survival:
    """The curve from (tenure, ended, censored) counts, in any order; the same tenure may come more than once.

    Tenures may be counted in a unit of their own, as whole numbers best are: `per` of it are one of the curve's time.
    Raises ValueError for a negative tenure or count.
    """
    counts: dict[Length, list[int]] = {}
    for tenure, ended, censored in tenures:
        if tenure < 0 or ended < 0 or censored < 0:
            raise ValueError("Tenures and counts are not negative.")
        held = counts.setdefault(tenure, [0, 0])
        held[0] += ended
        held[1] += censored
    return curve_of({tenure: held[0] for tenure, held in counts.items()}, {tenure: held[1] for tenure, held in counts.items()}, per=per)


def curve_of(ended: Mapping[Length, int], censored: Mapping[Length, int], *, per: Decimal = Decimal(1)) -> Survival:
    """The curve from how many ended, and how many are censored, after each tenure; as `kaplan_meier`."""
    if min((*ended, *censored), default=0) < 0 or min((*ended.values(), *censored.values()), default=0) < 0:
        raise ValueError("Tenures and counts are not negative.")
    waiting, place = sorted(censored), 0
    at_risk = subjects = sum(ended.values()) + sum(censored.values())
    level, hazard = ONE, 0
    lengths: list[int | Decimal] = []
    levels: list[int] = []
    hazards: list[int] = []
    for length in sorted(length for length, count in ended.items() if count):
        while place < len(waiting) and waiting[place] < length:
            at_risk -= censored[waiting[place]]
            place += 1
        gone = ended[length]
        left = at_risk - gone
        level = level * left // at_risk
        if left:
            hazard += gone * ONE // (at_risk * left)
        lengths.append(length)
        levels.append(level)
        hazards.append(hazard)
        at_risk = left
    longest = max([*ended, *censored], default=None)
    return Survival(lengths, levels, hazards, subjects, sum(ended.values()), None if longest is None else Decimal(longest) / per, per)


def _band(survival: Decimal, hazard_variance: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Greenwood's variance on the scale of log(-log S); None at 0, where that scale ends."""
    if survival <= 0 or survival >= 1:
        return None, None
    log = survival.ln()
    half = Z * hazard_variance.sqrt() / -log
    return (log * half.exp()).exp(), (log * (-half).exp()).exp()
