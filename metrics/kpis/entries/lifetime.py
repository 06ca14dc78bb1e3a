"""Entries of lifetimes: cohorts, tenure, lifetime value."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import ACCOUNT, MRR_PARAMS, Kpi, Param, choice, decimal, whole

ENTRIES: tuple[Kpi, ...] = (
    Kpi(
        "clv",
        _("Customer lifetime value"),
        _("What a customer brings over the time it stays: ARPA times margin over the monthly rate at which customers leave."),
        "money",
        ("arpa_margin_over_churn", "arpa_over_churn", "value_x_lifespan", "retention_discount", "survival_rmst", "survival_monthly_sum"),
        ACCOUNT,
        {
            **MRR_PARAMS,
            "margin": Param(decimal("0", "1")),
            "churn_months": Param(whole(1, 120), 6),
            "horizon_months": Param(whole(1)),
            "time": Param(choice("days", "whole_months"), "days"),
            "lifespan_months": Param(decimal("0", "1200")),
            "discount_rate": Param(decimal("0", "10")),
            "arpa": Param(decimal("0")),
            "churn": Param(decimal("0", "1")),
            "retention": Param(decimal("0", "1")),
        },
        ecommerce_variant="value_x_lifespan",
    ),
    Kpi(
        "cohort_retention",
        _("Cohort retention"),
        _("Of the customers that came in a month, the share that was there so many months later."),
        "fraction",
        ("active_at_period_end", "bought_in_period", "retained_at_day_n", "mrr_at_period_end"),
        ACCOUNT,
        {**MRR_PARAMS, "cohort": Param(choice("month"), "month"), "periods": Param(whole(0), 12), "k": Param(whole(0), 1), "n_days": Param(whole(0), 30)},
        ecommerce_variant="bought_in_period",
    ),
    Kpi(
        "tenure_survival",
        _("Tenure (survival)"),
        _("The share of customers that stays longer than so many months, from all tenures, ended or not (Kaplan-Meier)."),
        "fraction",
        ("kaplan_meier",),
        ACCOUNT,
        {**MRR_PARAMS, "time": Param(choice("exact_months", "whole_months", "days"), "exact_months"), "gap_days": Param(whole(0), 30), "horizon_months": Param(whole(1), 12)},
    ),
)
