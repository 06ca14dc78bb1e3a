"""The names that figures carry on the wire, as people read them: variants, parts, dimensions. Pure.

Names stay exact in the API and on the command line; only pages speak of them in words.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

VARIANTS: dict[str, Any] = {
    "standard": _("standard"),
    "nps_0_10": _("scale 0 to 10"),
    "nps_1_10": _("scale 1 to 10"),
    "top2_share": _("share of 4 and 5"),
    "mean": _("mean"),
    "mean_7": _("mean of 1 to 7"),
    "agree_share_7": _("share of 5 to 7"),
    "index_7": _("easy less hard, scale 1 to 7"),
    "mean_5_effort": _("mean of 1 to 5, low is good"),
    "delivered": _("of what was delivered"),
    "sent": _("of what was sent"),
    "closing": _("at the end"),
    "cohort": _("without reactivation"),
    "with_reactivation": _("with reactivation"),
    "mrr_x_12": _("MRR × 12"),
    "net_per_account": _("net, by account"),
    "event_log": _("every single movement"),
    "start_of_period": _("of the customers at the start"),
    "lost_over_gained": _("lost over won"),
    "daily_sum": _("sum of days"),
    "cancel_only": _("cancellations alone"),
    "window": _("by window of time"),
}

DIMENSIONS: dict[str, Any] = {
    "segment": _("Segment"),
    "owner": _("Owner"),
    "plan": _("Plan"),
    "country": _("Country"),
    "industry": _("Industry"),
    "business_model": _("Business model"),
    "language": _("Language"),
    "lifecycle_stage": _("Stage"),
    "product": _("Product"),
    "kind": _("Kind"),
    "currency": _("Currency"),
    "survey": _("Survey"),
    "touchpoint": _("Touchpoint"),
    "agent": _("Agent"),
    "group": _("Group"),
    "category": _("Category"),
    "channel": _("Channel"),
    "severity": _("Severity"),
    "location": _("Location"),
    "reason": _("Reason"),
}

PARTS: dict[str, Any] = {
    "promoters": _("Promoters"),
    "passives": _("Passives"),
    "detractors": _("Detractors"),
    "satisfied": _("Satisfied"),
    "responses": _("Answers"),
    "respondents": _("Respondents"),
    "invalid": _("Off the scale"),
    "easy": _("Easy"),
    "neutral": _("Neutral"),
    "hard": _("Hard"),
    "sent": _("Sent"),
    "bounced": _("Bounced"),
    "delivered": _("Delivered"),
    "completed": _("Answered"),
    "mean_of_mailings": _("Mean of the mailings’ rates"),
    "customers": _("Customers"),
    "subscriptions": _("Subscriptions"),
    "past_due": _("Past due"),
    "mrr": _("MRR"),
    "opening": _("Opening"),
    "new": _("New"),
    "expansion": _("Expansion"),
    "contraction": _("Contraction"),
    "churned": _("Lost"),
    "reactivation": _("Reactivation"),
    "reactivated": _("Reactivated"),
    "retained": _("Retained"),
    "fx": _("Exchange rates"),
    "closing": _("Closing"),
    "net_new": _("Net new"),
    "transient_accounts": _("Came and left within"),
    "customers_start": _("Customers at the start"),
    "customers_new": _("New customers"),
    "customers_reactivated": _("Reactivated customers"),
    "customers_churned": _("Lost customers"),
    "customers_end": _("Customers at the end"),
    "customers_average": _("Customers on average"),
    "churn_events": _("Losses, each counted"),
    "voluntary": _("By choice"),
    "involuntary": _("Not by choice"),
    "rate": _("Rate"),
    "kept": _("Kept"),
    "revenue": _("Revenue"),
}

BUSINESS_MODELS: dict[str, Any] = {"subscription": _("Subscription"), "ecommerce": _("E-commerce")}
SEVERITIES: dict[str, Any] = {"1": _("small"), "2": _("normal"), "3": _("high"), "4": _("urgent")}


def _plain(name: str) -> str:
    return name.replace("_", " ")


def variant(name: str) -> str:
    """A variant's name in the reader's language; an unknown one with its underscores taken out."""
    return str(VARIANTS.get(name) or _plain(name))


def dimension(name: str) -> str:
    """A dimension's name in the reader's language."""
    return str(DIMENSIONS.get(name) or _plain(name))


def part(name: str) -> str:
    """The name of a part of a figure in the reader's language; single scores by their number."""
    if name.startswith("score_") and name[6:].isdigit():
        return str(_("Answers of %(score)s")) % {"score": name[6:]}
    return str(PARTS.get(name) or _plain(name))
