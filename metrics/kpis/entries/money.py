"""Entries of orders, contracts, trials, costs and returns."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import ACCOUNT, MRR_PARAMS, WINDOW_PARAMS, Kpi, Param, decimal, key, whole, wholes

ENTRIES: tuple[Kpi, ...] = (
    Kpi(
        "aov",
        _("Average transaction size (AOV)"),
        _("Revenue of the completed orders net of refunds, before tax and shipping, divided by their number."),
        "money",
        ("standard",),
        ACCOUNT,
        kind="operational",
    ),
    Kpi(
        "acv",
        _("Average contract value"),
        _("Whole value of the contracts signed in the period, divided by the customers who signed their first."),
        "money",
        ("tcv_per_new_customer", "annualised"),
        ACCOUNT,
        {"year": Param(whole(1), 1)},
    ),
    Kpi(
        "arpu",
        _("Average revenue per customer"),
        _("Revenue of the period divided by the customers, on average of its start and end."),
        "money",
        ("average_start_end", "revenue_per_customer"),
        ACCOUNT,
        {**MRR_PARAMS, **WINDOW_PARAMS},
    ),
    Kpi(
        "conversion_rate",
        _("Trial conversion rate"),
        _("Trials started in the period that became paid, divided by the trials started."),
        "fraction",
        ("trial_cohort", "same_period", "funnel"),
        ACCOUNT,
        {**MRR_PARAMS, "within_days": Param(whole(0)), "from_event": Param(key), "to_event": Param(key)},
        kind="operational",
        timing="leading",
    ),
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
    Kpi(
        "crc",
        _("Customer retention cost"),
        _("Cost of customer success in the period, divided by the customers at its end."),
        "money",
        ("per_customer", "per_retained_customer"),
        ("segment", "category"),
        {**MRR_PARAMS, **WINDOW_PARAMS},
        good="down",
    ),
    Kpi(
        "cx_roi",
        _("Return on customer experience"),
        _("What keeping a few customers more each month brings in a year, less its cost, divided by that cost."),
        "ratio",
        ("simple", "cumulative", "cumulative_with_churn"),
        ("segment",),
        {
            **MRR_PARAMS,
            "k": Param(wholes(1), (1, 5, 10)),
            "months": Param(wholes(1, 1200), (1, 3, 12, 36, 60, 120)),
            "margin": Param(decimal("0", "1")),
            "programme_cost_per_month": Param(decimal("0", "1000000000000")),
            "team_cost_per_month": Param(decimal("0", "1000000000000")),
            "one_off_cost": Param(decimal("0", "1000000000000"), Decimal(0)),
            "arpa": Param(decimal("0", "1000000000000")),
            "churn": Param(decimal("0", "1")),
        },
        timing="leading",
    ),
)
