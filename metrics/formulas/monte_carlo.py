"""How sure a return is: many draws of its inputs from named distributions, all at once. Pure; the same seed gives the same answer.

Definitions: `docs/metrics.md`, ROI studio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.formulas.returns import CUMULATIVE, SIMPLE
from metrics.formulas.roi import COSTS

DRAWS = 10_000
BARS = 30
CONSTANT, BETA, STUDENT, TRIANGLE = "constant", "beta", "student", "triangle"
Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Distribution:
    """Where the draws of one input come from.

    `constant` the value itself; `beta` of `first` and `second`, a share counted `first` of `first + second`
    times; `student` value + `first` (the standard error) x t with `second` degrees of freedom, not below 0;
    `triangle` from `first` to `second` with its top at the value.
    """

    kind: str
    value: float
    first: float = 0.0
    second: float = 0.0

    def draw(self, dice: np.random.Generator, count: int) -> Draws:
        """So many draws."""
        if self.kind == BETA and self.first > 0 and self.second > 0:
            return dice.beta(self.first, self.second, count)
        if self.kind == STUDENT and self.first > 0 and self.second >= 1:
            return np.maximum(self.value + self.first * dice.standard_t(self.second, count), 0.0)
        if self.kind == TRIANGLE and self.first < self.second:
            return dice.triangular(self.first, min(max(self.value, self.first), self.second), self.second, count)
        return np.full(count, self.value)


def of_share(share: float, counted: int) -> Distribution:
    """A share measured over so many: a Beta around it by Jeffreys' prior; the share itself over nothing."""
    return Distribution(BETA, share, share * counted + 0.5, (1 - share) * counted + 0.5) if counted > 0 else Distribution(CONSTANT, share)


@dataclass(frozen=True)
class Outcome:
    """What the draws came to. Percentiles are the 5th, 50th and 95th; `bars` are (from, to, draws)."""

    seed: int
    draws: int
    net: tuple[float, float, float]
    roi: tuple[float, float, float] | None
    mean: float
    # the share of draws whose net is above 0
    pays: float
    bars: list[tuple[float, float, int]]


def customer_months(variant: str, months: int, churn: Draws) -> Draws:
    """`returns.customer_months` of many churn rates at once, by the same sum."""
    if variant == SIMPLE:
        return np.full(churn.shape, float(months))
    if variant == CUMULATIVE:
        return np.full(churn.shape, months * (months + 1) / 2)
    staying, there, total = np.ones_like(churn), np.zeros_like(churn), np.zeros_like(churn)
    kept = 1 - churn
    for _month in range(months):
        there += staying
        total += there
        staying *= kept
    return total


def simulate(inputs: Mapping[str, Distribution], variant: str, *, months: int, seed: int, draws: int = DRAWS) -> Outcome:
    """Net and ROI of so many draws. `inputs` has a distribution for `arpa`, `margin`, `churn`, `k`, every cost and `one_off_cost`.

    Each input has a stream of random numbers of its own, so that changing one leaves the draws of the others as they are.
    """
    names = sorted(inputs)
    streams = np.random.SeedSequence(seed).spawn(len(names))
    drawn = {name: inputs[name].draw(np.random.default_rng(stream), draws) for name, stream in zip(names, streams, strict=True)}
    brought = drawn["k"] * drawn["arpa"] * drawn["margin"] * customer_months(variant, months, drawn["churn"])
    cost = sum((drawn[name] for name in COSTS), np.zeros(draws)) * months + drawn["one_off_cost"]
    net = brought - cost
    low, middle, high = (float(edge) for edge in np.percentile(net, (5, 50, 95)))
    paid = bool((cost > 0).all())
    roi: tuple[float, float, float] | None = None
    if paid:
        a, b, c = (float(edge) for edge in np.percentile(net / cost, (5, 50, 95)))
        roi = (a, b, c)
    return Outcome(seed, draws, (low, middle, high), roi, float(net.mean()), float((net > 0).mean()), _bars(net))


def _bars(net: Draws) -> list[tuple[float, float, int]]:
    """The histogram between the half percents of both ends; what lies beyond is in the outermost bars."""
    left, right = (float(edge) for edge in np.percentile(net, (0.5, 99.5)))
    if right - left <= 1e-9 * max(1.0, abs(left)):
        return [(left, right, len(net))]
    counts, edges = np.histogram(np.clip(net, left, right), bins=BARS, range=(left, right))
    return [(float(edges[place]), float(edges[place + 1]), int(count)) for place, count in enumerate(counts)]
