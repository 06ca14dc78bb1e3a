"""In words: orders, contracts, trials, costs and returns."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import Told, Way

_COST = _("Cost of the period")

TOLD: dict[str, Told] = {
    "aov": Told(
        "revenue",
        _("Completed orders and one-time purchases of the period; what was wholly paid back by its end is out."),
        {"standard": Way(_("revenue without tax and shipping, net of refunds / orders"), _("One sale, not one customer."), _("Revenue of the orders"), _("Completed orders"))},
        (1,),
    ),
    "acv": Told(
        "revenue",
        _("Contracts signed in the period; for the value of a year those that run in their year."),
        {
            "tcv_per_new_customer": Way(
                _("whole value of the contracts, with one-time fees / customers who signed their first"),
                _("What a new customer commits to."),
                _("Whole value of the contracts"),
                _("New customers"),
            ),
            "annualised": Way(
                _("sum of (value − one-time fees) / years / contracts"), _("Terms of different length become comparable."), _("Value of a year of all contracts"), _("Contracts")
            ),
        },
        (1,),
    ),
    "arpu": Told(
        "revenue",
        _("Customers by subscription and by order, with all revenue of the period."),
        {
            "average_start_end": Way(
                _("revenue of the period / mean of the customers at its start and its end"),
                _("For periods in which the base grows."),
                _("Revenue of the period"),
                _("Customers on average"),
            ),
            "revenue_per_customer": Way(
                _("revenue of the period / customers at its end"), _("Simple; looks low while the base grows."), _("Revenue of the period"), _("Customers at the end")
            ),
        },
        (2,),
    ),
    "conversion_rate": Told(
        "revenue",
        _("Accounts whose first trial began in the period; who paid already has no trial."),
        {
            "trial_cohort": Way(
                _("trials started in the period that became paid until now / trials started"),
                _("Follows the same people; may still rise."),
                _("Trials that became paid"),
                _("Trials started"),
            ),
            "same_period": Way(
                _("trials that became paid in the period / trials started in it"), _("Settled at once; may exceed 100 %."), _("Trials paid in the period"), _("Trials started")
            ),
            "funnel": Way(
                _("accounts with the second event after the first / accounts with the first event in the period"),
                _("Any two events; both are given."),
                _("Accounts that came on"),
                _("Accounts with the first event"),
            ),
        },
        (4,),
    ),
    "support_cost": Told(
        "return",
        _("Cost lines of support, quality and service, spread over their days. Lines without a segment are shared out by customers where a segment is asked for."),
        {
            "amount": Way(_("cost of support, quality and service in the period"), _("The whole amount."), _COST),
            "per_resolved_ticket": Way(_("cost / tickets resolved"), _("What one resolution costs."), _COST, _("Tickets resolved")),
            "per_customer": Way(_("cost / customers at the end"), _("What support costs for each customer."), _COST, _("Customers at the end")),
        },
        (1,),
    ),
    "crc": Told(
        "return",
        _("Cost lines of team, programmes, onboarding, training, tools and marketing for customers, spread over their days."),
        {
            "per_customer": Way(_("cost / customers at the end"), _("Over everybody there is."), _COST, _("Customers at the end")),
            "per_retained_customer": Way(_("cost / customers of the start who are still there"), _("Over those who were kept."), _COST, _("Customers kept")),
        },
        (2, 3),
    ),
    "cx_roi": Told(
        "return",
        _("Customers kept in addition each month, at the mean revenue, against the cost of team and programmes."),
        {
            "simple": Way(_("(customers × ARPA × margin × months − cost) / cost"), _("The same few kept; nothing adds up."), _("Gain less cost"), _COST),
            "cumulative": Way(_("(customers × ARPA × margin × months × (months + 1) / 2 − cost) / cost"), _("Each month as many more, and all stay."), _("Gain less cost"), _COST),
            "cumulative_with_churn": Way(_("the same, of whom some leave again at the monthly churn"), _("The careful one."), _("Gain less cost"), _COST),
        },
        (1,),
        no_rows=_("A calculation from ARPA, churn and the cost ledger: open the rows of each of them."),
        inputs=("arpa", "logo_churn", "crc"),
    ),
}
