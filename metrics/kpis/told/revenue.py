"""In words: recurring revenue, churn and retention."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import Told, Way

_PAYING = _("Subscriptions in force at the end of the period. Trials, free ones, one-time fees, tax and usage are out; who is past due is in until it is cancelled or unpaid.")
_OPENING = _("Customers of the start, each with its MRR at the start and at the end. What began after the start is out.")
_CUSTOMERS = _("Customers at the start: by MRR where they subscribe, by an order in the months before where they buy.")
_MRR_START = _("MRR at the start")
_AT_START = _("Customers at the start")
_DAYS = _("The share lost of each day, added up. It is no part of one whole, so no rows sum to it.")
_NO_SUM = _("A sum of daily rates has no rows of its own; the rows of the standard variant are the losses of the period.")

TOLD: dict[str, Told] = {
    "mrr": Told(
        "revenue",
        _PAYING,
        {"standard": Way(_("sum of the amounts per month of all subscriptions in force"), _("The state at the end, in the reporting currency."), _("MRR at the end"))},
        (0, 2),
    ),
    "arr": Told("revenue", _PAYING, {"mrr_x_12": Way(_("12 × MRR at the end"), _("A year, if nothing changed."), _("Twelve times MRR at the end"))}),
    "mrr_movements": Told(
        "revenue",
        _("All accounts with MRR at the start or at the end."),
        {
            "net_per_account": Way(
                _("closing − opening − exchange rates = new + expansion − contraction − churned + reactivation"),
                _("Start against end, account by account: down and up again within the period is nothing."),
                _("Net new MRR"),
            ),
            "event_log": Way(_("the same sum, each change a movement of its own"), _("Every movement as it happened; comes to the same net sum."), _("Net new MRR")),
        },
        (2,),
    ),
    "arpa": Told(
        "revenue",
        _PAYING,
        {"closing": Way(_("MRR at the end / accounts with MRR at the end"), _("What an account pays a month."), _("MRR at the end"), _("Accounts with MRR at the end"))},
    ),
    "quick_ratio": Told(
        "revenue",
        _("All accounts with MRR at the start or at the end."),
        {
            "standard": Way(
                _("(new + expansion) / (churned + contraction)"), _("What was won for each unit lost; above 4 is fast."), _("New and expansion"), _("Churned and contraction")
            ),
            "with_reactivation": Way(
                _("(new + expansion + reactivation) / (churned + contraction)"),
                _("Who came back counts as won."),
                _("New, expansion and reactivation"),
                _("Churned and contraction"),
            ),
        },
    ),
    "logo_churn": Told(
        "retention",
        _CUSTOMERS,
        {
            "start_of_period": Way(
                _("customers at the start that are none at the end / customers at the start"),
                _("Lost of those who were there; with retention it is 100 %."),
                _("Customers lost"),
                _AT_START,
            ),
            "stripe_start_plus_new": Way(
                _("times somebody left / (customers at the start + new ones)"),
                _("New customers widen the base, who leaves twice counts twice."),
                _("Losses"),
                _("Customers at the start and new ones"),
            ),
            "lost_over_gained": Way(
                _("customers lost / customers won"), _("Above 1 the base shrinks; without a new customer it is not defined."), _("Customers lost"), _("Customers won")
            ),
            "daily_sum": Way(_("sum over the days of the share of its customers that each day lost"), _DAYS, _("Sum of the daily rates")),
        },
        (0, 1, 2, 3),
        no_rows=_NO_SUM,
    ),
    "customers_lost": Told(
        "retention", _CUSTOMERS, {"start_of_period": Way(_("customers at the start that are none at the end"), _("The count behind the churn rate."), _("Customers lost"))}, (0, 4)
    ),
    "customer_retention_rate": Told(
        "retention",
        _CUSTOMERS,
        {
            "start_of_period": Way(
                _("(customers at the end − new − reactivated) / customers at the start"), _("1 less the churn rate of the same customers."), _("Customers kept"), _AT_START
            )
        },
        (0,),
    ),
    "gross_mrr_churn": Told(
        "retention",
        _OPENING,
        {
            "standard": Way(_("(churned + contraction) / MRR at the start"), _("Everything lost, growth left out."), _("MRR lost"), _MRR_START),
            "cancel_only": Way(_("churned / MRR at the start"), _("Who pays less but stays is not counted."), _("MRR of those who left"), _MRR_START),
            "daily_sum": Way(_("sum over the days of what each day lost of its MRR"), _DAYS, _("Sum of the daily rates")),
        },
        (2,),
        no_rows=_NO_SUM,
    ),
    "net_mrr_churn": Told(
        "retention",
        _OPENING,
        {
            "cohort": Way(
                _("(churned + contraction − expansion) / MRR at the start"), _("Below zero the same customers pay more than before."), _("MRR lost less expansion"), _MRR_START
            ),
            "with_reactivation": Way(
                _("(churned + contraction − expansion − reactivation) / MRR at the start"),
                _("Who came back makes good for who left."),
                _("MRR lost less expansion and reactivation"),
                _MRR_START,
            ),
            "daily_sum": Way(_("sum over the days of what each day lost of its MRR, net of its growth"), _DAYS, _("Sum of the daily rates")),
        },
        (2,),
        no_rows=_NO_SUM,
    ),
    "grr": Told(
        "retention",
        _OPENING,
        {"standard": Way(_("the smaller of start and end of each customer / MRR at the start"), _("At most 100 %: growth does not hide losses."), _("MRR kept"), _MRR_START)},
    ),
    "nrr": Told(
        "retention",
        _OPENING,
        {
            "cohort": Way(
                _("MRR at the end of the customers of the start / MRR at the start"),
                _("Above 100 % the base grows without a new customer."),
                _("MRR at the end of the same customers"),
                _MRR_START,
            )
        },
    ),
    "churn_by_inactivity": Told(
        "retention",
        _("Accounts with a completed order in the window (six months) before the start."),
        {
            "window": Way(
                _("active at the start and not at the end / active at the start"),
                _("For shops, where nobody cancels."),
                _("Customers without an order in the window"),
                _("Customers active at the start"),
            )
        },
        (0,),
    ),
}
