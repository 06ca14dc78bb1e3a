"""Names of surveys and touchpoints in templates."""

from __future__ import annotations

from django import template

from surveys.models import Survey, Touchpoint
from surveys.wording import shipped_name

register = template.Library()


@register.filter
def shipped(row: Survey | Touchpoint) -> str:
    """The name; those that Vefa ships are in the reader's language."""
    return shipped_name(row)
