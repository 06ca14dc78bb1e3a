"""The names that figures carry on the wire, as people read them: variants, parts, dimensions. Pure.

Names stay exact in the API and on the command line; only pages speak of them in words.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import wording

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
    "full": _("to the last resolution"),
    "first": _("to the first resolution"),
    "minus_solved_time": _("without the time it stood solved"),
    "all_issues": _("of all issues opened"),
    "resolved_only": _("of the issues resolved"),
    "net": _("of what the first level can solve"),
    "chat_concurrency": _("chats divided by how many at once"),
    "older_than_target": _("older than the target"),
    "open": _("all open"),
    "flow": _("what came and went"),
    "weighted_mean": _("mean of levels"),
    "created": _("created"),
    "composite": _("weighted points"),
    "amount": _("amount"),
    "per_resolved_ticket": _("per resolved ticket"),
    "per_customer": _("per customer"),
    "average_start_end": _("over customers on average"),
    "revenue_per_customer": _("over customers at the end"),
    "stripe_start_plus_new": _("of the customers at the start and the new ones"),
    "tcv_per_new_customer": _("whole value per new customer"),
    "annualised": _("value of a year per contract"),
    "trial_cohort": _("of the trials started"),
    "same_period": _("conversions and trials of the same period"),
    "funnel": _("from one event to another"),
    "per_retained_customer": _("per customer kept"),
    "simple": _("monthly gain times months"),
    "cumulative": _("more kept every month, all stay"),
    "cumulative_with_churn": _("more kept every month, some leave again"),
    "active_at_period_end": _("customers who stay"),
    "mrr_at_period_end": _("revenue that stays"),
    "bought_in_period": _("customers who order"),
    "retained_at_day_n": _("30 days after signing up"),
    "kaplan_meier": _("Kaplan-Meier"),
    "arpa_margin_over_churn": _("ARPA × margin / churn"),
    "arpa_over_churn": _("ARPA / churn"),
    "value_x_lifespan": _("monthly spend × lifespan"),
    "retention_discount": _("by retention, discounted"),
    "survival_rmst": _("by the survival of tenures"),
    "survival_monthly_sum": _("by survival, month by month"),
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
    "median": _("Median"),
    "p90": _("Nine of ten within"),
    "count": _("Tickets counted"),
    "unanswered": _("Unanswered"),
    "unanswered_median_age": _("Median age of the unanswered"),
    "unanswered_oldest_age": _("Oldest unanswered"),
    "reopened": _("Reopened"),
    "issues": _("Issues"),
    "resolved": _("Resolved"),
    "resolved_first_contact": _("Resolved at first contact"),
    "not_first_level": _("Not for the first level"),
    "unsettled": _("May still change"),
    "interactions": _("Contacts handled"),
    "talk": _("Talk"),
    "hold": _("Hold"),
    "wrap": _("Wrap-up"),
    "session": _("Chat session"),
    "follow_up": _("Follow-up"),
    "work": _("Work"),
    "abandoned": _("Given up"),
    "open": _("Open"),
    "older": _("Older than the target"),
    "share": _("Share"),
    "oldest_age": _("Oldest"),
    "cancelled": _("Cancelled"),
    "closure_rate": _("Resolved for each that came"),
    "unset": _("Without severity"),
    "tickets": _("Tickets"),
    "accounts": _("Accounts"),
    "cost": _("Cost"),
    "cost_support": _("Cost of support"),
    "cost_quality": _("Cost of quality"),
    "cost_service": _("Cost of service"),
    "resolved_tickets": _("Resolved tickets"),
    "orders": _("Orders"),
    "refunded": _("Paid back"),
    "revenue_subscription": _("Revenue of subscriptions"),
    "revenue_ecommerce": _("Revenue of orders"),
    "contracts": _("Contracts"),
    "total_value": _("Whole value"),
    "one_time_fees": _("One-time fees"),
    "new_customers": _("New customers"),
    "annualised": _("Value of a year per contract"),
    "started": _("Started"),
    "converted": _("Became paid"),
    "cost_team": _("Cost of the team"),
    "cost_programme": _("Cost of programmes"),
    "cost_onboarding": _("Cost of onboarding"),
    "cost_training": _("Cost of training"),
    "cost_tools": _("Cost of tools"),
    "cost_marketing": _("Cost of marketing"),
    "retained_customers": _("Customers kept"),
    "programme_cost_per_month": _("Programme cost a month"),
    "team_cost_per_month": _("Team cost a month"),
    "one_off_cost": _("One-off cost"),
    "customers_lost_per_month": _("Customers lost a month"),
    "lapse_events": _("Lapses, each counted"),
    "cohorts": _("Cohorts"),
    "subjects": _("Tenures"),
    "ended": _("Ended"),
    "censored": _("Going on"),
    "expected_tenure": _("Expected tenure, months"),
    "arpa": _("ARPA"),
    "grr": _("Gross revenue retention"),
    "margin": _("Margin"),
    "churn": _("Monthly churn"),
    "lifespan_months": _("Lifespan, months"),
    "horizon_months": _("Horizon, months"),
    "order_value": _("Value of an order"),
    "orders_per_month": _("Orders a month"),
    "retention": _("Retention a year"),
    "discount_rate": _("Discount a year"),
}

BUSINESS_MODELS: dict[str, Any] = {"subscription": _("Subscription"), "ecommerce": _("E-commerce")}
SEVERITIES: dict[str, Any] = {"1": _("small"), "2": _("normal"), "3": _("high"), "4": _("urgent")}


def _plain(name: str) -> str:
    return name.replace("_", " ")


# parts of figures that are lengths of time, in seconds; of every KPI, and of the one whose components are figures themselves
SECONDS = frozenset({"median", "p90", "unanswered_median_age", "unanswered_oldest_age", "oldest_age", "talk", "hold", "wrap", "session", "follow_up", "work"})
PERFORMANCE_SECONDS = frozenset({"resolution_time", "first_response_time", "aht"})


def seconds(value: Decimal | int | None) -> SafeString:
    """A length of time in hours and minutes, the exact seconds on hover; a dash for nothing."""
    if value is None:
        return SafeString("–")
    return format_html('<span title="{}">{}</span>', gettext("%(seconds)s seconds") % {"seconds": wording.number(Decimal(value))}, wording.duration(value))


def clock(name: str) -> str:
    """By which clock a time is counted, in words."""
    return str(_("by business hours")) if name == "business" else str(_("by the calendar"))


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
    if name.startswith("level_") and name[6:] in SEVERITIES:
        return str(SEVERITIES[name[6:]]).capitalize()
    return str(PARTS.get(name) or _plain(name))
