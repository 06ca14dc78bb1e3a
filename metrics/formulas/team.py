"""Team performance: several figures on one scale of 0 to 100. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Target:
    """What a figure weighs, and the values that earn 0 and 100. Worst above best: less is better."""

    weight: Decimal
    worst: Decimal
    best: Decimal


DEFAULTS: dict[str, Target] = {
    "csat": Target(Decimal(40), Decimal("0.60"), Decimal("0.95")),
    "fcr": Target(Decimal(30), Decimal("0.40"), Decimal("0.85")),
    "resolution_time": Target(Decimal(20), Decimal(432_000), Decimal(28_800)),
    "first_response_time": Target(Decimal(10), Decimal(86_400), Decimal(3_600)),
    "aht": Target(Decimal(0), Decimal(1_200), Decimal(300)),
}


def score(value: Decimal | None, target: Target) -> Decimal | None:
    """0 at the worst value, 100 at the best, in proportion between, never outside; None without a value."""
    if value is None:
        return None
    low, high = sorted((target.worst, target.best))
    clamped = min(max(value, low), high)
    return 100 * (target.worst - clamped) / (target.worst - target.best)


def composite(parts: Iterable[tuple[Decimal | None, Decimal]]) -> tuple[Decimal, Decimal] | None:
    """(sum of weight x score, sum of weights) over (score, weight); what is missing drops out and its weight is shared.

    None where nothing is left.
    """
    present = [(found, weight) for found, weight in parts if found is not None and weight]
    weights = sum((weight for _found, weight in present), Decimal(0))
    if not weights:
        return None
    return sum((found * weight for found, weight in present), Decimal(0)), weights
