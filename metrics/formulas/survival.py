"""Survival of tenures: Kaplan-Meier with its band, the median, and the mean within a horizon. Pure.

Definitions: `docs/metrics.md`, tenure. S(t) = product over event times u <= t of (1 - d_u / n_u);
subjects censored at u are still at risk at u; S is right-continuous and S(0) is 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

Z = Decimal("1.96")
# S(t) <= 0.5 is judged with this much slack, for products that should be exactly one half
TOLERANCE = Decimal("1e-12")


@dataclass(frozen=True)
class Step:
    """The curve from one event time on: what survives, and the sum of Greenwood's terms d / (n (n - d)) so far."""

    time: Decimal
    survival: Decimal
    hazard_variance: Decimal

    @property
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
    """A survival curve: its steps in order of time, and how many subjects it rests on."""

    steps: tuple[Step, ...]
    subjects: int
    ended: int
    longest: Decimal | None

    def at(self, time: Decimal | int) -> Decimal:
        """S(time): the share that is still there after `time`; 1 before the first event."""
        step = self.step_at(time)
        return Decimal(1) if step is None else step.survival

    def step_at(self, time: Decimal | int) -> Step | None:
        """The step that holds at `time`; None before the first event."""
        found = None
        for step in self.steps:
            if step.time > time:
                break
            found = step
        return found

    def told(self, most: int) -> tuple[Step, ...]:
        """The steps to draw: all, or where there are more than `most` the last one of each of `most` equal stretches of time."""
        if len(self.steps) <= most:
            return self.steps
        stretch = self.steps[-1].time / most
        last = {int(step.time // stretch) if stretch else 0: step for step in self.steps}
        return tuple(last.values())

    @property
    def median(self) -> Decimal | None:
        """The smallest time with S <= 0.5; None where that is not reached."""
        half = Decimal("0.5") + TOLERANCE
        return next((step.time for step in self.steps if step.survival <= half), None)

    def mean_within(self, horizon: Decimal) -> Decimal:
        """The area under S from 0 to the horizon: the expected tenure within it, in the unit of time."""
        area, since, level = Decimal(0), Decimal(0), Decimal(1)
        for step in self.steps:
            if step.time >= horizon:
                break
            area += level * (step.time - since)
            since, level = step.time, step.survival
        return area + level * (horizon - since) if horizon > since else area

    def sum_within(self, months: int) -> Decimal:
        """S(0) + S(1) + ... + S(months - 1)."""
        total, index, level = Decimal(0), 0, Decimal(1)
        for month in range(months):
            while index < len(self.steps) and self.steps[index].time <= month:
                level = self.steps[index].survival
                index += 1
            total += level
        return total


def kaplan_meier(tenures: Iterable[tuple[Decimal, int, int]]) -> Survival:
    """The curve from (tenure, ended, censored) counts, in any order; the same tenure may come more than once.

    Raises ValueError for a negative tenure or count.
    """
    counts: dict[Decimal, list[int]] = {}
    for tenure, ended, censored in tenures:
        if tenure < 0 or ended < 0 or censored < 0:
            raise ValueError("Tenures and counts are not negative.")
        held = counts.setdefault(tenure, [0, 0])
        held[0] += ended
        held[1] += censored
    at_risk = subjects = sum(ended + censored for ended, censored in counts.values())
    survival, hazard_variance, steps, all_ended = Decimal(1), Decimal(0), [], 0
    for tenure in sorted(counts):
        ended, censored = counts[tenure]
        if ended:
            all_ended += ended
            survival *= Decimal(at_risk - ended) / at_risk
            if at_risk > ended:
                hazard_variance += Decimal(ended) / (at_risk * (at_risk - ended))
            steps.append(Step(tenure, survival, hazard_variance))
        at_risk -= ended + censored
    return Survival(tuple(steps), subjects, all_ended, max(counts) if counts else None)


def _band(survival: Decimal, hazard_variance: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Greenwood's variance on the scale of log(-log S); None at 0, where that scale ends."""
    if survival <= 0 or survival >= 1:
        return None, None
    log = survival.ln()
    half = Z * hazard_variance.sqrt() / -log
    return (log * half.exp()).exp(), (log * (-half).exp()).exp()
