"""Shares and their uncertainty: Wilson's interval, and whether two shares differ. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

# the 97.5 % point of the normal distribution
Z95 = 1.959963984540054


def wilson(part: int, whole: int, z: float = Z95) -> tuple[float, float] | None:
    """The interval that holds a share 95 of 100 times (Wilson, 1927); None over nothing."""
    if whole <= 0:
        return None
    share = part / whole
    middle = share + z * z / (2 * whole)
    spread = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


@dataclass(frozen=True)
class Contrast:
    """Two shares side by side: how many times the second the first is, and how unlikely that is by chance alone."""

    share: float
    other: float
    p_value: float

    @property
    def ratio(self) -> float | None:
        """Share over share of the others; None where the others have none."""
        return self.share / self.other if self.other else None

    @property
    def is_over(self) -> bool:
        """More than among the others."""
        return self.share > self.other


def contrast(part: int, whole: int, other_part: int, other_whole: int) -> Contrast | None:
    """Compares a group with everybody else by the two-sided test of two proportions with pooled variance; None where either is empty."""
    if whole <= 0 or other_whole <= 0:
        return None
    share, other = part / whole, other_part / other_whole
    pooled = (part + other_part) / (whole + other_whole)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
    p_value = 1.0 if deviation == 0 else math.erfc(abs(share - other) / deviation / math.sqrt(2))
    return Contrast(share, other, p_value)
