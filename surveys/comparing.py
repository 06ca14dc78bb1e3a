"""Whether a figure of now differs from one of before by more than chance. Pure.

All tests are two-sided. Where neither side varies at all, nothing can be divided by: equal figures
then have p = 1, unequal ones p = 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

# below this p a change is called significant
ALPHA = 0.05


@dataclass(frozen=True)
class Change:
    """Now less before in the figure's own unit, the test's statistic (z or t), its degrees of freedom (t alone) and p."""

    difference: Decimal
    statistic: float | None
    p: float
    freedom: float | None = None

    @property
    def significant(self) -> bool:
        """Whether chance alone would show as much in fewer than 1 of 20 cases."""
        return self.p < ALPHA


Groups = tuple[int, int, int]


def nps_change(now: Groups, before: Groups) -> Change | None:
    """Difference of two NPS, groups as (promoters, passives, detractors); None where one side is empty.

    z = (N1 - N2) / (100 sqrt(v1 / n1 + v2 / n2)) with v = p + d - (p - d)^2, the variance of one answer
    that is 1, 0 or -1 (multinomial; Rocks, "Interval estimation for the net promoter score", The American
    Statistician 70(4), 2016).
    """
    first, second = _nps_parts(now), _nps_parts(before)
    if first is None or second is None:
        return None
    difference = 100 * (first[0] - second[0])
    return _by_z(difference, 100 * math.sqrt(first[1] + second[1]))


def _nps_parts(groups: Groups) -> tuple[Decimal, Decimal] | None:
    """Mean of the answers as 1, 0 and -1, and the variance of that mean."""
    promoters, _passives, detractors = groups
    answers = sum(groups)
    if not answers:
        return None
    middle = Decimal(promoters - detractors) / answers
    return middle, (Decimal(promoters + detractors) / answers - middle * middle) / answers


def share_change(now: tuple[int, int], before: tuple[int, int]) -> Change | None:
    """Difference of two shares (part, whole), as a fraction; None where one side is empty.

    z = (p1 - p2) / sqrt(p (1 - p) (1 / n1 + 1 / n2)), p = the pooled share (the two-proportion z-test,
    as in Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions", 3rd ed., 3.1).
    """
    (part, whole), (part_before, whole_before) = now, before
    if not whole or not whole_before:
        return None
    pooled = (part + part_before) / (whole + whole_before)
    error = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / whole_before))
    return _by_z(Decimal(part) / whole - Decimal(part_before) / whole_before, error)


def share_against(part: int, whole: int, expected: float) -> Change | None:
    """A share against a known one (the whole base): z = (p - P) / sqrt(P (1 - P) / n); None over nothing or where P is 0 or 1."""
    if not whole or not 0 < expected < 1:
        return None
    return _by_z(Decimal(part) / whole - Decimal(expected), math.sqrt(expected * (1 - expected) / whole))


def _by_z(difference: Decimal, error: float) -> Change:
    if not error:
        return Change(difference, None, 0.0 if difference else 1.0)
    z = float(difference) / error
    return Change(difference, z, math.erfc(abs(z) / math.sqrt(2)))


def mean_change(now: Mapping[int, int], before: Mapping[int, int]) -> Change | None:
    """Difference of two means, given as counts by score; None below two answers on either side. Welch's t."""
    first, second = _moments(now), _moments(before)
    return welch(*first, *second) if first and second else None


def _moments(counts: Mapping[int, int]) -> tuple[Decimal, Decimal, int] | None:
    """Mean, variance with n - 1, and n."""
    answers = sum(counts.values())
    if answers < 2:
        return None
    total, squares = sum(score * count for score, count in counts.items()), sum(score * score * count for score, count in counts.items())
    return Decimal(total) / answers, Decimal(answers * squares - total * total) / (answers * (answers - 1)), answers


def welch(mean: Decimal, variance: Decimal, count: int, mean_before: Decimal, variance_before: Decimal, count_before: int) -> Change:
    """t = (m1 - m2) / sqrt(a + b), a = s1^2 / n1, b = s2^2 / n2; freedom (a + b)^2 / (a^2 / (n1 - 1) + b^2 / (n2 - 1)).

    B. L. Welch, "The generalization of Student's problem when several different population variances are
    involved", Biometrika 34 (1947). Needs two values or more on each side.
    """
    first, second = float(variance) / count, float(variance_before) / count_before
    difference = mean - mean_before
    if not first + second:
        return Change(difference, None, 0.0 if difference else 1.0)
    t = float(difference) / math.sqrt(first + second)
    freedom = (first + second) ** 2 / (first**2 / (count - 1) + second**2 / (count_before - 1))
    return Change(difference, t, t_tails(t, freedom), freedom)


def t_tails(t: float, freedom: float) -> float:
    """The chance that |T| >= |t| for any positive degrees of freedom: I_x(df / 2, 1 / 2) at x = df / (df + t^2)."""
    return _beta_share(freedom / 2, 0.5, freedom / (freedom + t * t))


def _beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function by its continued fraction (DLMF 8.17.22), evaluated after Lentz."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        # the fraction converges quickly on the other side only
        return 1 - _beta_share(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d or tiny)
    value = d
    for m in range(1, 400):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d, c = 1 / ((1 + step * d) or tiny), (1 + step / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value
