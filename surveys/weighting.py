"""NPS over accounts: each one vote, each as heavy as its revenue, and answers weighted to the customer base. Pure.

An account's value is the mean of its answers as 1 (promoter), 0 and -1 (detractor). Figures are points
from -100 to 100, cut there; over nothing they are None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from surveys.scoring import Interval, Z, t_975

_HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Moments:
    """Sums over accounts with weight w and value x: all that these figures need, so a database can add them up."""

    count: int = 0
    weight: Decimal = Decimal(0)
    weighted: Decimal = Decimal(0)
    weight_squares: Decimal = Decimal(0)
    weight_squares_x: Decimal = Decimal(0)
    weight_squares_xx: Decimal = Decimal(0)


def moments(pairs: Iterable[tuple[Decimal | int, Decimal | int]]) -> Moments:
    """The moments of (weight, value) pairs; a weight of nothing (or less) is left out."""
    found = Moments()
    for given, value in pairs:
        w, x = Decimal(given), Decimal(value)
        if w > 0:
            found = Moments(
                found.count + 1, found.weight + w, found.weighted + w * x, found.weight_squares + w * w,
                found.weight_squares_x + w * w * x, found.weight_squares_xx + w * w * x * x,
            )  # fmt: skip
    return found


@dataclass(frozen=True)
class Weighted:
    """A weighted NPS, its 95 % interval, how many units it stands on, and how many equal ones those are worth."""

    value: Decimal
    interval: Interval
    count: int
    effective: Decimal


def _cut(middle: Decimal, half: Decimal) -> Interval:
    return max(-_HUNDRED, middle - half), min(_HUNDRED, middle + half)


def weighted_nps(sums: Moments) -> Weighted | None:
    """100 x sum(w x) / sum(w).

    Variance of a ratio by linearisation: sum(w^2 (x - m)^2) / sum(w)^2 (Cochran, "Sampling Techniques", 3rd ed.,
    6.4); with equal weights and one answer each it is the plain NPS and its interval. Effective size:
    sum(w)^2 / sum(w^2) (Kish, "Survey Sampling", 1965).
    """
    if not sums.count or not sums.weight:
        return None
    with localcontext(prec=50):
        middle = sums.weighted / sums.weight
        spread = sums.weight_squares_xx - 2 * middle * sums.weight_squares_x + middle * middle * sums.weight_squares
        half = _HUNDRED * Z * (max(Decimal(0), spread) / (sums.weight * sums.weight)).sqrt()
        return Weighted(_HUNDRED * middle, _cut(_HUNDRED * middle, half), sums.count, sums.weight * sums.weight / sums.weight_squares)


def account_nps(sums: Moments) -> Weighted | None:
    """100 x the mean of the accounts' values, each account one vote; pass moments of equal weights.

    The account is the unit, so the interval is Student's t with n - 1; a single account has none but the whole scale.
    """
    if not sums.count:
        return None
    with localcontext(prec=50):
        each = sums.weight / sums.count
        total, squares = sums.weighted / each, sums.weight_squares_xx / (each * each)
        middle = total / sums.count
        if sums.count < 2:
            return Weighted(_HUNDRED * middle, (-_HUNDRED, _HUNDRED), 1, Decimal(1))
        variance = max(Decimal(0), (squares - total * middle) / (sums.count - 1))
        half = _HUNDRED * t_975(sums.count - 1) * (variance / sums.count).sqrt()
        return Weighted(_HUNDRED * middle, _cut(_HUNDRED * middle, half), sums.count, Decimal(sums.count))


@dataclass(frozen=True)
class Stratum:
    """A segment: how much of the base it is (any unit), and the groups of its answers."""

    base: int
    promoters: int
    passives: int
    detractors: int

    @property
    def answers(self) -> int:
        """All valid answers."""
        return self.promoters + self.passives + self.detractors


@dataclass(frozen=True)
class Reweighted:
    """A post-stratified NPS; `covered` is the share of the base whose segments answered at all."""

    value: Decimal
    interval: Interval
    covered: Decimal
    strata: int


def poststratified_nps(strata: Iterable[Stratum]) -> Reweighted | None:
    """sum(W NPS) over the segments that answered, W = the segment's share of the base of those.

    Variance sum(W^2 v / n) with v = p + d - (p - d)^2 (post-stratification, Cochran, 5A.9). It takes away what
    comes of segments answering unlike often, not what comes of who answers within one.
    """
    rows = [row for row in strata if row.base > 0]
    known = [row for row in rows if row.answers]
    base = sum(row.base for row in known)
    if not base:
        return None
    with localcontext(prec=50):
        middle, spread = Decimal(0), Decimal(0)
        for row in known:
            share = Decimal(row.base) / base
            mean = Decimal(row.promoters - row.detractors) / row.answers
            variance = Decimal(row.promoters + row.detractors) / row.answers - mean * mean
            middle += share * mean
            spread += share * share * max(Decimal(0), variance) / row.answers
        half = _HUNDRED * Z * spread.sqrt()
        return Reweighted(_HUNDRED * middle, _cut(_HUNDRED * middle, half), Decimal(base) / sum(row.base for row in rows), len(known))
