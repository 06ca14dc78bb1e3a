"""The words of the catalogue: classes, units, parameters and their values, flags."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

KINDS: dict[str, Any] = {"strategic": _("strategic"), "operational": _("operational"), "functional": _("functional")}
TIMINGS: dict[str, Any] = {"leading": _("leading"), "lagging": _("lagging")}
GOOD: dict[str, Any] = {"up": _("more is better"), "down": _("less is better")}
UNITS: dict[str, Any] = {
    "money": _("money"),
    "fraction": _("share"),
    "points": _("points"),
    "scale": _("points of the scale"),
    "seconds": _("time"),
    "count": _("number"),
    "ratio": _("ratio"),
}
INTERVALS: dict[str, Any] = {"day": _("day"), "week": _("week"), "month": _("month"), "quarter": _("quarter"), "year": _("year")}
COMPARE: dict[str, Any] = {"": _("nothing"), "before": _("the period before"), "year": _("the year before")}

PARAMS: dict[str, Any] = {
    "discount": _("Discounts"),
    "cancellation": _("Cancelled counts as lost"),
    "pause": _("While paused"),
    "delinquency_days": _("Past due counts for (days)"),
    "window_months": _("Window of activity (months)"),
    "window_days": _("Window of activity (days)"),
    "annualise": _("Make it a yearly rate"),
    "clock": _("Clock"),
    "survey": _("Survey (its key)"),
    "answers": _("Answers of one person"),
    "kind": _("Kind of survey"),
    "window_days_fcr": _("Days in which nothing may follow"),
    "channel": _("Channel"),
    "target_seconds": _("Target (seconds)"),
    "basis": _("Severity"),
    "min_items": _("Tickets at least"),
    "year": _("Year of the contract"),
    "within_days": _("Paid within (days)"),
    "from_event": _("From the event"),
    "to_event": _("To the event"),
    "k": _("Customers kept in addition"),
    "months": _("Months"),
    "margin": _("Margin (0 to 1)"),
    "programme_cost_per_month": _("Programme cost a month"),
    "team_cost_per_month": _("Team cost a month"),
    "one_off_cost": _("One-off cost"),
    "arpa": _("ARPA"),
    "churn": _("Monthly churn (0 to 1)"),
    "churn_months": _("Months that churn is the mean of"),
    "horizon_months": _("Horizon (months)"),
    "time": _("Time is counted in"),
    "lifespan_months": _("Lifespan (months)"),
    "discount_rate": _("Discount a year (0.1 is 10 %)"),
    "retention": _("Retention a year (0 to 1)"),
    "cohort": _("Cohorts by"),
    "periods": _("Months after"),
    "n_days": _("Days after signing up"),
    "gap_days": _("A gap that ends nothing (days)"),
}

CHOICES: dict[str, Any] = {
    "in_force": _("all that are in force are taken off"),
    "forever_only": _("only those without end are taken off"),
    "service_end": _("when the paid service ends"),
    "at_cancellation": _("with the notice"),
    "zero": _("nothing counts"),
    "keeps": _("it goes on counting"),
    "none": _("no"),
    "calendar": _("by the calendar"),
    "business": _("by business hours"),
    "latest_per_contact": _("the latest counts"),
    "all_responses": _("each counts"),
    "all": _("all"),
    "phone": _("phone"),
    "chat": _("chat"),
    "email": _("e-mail"),
    "web": _("web"),
    "social": _("social media"),
    "at_creation": _("as it was created"),
    "current": _("as it is at the end"),
    "days": _("days"),
    "months": _("months"),
    "month": _("month"),
    "exact_months": _("months, exactly"),
    "whole_months": _("whole months"),
    "nps": _("NPS"),
    "csat": _("CSAT"),
    "ces": _("CES"),
    "exit": _("exit"),
    "review": _("review"),
}

FLAGS: dict[str, Any] = {
    "settles_later": _("May still change: some of it is not over yet."),
    "no_losses": _("Nothing was lost, so there is nothing to divide by."),
    "revenue_not_profit": _("Revenue, not profit: no margin is known."),
    "mixed_business_models": _("Over the accounts with subscriptions; shops are left out. Break it down by business model to see both."),
    "mixed_terms": _("Contracts of different terms: see the value of a year beside it."),
    "too_few_items": _("Too few tickets to say anything."),
}


def param(name: str, kpi: str = "") -> str:
    """A parameter in words; components of team performance by component and what of it is set."""
    for ending, word in (("_weight", _("weight")), ("_worst", _("worst")), ("_best", _("best"))):
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')}: {word}"
    return str(PARAMS.get(f"{name}_{kpi}") or PARAMS.get(name) or name.replace("_", " "))


def choice(value: str) -> str:
    """A value of a closed set in words."""
    return str(CHOICES.get(value) or value.replace("_", " "))


def flag(name: str) -> str:
    """A flag in plain words."""
    return str(FLAGS.get(name) or name.replace("_", " "))
