"""Entries of recurring revenue, churn and retention."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import ACCOUNT, ANNUALISE, MRR_PARAMS, SPAN, WINDOW_PARAMS, Kpi

ENTRIES: tuple[Kpi, ...] = (
    Kpi(
        "mrr",
        _("Monthly recurring revenue"),
        _("Sum over the subscriptions in force of their amount per month."),
        "money",
        ("standard",),
        ACCOUNT + SPAN,
        MRR_PARAMS,
    ),
    Kpi("arr", _("Annual recurring revenue"), _("Twelve times MRR at the same instant."), "money", ("mrr_x_12",), ACCOUNT + SPAN, MRR_PARAMS),
    Kpi(
        "mrr_movements",
        _("MRR movements"),
        _("New, expansion, contraction, churn and reactivation between opening and closing; they add up to the last digit."),
        "money",
        ("net_per_account", "event_log"),
        (*ACCOUNT, *SPAN, "reason"),
        MRR_PARAMS,
    ),
    Kpi("arpa", _("Average revenue per account"), _("MRR at the end divided by the accounts that have any."), "money", ("closing",), ACCOUNT, MRR_PARAMS),
    Kpi(
        "quick_ratio", _("Quick ratio"), _("New and expansion revenue divided by what was lost."), "ratio", ("standard", "with_reactivation"), ACCOUNT, MRR_PARAMS, timing="leading"
    ),
    Kpi(
        "logo_churn",
        _("Customer churn rate"),
        _("Customers at the start that are none at the end, divided by customers at the start."),
        "fraction",
        ("start_of_period", "stripe_start_plus_new", "lost_over_gained", "daily_sum"),
        (*ACCOUNT, "reason"),
        {**MRR_PARAMS, **WINDOW_PARAMS, **ANNUALISE},
        {"lost_over_gained": "ratio"},
        good="down",
    ),
    Kpi(
        "customers_lost",
        _("Customers lost"),
        _("Customers at the start that are none at the end."),
        "count",
        ("start_of_period",),
        (*ACCOUNT, "reason"),
        {**MRR_PARAMS, **WINDOW_PARAMS},
        good="down",
        kind="operational",
    ),
    Kpi(
        "customer_retention_rate",
        _("Customer retention rate"),
        _("Customers at the start that are still there at the end, divided by customers at the start."),
        "fraction",
        ("start_of_period",),
        ACCOUNT,
        {**MRR_PARAMS, **WINDOW_PARAMS},
    ),
    Kpi(
        "gross_mrr_churn",
        _("Gross MRR churn rate"),
        _("MRR lost to churn and contraction, divided by opening MRR."),
        "fraction",
        ("standard", "cancel_only", "daily_sum"),
        (*ACCOUNT, "reason"),
        {**MRR_PARAMS, **ANNUALISE},
        good="down",
    ),
    Kpi(
        "net_mrr_churn",
        _("Net MRR churn rate"),
        _("MRR lost less what the same customers grew by, divided by opening MRR."),
        "fraction",
        ("cohort", "with_reactivation", "daily_sum"),
        ACCOUNT,
        {**MRR_PARAMS, **ANNUALISE},
        good="down",
    ),
    Kpi("grr", _("Gross revenue retention"), _("What is kept of the opening MRR, growth left out."), "fraction", ("standard",), ACCOUNT, MRR_PARAMS),
    Kpi("nrr", _("Net revenue retention"), _("Closing MRR of the customers of the opening, divided by opening MRR."), "fraction", ("cohort",), ACCOUNT, MRR_PARAMS),
    Kpi(
        "churn_by_inactivity",
        _("Churn by inactivity"),
        _("Customers with an order in the window before the start and none in the window before the end."),
        "fraction",
        ("window",),
        ACCOUNT,
        {**WINDOW_PARAMS, **ANNUALISE},
        good="down",
    ),
)
