"""In words: lifetimes and what they are worth."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import Told, Way

_VALUE = _("Value of a customer")
_SIZES = _("Customers of the cohorts that have the cell")

TOLD: dict[str, Told] = {
    "clv": Told(
        "value",
        _("Customers at the end of the period, with the churn of the last six closed months or the tenures seen so far. Without a margin the value is revenue, and says so."),
        {
            "arpa_margin_over_churn": Way(_("ARPA × margin / monthly churn"), _("The usual one; not defined while nobody leaves."), _VALUE),
            "arpa_over_churn": Way(_("ARPA / monthly churn"), _("Revenue, not profit."), _VALUE),
            "value_x_lifespan": Way(_("monthly spend of a customer × lifespan × margin"), _("For shops; the lifespan is 1 / churn where none is set."), _VALUE),
            "retention_discount": Way(_("yearly margin × retention / (1 + discount rate − retention)"), _("What comes later is worth less."), _VALUE),
            "survival_rmst": Way(_("ARPA × margin × expected tenure within the longest seen"), _("Uses how long customers really stayed; careful."), _VALUE),
            "survival_monthly_sum": Way(_("sum over the months of ARPA × margin × share still there"), _("The same, month by month."), _VALUE),
        },
        (0, 1, 2, 4),
        no_rows=_("A calculation from ARPA, margin and churn: open the rows of each of them."),
        inputs=("arpa", "logo_churn"),
    ),
    "cohort_retention": Told(
        "retention",
        _("Customers by the calendar month in which they came, with what became of them until now."),
        {
            "active_at_period_end": Way(_("customers with MRR at the end of month k / customers of the cohort"), _("Who stays."), _("Customers still there"), _SIZES),
            "bought_in_period": Way(_("customers with an order in month k / customers of the cohort"), _("For shops: who orders again."), _("Customers with an order"), _SIZES),
            "retained_at_day_n": Way(_("sign-ups with service after n days / sign-ups"), _("By sign-up, trials included."), _("Sign-ups still there"), _("Sign-ups")),
            "mrr_at_period_end": Way(_("MRR of the cohort at the end of month k / its first MRR"), _("What stays in money."), _("MRR still there"), _("First MRR of the cohorts")),
        },
    ),
    "tenure_survival": Told(
        "retention",
        _("All tenures that began before the end: from the first MRR to the end of the last service; those that last are counted as far as they are known."),
        {
            "kaplan_meier": Way(
                _("product over the months of (1 − ended / still there)"), _("Uses tenures that have not ended as well (Kaplan-Meier)."), _("Share still there at the horizon")
            )
        },
        no_rows=_("A curve over all tenures, no sum; the rows are the tenures themselves."),
    ),
}
