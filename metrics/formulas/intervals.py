"""The 95 % interval of a mean over accounts. Shares, NPS and means of scores have theirs in `surveys.scoring`."""

from __future__ import annotations

from decimal import Decimal

from surveys.scoring import t_975

Interval = tuple[Decimal, Decimal]


def mean_interval(*, count: int, total: Decimal, squares: Decimal) -> Interval | None:
    """mean +- t(0.975, n - 1) s / sqrt(n) from n, sum and sum of squares; None below two values."""
    if count < 2:
        return None
    mean = total / count
    variance = max((squares - total * mean) / (count - 1), Decimal(0))
    half = t_975(count - 1) * (variance / count).sqrt()
    return mean - half, mean + half
