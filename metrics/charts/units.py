"""How the values of a chart are told in full and on its axis, and where its ticks lie. Reads the active language."""

from __future__ import annotations

import math
from decimal import Decimal

from babel.numbers import format_compact_currency, format_compact_decimal
from django.conf import settings

from accounts import wording

# money in units of the reporting currency, fractions of 1, lengths of time in seconds
UNITS = ("money", "fraction", "points", "count", "number", "scale", "ratio", "seconds")
Value = Decimal | int | float
_SECONDS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000)
MINUS = "−"


def say(value: Value | None, unit: str = "number") -> str:
    """A value in full, as the reader writes it; a dash for nothing."""
    if value is None:
        return wording.DASH
    exact = Decimal(str(value))
    if unit == "money":
        return wording.money(int(exact * 1_000_000), settings.REPORTING_CURRENCY).replace("-", MINUS)
    if unit == "fraction":
        return wording.percent(exact, 1).replace("-", MINUS)
    if unit == "seconds":
        return wording.duration(exact)
    return wording.number(exact).replace("-", MINUS)


def signed(value: Value, unit: str = "number") -> str:
    """A change with its sign."""
    return f"+{say(value, unit)}" if value > 0 else say(value, unit)


def short(value: Value | None, unit: str = "number") -> str:
    """A value as it stands on an axis or in a bar: 12.5K, €3M, 80%."""
    if value is None:
        return wording.DASH
    exact = Decimal(str(value))
    if unit == "money":
        if abs(exact) < 1000:
            return say(exact, unit)
        return format_compact_currency(exact, settings.REPORTING_CURRENCY, locale=wording.locale(), fraction_digits=1).replace("-", MINUS)
    if unit in {"count", "number", "ratio"} and abs(exact) >= 10_000:
        return format_compact_decimal(exact, locale=wording.locale(), fraction_digits=1).replace("-", MINUS)
    if unit == "fraction":
        return wording.percent(exact, 0 if exact * 100 == (exact * 100).to_integral_value() else 1).replace("-", MINUS)
    return say(exact, unit)


def ticks(low: float, high: float, unit: str = "number", about: int = 5) -> list[float]:
    """Round values from at or below `low` to at or above `high`; never fewer than two."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return [0.0, 1.0]
    if high <= low:
        low, high = (min(low, 0.0), max(high, 0.0)) if low else (0.0, 1.0)
    step = _step((high - low) / about, unit)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # rounded, so that 3 x 0.1 reads 0.3 and equals itself wherever it is drawn
    return [round(step * place, 12) for place in range(first, max(last, first + 1) + 1)]


def _step(rough: float, unit: str) -> float:
    if unit == "seconds":
        return float(next((step for step in _SECONDS if step >= rough), math.ceil(rough / _SECONDS[-1]) * _SECONDS[-1]))
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.999)
    return max(step, 1.0) if unit == "count" else step
