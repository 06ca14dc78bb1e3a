"""95 % intervals: Wald for NPS, Wilson for shares, Student's t for means. Pure; z = 1.96.

Sources: Wilson, E. B. (1927), JASA 22, 209-212; NPS as the mean of -1, 0, 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from scipy.special import stdtrit

Z = Decimal("1.96")
Interval = tuple[Decimal, Decimal]


def nps_interval(*, promoters: int, detractors: int, answers: int) -> Interval | None:
    """Wald interval of an NPS in points, cut at -100 and 100; None over nothing."""
    if not answers:
        return None
    good, bad = Decimal(promoters) / answers, Decimal(detractors) / answers
    half = 100 * Z * ((good + bad - (good - bad) ** 2) / answers).sqrt()
    middle = 100 * (good - bad)
    return max(middle - half, Decimal(-100)), min(middle + half, Decimal(100))


def wilson_interval(successes: int, trials: int) -> Interval | None:
    """Score interval of a share, without continuity correction; None over nothing."""
    if not trials:
        return None
    share, square = Decimal(successes) / trials, Z * Z
    middle = share + square / (2 * trials)
    half = Z * (share * (1 - share) / trials + square / (4 * Decimal(trials) ** 2)).sqrt()
    whole = 1 + square / trials
    return max((middle - half) / whole, Decimal(0)), min((middle + half) / whole, Decimal(1))


def mean_interval(counts: Mapping[int, int]) -> Interval | None:
    """t interval of a mean from counts per value; None below two values."""
    number = sum(counts.values())
    total = sum(value * count for value, count in counts.items())
    squares = sum(value * value * count for value, count in counts.items())
    return mean_interval_from_sums(number, Decimal(total), Decimal(squares))


def mean_interval_from_sums(number: int, total: Decimal, squares: Decimal) -> Interval | None:
    """t interval of a mean from n, sum and sum of squares; None below two values."""
    if number < 2:
        return None
    mean = total / number
    variance = max((squares - total * mean) / (number - 1), Decimal(0))
    half = Decimal(repr(float(stdtrit(number - 1, 0.975)))) * (variance / number).sqrt()
    return mean - half, mean + half
