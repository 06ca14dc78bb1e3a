"""What the pages of the lifecycle show: names by key, days that are over."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def named(names: Mapping[str, str], key: str | None) -> str:
    """A stage's name; that of no stage for none."""
    return names.get(key or "", key or "")


@register.filter
def negative(number: int) -> int:
    """A number with the other sign."""
    return -number
