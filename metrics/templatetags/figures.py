"""Figures on pages: names in words, numbers as the reader writes them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.safestring import SafeString

from accounts import wording
from accounts.models import LifecycleStage, Segment
from metrics import words
from metrics.charts import Chart, say

register = template.Library()


@register.filter
def variant_name(name: str) -> str:
    """A variant in words."""
    return words.variant(name)


@register.filter
def dimension_name(name: str) -> str:
    """A dimension in words."""
    return words.dimension(name)


@register.filter
def part_name(name: str) -> str:
    """A part of a figure in words."""
    return words.part(name)


@register.filter
def duration(seconds: Any) -> SafeString:
    """Seconds as hours and minutes, the exact seconds on hover; a dash for nothing."""
    return words.seconds(None if seconds is None else Decimal(seconds))


@register.filter
def clock_name(name: str) -> str:
    """A clock in words."""
    return words.clock(name)


@register.filter
def as_money(value: Any) -> str:
    """An amount in units of the reporting currency; a dash for nothing."""
    return say(value, "money")


@register.filter
def exact_number(value: Any) -> str:
    """A figure that came as text, with the reader's separators; a dash for nothing."""
    try:
        return wording.number(None if value is None else Decimal(str(value))).replace("-", "−")
    except InvalidOperation:
        return str(value)


@register.simple_tag(takes_context=True)
def chart_address(context: template.Context, chart: Chart, kind: str) -> str:
    """Where a chart of this page or fragment comes as a file: the same address with the kind and the chart's name."""
    request = context["request"]
    query = request.GET.copy()
    query["export"], query["chart"] = kind, chart.name
    return f"{request.path}?{query.urlencode()}"


@register.simple_tag
def named_groups(groups: list[tuple[str, str, str]], dimension: str) -> list[tuple[str, str, str]]:
    """Groups with what each is called: shipped names, countries and languages in the reader's language, all else as it is."""
    if dimension == "segment":
        names = {row.key: wording.segment_name(row) for row in Segment.objects.all()}
    elif dimension == "lifecycle_stage":
        names = {row.key: wording.stage_name(row) for row in LifecycleStage.objects.all()}
    else:
        names = {key: str(name) for key, name in {"business_model": words.BUSINESS_MODELS, "severity": words.SEVERITIES}.get(dimension, {}).items()}
    say = {"country": wording.country_name, "language": wording.language_name}.get(dimension, str)
    return [(names.get(key) or say(key), value, size) for key, value, size in groups]
