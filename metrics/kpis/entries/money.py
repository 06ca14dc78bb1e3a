"""Entries of orders, contracts, trials, costs and returns."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import MRR_PARAMS, WINDOW_PARAMS, Kpi

ENTRIES: tuple[Kpi, ...] = (
    Kpi(
        "support_cost",
        _("Support cost"),
        _("Costs of support, quality and service outside production, spread over their days."),
        "money",
        ("amount", "per_resolved_ticket", "per_customer"),
        ("segment", "category"),
        {**MRR_PARAMS, **WINDOW_PARAMS},
        good="down",
        kind="operational",
    ),
)
