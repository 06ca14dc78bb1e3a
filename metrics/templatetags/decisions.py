"""Money in units, changes and intervals on the pages of decisions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.utils.translation import gettext as _

from accounts import wording
from metrics.formulas.comparison import Estimate
from surveys.readings import signed

register = template.Library()


def money(value: Decimal | None) -> str:
    """Units of the reporting currency as money; a dash for nothing, which templates hand over as an empty text."""
    return wording.money(int((value * 1_000_000).to_integral_value()) if value or value == 0 else None, settings.REPORTING_CURRENCY)


@register.filter
def units(value: Decimal | None) -> str:
    """Units of the reporting currency as money; a dash for nothing."""
    return money(value)


@register.filter
def signed_units(value: Decimal | None) -> str:
    """Money with its sign; a dash for nothing."""
    if not value and value != 0:
        return wording.DASH
    return f"+{money(value)}" if value > 0 else f"−{money(-value)}" if value < 0 else money(value)


@register.filter
def money_span(interval: tuple[Decimal, Decimal] | None) -> str:
    """An interval of money, from nothing below 0 on; empty for none."""
    return "" if not interval else _("%(low)s to %(high)s") % {"low": money(max(interval[0], Decimal(0))), "high": money(interval[1])}


@register.filter
def signed_money_span(interval: tuple[Decimal, Decimal] | None) -> str:
    """An interval of gains or losses; empty for none."""
    return "" if not interval else _("%(low)s to %(high)s") % {"low": signed_units(interval[0]), "high": signed_units(interval[1])}


@register.filter
def share_span(found: Any) -> str:
    """The interval of a share (an estimate or two edges), cut to what a share can be; empty for none."""
    interval = found.interval if isinstance(found, Estimate) else found
    if not interval:
        return ""
    low, high = (wording.percent(min(max(edge, Decimal(0)), Decimal(1)), 1) for edge in interval)
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


@register.filter
def share_points(value: Decimal | None) -> str:
    """A change of a share in percentage points; a dash for nothing."""
    return wording.DASH if not value and value != 0 else _("%(points)s pp") % {"points": signed(100 * value, 1)}


@register.filter
def places(value: Decimal | None, digits: int = 2) -> str:
    """A number with so many places and its sign; a dash for nothing."""
    return wording.DASH if not value and value != 0 else signed(value, int(digits))


@register.filter
def day_before(moment: Any) -> Any:
    """The day before an exclusive end: the last day of a period."""
    return moment.fromordinal(moment.toordinal() - 1)


@register.filter
def all_parts(cells: dict[str, Any]) -> Any:
    """The cell of all parts of a budget together."""
    return cells[""]
