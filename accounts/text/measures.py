"""How often a reader of texts is right, with an interval. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_Z = 1.959963984540054  # 95 %


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson); (0, 1) without rows."""
    if not rows:
        return 0.0, 1.0
    share = hits / rows
    scale = 1 + _Z * _Z / rows
    middle = (share + _Z * _Z / (2 * rows)) / scale
    half = _Z * math.sqrt(share * (1 - share) / rows + _Z * _Z / (4 * rows * rows)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Rates:
    """Good and bad texts, and how many of each were read right."""

    good: int
    good_right: int
    bad: int
    bad_right: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> Rates:
        """From pairs (really good, read as good)."""
        good = good_right = bad = bad_right = 0
        for truth, said in pairs:
            if truth:
                good += 1
                good_right += said
            else:
                bad += 1
                bad_right += not said
        return cls(good, good_right, bad, bad_right)

    @property
    def rows(self) -> int:
        """How many texts."""
        return self.good + self.bad

    @property
    def good_recall(self) -> float:
        """The share of good texts read as good."""
        return self.good_right / self.good if self.good else 0.0

    @property
    def bad_recall(self) -> float:
        """The share of bad texts read as bad."""
        return self.bad_right / self.bad if self.bad else 0.0

    @property
    def balanced(self) -> float:
        """Balanced accuracy: the mean of the two shares; guessing has 0.5 whatever the mix."""
        return (self.good_recall + self.bad_recall) / 2

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the balanced accuracy: the Wilson intervals of the two shares, put together by their squared distances."""
        good_low, good_high = wilson(self.good_right, self.good)
        bad_low, bad_high = wilson(self.bad_right, self.bad)
        below = math.hypot(self.good_recall - good_low, self.bad_recall - bad_low) / 2
        above = math.hypot(good_high - self.good_recall, bad_high - self.bad_recall) / 2
        return max(0.0, self.balanced - below), min(1.0, self.balanced + above)

    @property
    def bad_precision(self) -> float:
        """Of the texts read as bad, the share that is."""
        read_bad = self.bad_right + self.good - self.good_right
        return self.bad_right / read_bad if read_bad else 0.0

    @property
    def good_precision(self) -> float:
        """Of the texts read as good, the share that is."""
        read_good = self.good_right + self.bad - self.bad_right
        return self.good_right / read_good if read_good else 0.0
