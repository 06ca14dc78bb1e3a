"""How figures leave the engine: exact decimals as strings. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

_TWELVE = Context(prec=12, rounding=ROUND_HALF_UP)


def decimal_text(value: Decimal | int | None) -> str | None:
    """A decimal as text: up to 12 significant digits, half away from zero, no exponent; None stays None."""
    if value is None:
        return None
    rounded = _TWELVE.plus(Decimal(value))
    if rounded == 0:
        return "0"
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def ratio(numerator: Decimal | int, denominator: Decimal | int) -> Decimal | None:
    """numerator / denominator with 28 digits; None over nothing, never 0 and never infinity."""
    if not denominator:
        return None
    return Decimal(numerator) / Decimal(denominator)
