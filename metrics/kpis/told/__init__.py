"""The catalogue in words, one module a family; each has `TOLD` by name of the KPI."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import Told
from metrics.kpis.told import lifetime, money, revenue, support, voice

__all__ = ["ARTICLES", "GROUPS", "TOLD", "Told", "sources"]

TOLD: dict[str, Told] = {name: told for family in (voice, revenue, support, money, lifetime) for name, told in family.TOLD.items()}

# groups of the catalogue, in the order of its page
GROUPS: dict[str, Any] = {
    "revenue": _("Revenue"),
    "retention": _("Churn and retention"),
    "value": _("Value"),
    "voice": _("Voice of the customer"),
    "support": _("Support"),
    "team": _("Team"),
    "return": _("Cost and return"),
}

ARTICLES: dict[int, Any] = {
    0: _("Metrics of customer success, article 1"),
    1: _("Return on investment in customer experience, article 2"),
    2: _("Customer success against churn, article 3"),
    3: _("Nine metrics of customer success, article 4"),
    4: _("KPIs of customer experience, article 5"),
}


def sources(told: Told) -> list[str]:
    """Where a KPI comes from, in words."""
    return [str(ARTICLES[number]) for number in told.articles] or [str(_("Customary in subscription businesses"))]
