"""Money arithmetic that everybody shares: monthly normalisation in millionths. Pure.

Source of the rule: definitions of recurring revenue in `docs/metrics.md` — a span's MRR is
quantised once, when it is written, to 6 decimals, half away from zero.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

MICROS = 1_000_000
# units a month that fit into the millionths of a span
MOST_A_MONTH = 9_000_000_000_000

# months that one interval stands for, as a fraction (numerator, denominator)
_MONTHS = {"day": (12, 365), "week": (12, 52), "month": (1, 1), "quarter": (3, 1), "half_year": (6, 1), "year": (12, 1)}
INTERVALS = tuple(_MONTHS)


def to_micros(amount: Decimal) -> int:
    """Units of a currency -> whole millionths, half away from zero."""
    return int((amount * MICROS).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def from_micros(micros: int) -> Decimal:
    """Whole millionths -> units of the currency, exact."""
    return Decimal(micros) / MICROS


def monthly_micros(*, amount: Decimal, quantity: Decimal, interval: str, interval_count: int, discount_percent: Decimal = Decimal(0)) -> int:
    """MRR of one span in millionths: amount x quantity, less the discount, per month.

    month 1, quarter /3, half_year /6, year /12, k months /k, week x 52/12, day x 365/12.
    Raises KeyError for an unknown interval, ZeroDivisionError for a count of 0.
    """
    numerator, denominator = _MONTHS[interval]
    per_interval = amount * quantity * (Decimal(100) - discount_percent) / Decimal(100)
    return to_micros(per_interval * denominator / (Decimal(numerator) * interval_count))
