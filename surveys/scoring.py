"""What scores mean: groups, low scores, and the figures NPS, CSAT and CES with their intervals. Pure.

Figures are functions of counts and exact Decimals, never of rows, so that whoever counts (a page, a
set-based statement) gets the same figure. Over nothing every figure is None. Half-widths use
z = 1.96 (a share, an NPS) or Student's t (a mean).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache

Z = Decimal("1.96")
Interval = tuple[Decimal, Decimal]

# from here on the expansion of t in 1/df is right to more than ten digits
_T_EXPANDED_FROM = 300
_T_NORMAL = Decimal("1.959963984540054")


@dataclass(frozen=True)
class Scale:
    """The answers a question allows; `low_good` turns its meaning round."""

    low: int
    high: int
    high_good: bool = True

    def holds(self, score: int | None) -> bool:
        """Whether the score lies on the scale; one that does not is invalid and counts nowhere."""
        return score is not None and self.low <= score <= self.high


def group(kind: str, score: int | None, scale: Scale) -> str:
    """The group of one answer: promoter, passive, detractor (NPS); else high, middle, low; `invalid` off the scale.

    NPS: 9-10, 7-8, below. Five-point scales: 4-5, 3, 1-2. Seven-point: 5-7, 4, 1-3. Other scales by thirds.
    """
    if score is None or not scale.holds(score):
        return "invalid"
    if kind == "nps":
        return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"
    good = score if scale.high_good else scale.low + scale.high - score
    twice_from_middle = 2 * good - scale.low - scale.high
    if abs(twice_from_middle) * 6 < scale.high - scale.low or twice_from_middle == 0:
        return "middle"
    return "high" if twice_from_middle > 0 else "low"


def band(kind: str, score: int | None, scale: Scale) -> str:
    """Which "why" is asked after the score: low, middle or high."""
    return {"promoter": "high", "passive": "middle", "detractor": "low", "invalid": "middle"}.get(found := group(kind, score, scale), found)


def is_low(score: int | None, threshold: int | None, scale: Scale) -> bool:
    """Whether the answer is unhappy: on the scale and at or beyond the version's threshold."""
    if score is None or threshold is None or not scale.holds(score):
        return False
    return score <= threshold if scale.high_good else score >= threshold


def split(counts: Mapping[int, int], scale: Scale) -> tuple[dict[int, int], int]:
    """The counts of valid scores, and how many answers were off the scale."""
    valid = {score: count for score, count in counts.items() if scale.holds(score) and count}
    return valid, sum(counts.values()) - sum(valid.values())


def nps(promoters: int, passives: int, detractors: int) -> Decimal | None:
    """100 x (promoters - detractors) / answers, in points from -100 to 100."""
    answers = promoters + passives + detractors
    return Decimal(100 * (promoters - detractors)) / answers if answers else None


def nps_groups(counts: Mapping[int, int], scale: Scale) -> tuple[int, int, int, int]:
    """Promoters, passives, detractors and invalid answers among counts by score (scale 0-10 or 1-10)."""
    valid, invalid = split(counts, scale)
    found = {"promoter": 0, "passive": 0, "detractor": 0}
    for score, count in valid.items():
        found[group("nps", score, scale)] += count
    return found["promoter"], found["passive"], found["detractor"], invalid


def nps_interval(promoters: int, passives: int, detractors: int) -> Interval | None:
    """Wald: var = p + d - (p - d)^2, half width 100 z sqrt(var / n), cut at -100 and 100."""
    answers = promoters + passives + detractors
    if not answers:
        return None
    with localcontext(prec=50):
        plus, minus = Decimal(promoters) / answers, Decimal(detractors) / answers
        middle = plus - minus
        half = 100 * Z * (max(Decimal(0), plus + minus - middle * middle) / answers).sqrt()
        return max(Decimal(-100), 100 * middle - half), min(Decimal(100), 100 * middle + half)


def share(part: int, whole: int) -> Decimal | None:
    """part / whole."""
    return Decimal(part) / whole if whole else None


def wilson_interval(part: int, whole: int) -> Interval | None:
    """The score interval of a share, without continuity correction."""
    if not whole:
        return None
    with localcontext(prec=50):
        portion, squared = Decimal(part) / whole, Z * Z
        below = 1 + squared / whole
        middle = (portion + squared / (2 * whole)) / below
        half = Z * (portion * (1 - portion) / whole + squared / (4 * whole * whole)).sqrt() / below
        return max(Decimal(0), middle - half), min(Decimal(1), middle + half)


def mean(counts: Mapping[int, int]) -> Decimal | None:
    """The mean of scores given as counts by score."""
    answers = sum(counts.values())
    return Decimal(sum(score * count for score, count in counts.items())) / answers if answers else None


@lru_cache(maxsize=512)
def t_975(freedom: int) -> Decimal:
    """The 97.5 % quantile of Student's t for whole degrees of freedom, right to ten digits.

    Raises ValueError below one degree of freedom.
    """
    if freedom < 1:
        raise ValueError("A t quantile needs at least one degree of freedom.")
    if freedom >= _T_EXPANDED_FROM:
        with localcontext(prec=30):
            z, n = _T_NORMAL, Decimal(freedom)
            first = (z**3 + z) / 4
            second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
            third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
            fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
            return z + first / n + second / n**2 + third / n**3 + fourth / n**4
    low, high = 1.9, 13.0
    for _step in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_within(middle, freedom) < 0.95 else (low, middle)
    return Decimal(repr((low + high) / 2))


def _t_within(t: float, freedom: int) -> float:
    """The chance that |T| <= t: a finite sum for whole degrees of freedom (Abramowitz and Stegun 26.7.3, 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for factor in range(3 if odd else 2, freedom - 1, 2):
        term *= square * (factor - 1) / factor
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def t_interval(counts: Mapping[int, int]) -> Interval | None:
    """mean +- t(0.975, n - 1) s / sqrt(n), s with n - 1; None below two answers."""
    answers, middle = sum(counts.values()), mean(counts)
    if answers < 2 or middle is None:
        return None
    with localcontext(prec=50):
        total, squares = sum(score * count for score, count in counts.items()), sum(score * score * count for score, count in counts.items())
        # one division only, so that equal answers have a spread of exactly nothing
        variance = Decimal(answers * squares - total * total) / (answers * (answers - 1))
        half = t_975(answers - 1) * (variance / answers).sqrt()
        exact = Decimal(total) / answers
        return exact - half, exact + half


def csat_top2_share(counts: Mapping[int, int], scale: Scale = Scale(1, 5)) -> Decimal | None:
    """Answers of the two best scores / valid answers."""
    valid, _invalid = split(counts, scale)
    return share(sum(count for score, count in valid.items() if score >= scale.high - 1), sum(valid.values()))


def csat_mean(counts: Mapping[int, int], scale: Scale = Scale(1, 5)) -> Decimal | None:
    """The mean of valid answers, in points of the scale."""
    return mean(split(counts, scale)[0])


def ces_mean(counts: Mapping[int, int], scale: Scale = Scale(1, 7)) -> Decimal | None:
    """The mean effort score, 7 = easiest (or on 1-5 with low good)."""
    return mean(split(counts, scale)[0])


def ces_agree_share(counts: Mapping[int, int]) -> Decimal | None:
    """The share of answers 5 to 7 on the scale of 1 to 7."""
    valid, _invalid = split(counts, Scale(1, 7))
    return share(sum(count for score, count in valid.items() if score >= 5), sum(valid.values()))


def ces_index_groups(counts: Mapping[int, int]) -> tuple[int, int, int]:
    """Easy (6-7), neutral (4-5) and hard (1-3) answers on the scale of 1 to 7."""
    valid, _invalid = split(counts, Scale(1, 7))
    easy = sum(count for score, count in valid.items() if score >= 6)
    hard = sum(count for score, count in valid.items() if score <= 3)
    return easy, sum(valid.values()) - easy - hard, hard


def ces_index(counts: Mapping[int, int]) -> Decimal | None:
    """100 x (easy - hard) / answers, in points; its interval is that of an NPS of the same groups."""
    return nps(*ces_index_groups(counts))
