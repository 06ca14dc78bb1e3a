"""The catalogue on pages: names of groups, targets in their unit, sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import drawing, wording
from metrics.catalogue.telling import value_of
from metrics.kpis.catalogue import CATALOGUE
from metrics.models import KpiSetting

register = template.Library()


@register.filter
def month_of(day: str) -> str:
    """The month of a day written as in addresses."""
    return wording.month(dt.date.fromisoformat(day))


@register.filter
def edge(text: str) -> str:
    """An edge of a period as it stands in an address: a day in the reader's way, an instant as it is."""
    try:
        return wording.day(dt.date.fromisoformat(text))
    except ValueError:
        return text


@register.simple_tag
def standing(band: str) -> SafeString:
    """How a figure stands to its target, as sign and words; nothing where nothing can be said."""
    told = {"healthy": ("good", _("on target")), "watch": ("watch", _("near the target")), "at_risk": ("risk", _("off target"))}.get(band)
    if told is None:
        return SafeString("")
    return format_html('<span class="band" data-band="{}">{}{}</span>', told[0], drawing.icon(f"s-{told[0]}", 9), told[1])


@register.simple_tag
def group_name(names: Mapping[str, str], key: str) -> str:
    """What a group is called; one without a value says so."""
    return names.get(key, key) if key else _("without")


@register.simple_tag
def target_value(row: KpiSetting, value: Decimal | None) -> str:
    """A target of the history in the unit of its KPI; a dash for none, the bare number where the KPI is gone."""
    kpi = CATALOGUE.get(row.kpi)
    if value is None or kpi is None:
        return "–" if value is None else str(value)
    return value_of(kpi, row.variant or kpi.variants[0], str(value))
