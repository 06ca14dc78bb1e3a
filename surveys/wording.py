"""Touchpoints and surveys by name, in the reader's language. Their sentence: `programme_wording`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

# names that Vefa ships, so that readers get them in their language; a renamed one stays as it was named
_SHIPPED: dict[str, Any] = {
    "Relationship NPS": gettext_lazy("Relationship NPS"),
    "Satisfaction (CSAT)": gettext_lazy("Satisfaction (CSAT)"),
    "Effort (CES)": gettext_lazy("Effort (CES)"),
    "Exit": gettext_lazy("Exit"),
    "After onboarding": gettext_lazy("After onboarding"),
    "After the trial": gettext_lazy("After the trial"),
    "After a purchase": gettext_lazy("After a purchase"),
    "After a solved ticket": gettext_lazy("After a solved ticket"),
    "Before a renewal": gettext_lazy("Before a renewal"),
    "After a cancellation": gettext_lazy("After a cancellation"),
    "Relationship, every half year": gettext_lazy("Relationship, every half year"),
}


def shipped_name(row: Any) -> str:
    """The name of a survey or touchpoint, in the reader's language where it is one that Vefa ships."""
    return str(_SHIPPED.get(row.name, row.name))
