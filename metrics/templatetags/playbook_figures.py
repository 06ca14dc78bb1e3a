"""Differences of shares and of scores as people read them: with a sign, in percentage points or points."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.translation import gettext as _

from accounts.wording import number

register = template.Library()


def _signed(value: float | Decimal) -> str:
    amount = round(Decimal(str(value)), 1)
    return ("+" if amount > 0 else "−" if amount < 0 else "") + number(abs(amount))


@register.filter
def share_points(value: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return _("%(points)s pp") % {"points": _signed(value * 100)}


@register.filter
def share_span(interval: tuple[float, float]) -> str:
    """The interval of such a difference."""
    return _("%(low)s to %(high)s pp") % {"low": _signed(interval[0] * 100), "high": _signed(interval[1] * 100)}


@register.filter
def score_points(value: Decimal) -> str:
    """A difference of scores in points, with its sign."""
    return _signed(value)


@register.filter
def score_span(interval: tuple[Decimal, Decimal]) -> str:
    """The interval of such a difference."""
    return _("%(low)s to %(high)s") % {"low": _signed(interval[0]), "high": _signed(interval[1])}
