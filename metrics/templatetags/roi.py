"""Figures of returns on pages: money with its currency, shares with their sign, lengths in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template

from accounts import wording
from metrics.roi.inputs import amount as _amount
from metrics.roi.studio import length

register = template.Library()


@register.filter
def amount(value: Any) -> str:
    """Units of the reporting currency (a number or its text) as money; a dash for nothing."""
    return _amount(None if value is None else Decimal(str(value)))


@register.filter
def share(value: Any) -> str:
    """A return as percent with a true minus; a dash for nothing."""
    return wording.percent(None if value is None else Decimal(str(value))).replace("-", "−")


@register.filter
def length_words(months: int) -> str:
    """A number of months in words."""
    return length(int(months))


@register.filter
def points_signed(value: Any) -> str:
    """Points with their sign; a dash for nothing."""
    return wording.DASH if value is None else f"{round(Decimal(str(value))):+d}".replace("-", "−")
