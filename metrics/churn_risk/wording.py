"""Features, reasons and refusals of churn risk in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import wording
from metrics.formulas.risk_columns import ATTRIBUTE

FEATURES: dict[str, Any] = {
    "tenure_days": gettext_lazy("Time as a customer"), "spans": gettext_lazy("Subscriptions"),
    "mrr": gettext_lazy("MRR"), "mrr_change_90d": gettext_lazy("Change of MRR in 90 days"), "uses": gettext_lazy("Uses in 28 days"),
    "uses_a_day": gettext_lazy("Uses a day in 90 days"), "uses_per_mrr": gettext_lazy("Uses per unit of MRR"), "usage_trend": gettext_lazy("Usage trend"),
    "days_used": gettext_lazy("Days with use in 28 days"), "days_since_use": gettext_lazy("Days since the last use"), "users": gettext_lazy("People who use it"),
    "features_used": gettext_lazy("Features in use"), "errors": gettext_lazy("Errors in 90 days"), "nps": gettext_lazy("Last NPS"),
    "nps_age": gettext_lazy("Days since the last NPS"), "csat": gettext_lazy("CSAT, 90 days"), "answers_year": gettext_lazy("Answers in a year"),
    "answer_age": gettext_lazy("Days since the last answer"), "open_tickets": gettext_lazy("Open tickets"), "severe_tickets": gettext_lazy("Severe open tickets"),
    "tickets_28d": gettext_lazy("Tickets in 28 days"), "tickets_90d": gettext_lazy("Tickets in 90 days"), "severe_tickets_90d": gettext_lazy("Severe tickets in 90 days"),
    "failed_payments": gettext_lazy("Failed payments, 90 days"), "days_to_renewal": gettext_lazy("Days to renewal"), "touch_age": gettext_lazy("Days since the last touch"),
    "pulse": gettext_lazy("Pulse of the CSM"),
    "orders_year": gettext_lazy("Orders in a year"), "order_age": gettext_lazy("Days since the last order"), "spent_year": gettext_lazy("Spent in a year"),
    "plan": gettext_lazy("Plan"), "terms": gettext_lazy("Billing"), "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country"),
    "business_model": gettext_lazy("Business model"),
}  # fmt: skip
_DAYS = {"tenure_days", "days_since_use", "nps_age", "answer_age", "days_to_renewal", "touch_age", "order_age"}
_PERCENT = {"usage_trend", "mrr_change_90d"}
_MONEY = {"mrr", "spent_year"}
_TERMS = {
    "day": gettext_lazy("by the day"), "week": gettext_lazy("by the week"), "month": gettext_lazy("by the month"), "quarter": gettext_lazy("by the quarter"),
    "half_year": gettext_lazy("by the half-year"), "year": gettext_lazy("by the year"),
}  # fmt: skip

REFUSALS: dict[str, Any] = {
    "too_few_churned": gettext_lazy("Churn risk needs %(needed)s accounts that churned to learn from; there are %(churned)s. Until then health is the better guide."),
    "unreadable": gettext_lazy("The stored model is not the one that was written. Train it again."),
}
LEFT_OUT: dict[str, Any] = {
    "name": gettext_lazy("its name speaks of leaving"), "too_good": gettext_lazy("alone it parts nearly all who left from those who stayed"),
    "too_many": gettext_lazy("too many attributes"), "same": gettext_lazy("it says the same as a feature that is there already"),
}  # fmt: skip


def feature_name(name: str) -> str:
    """A feature in words; attributes by the name they have."""
    return name.removeprefix(ATTRIBUTE) if name.startswith(ATTRIBUTE) else str(FEATURES.get(name, name))


def feature_value(name: str, value: Any) -> str:
    """What an account has of a feature, in words."""
    if value is None or value == "":
        return _("not known")
    if isinstance(value, str):
        if name == "country":
            return wording.country_name(value)
        return str(_TERMS.get(value, value)) if name == "terms" else value
    if name == "tenure_days" and value >= 60:
        months = round(value / 30.4375)
        return ngettext("%(count)s month", "%(count)s months", months) % {"count": wording.number(months)}
    if name in _DAYS:
        return ngettext("%(count)s day", "%(count)s days", round(value)) % {"count": wording.number(round(value))}
    if name in _PERCENT:
        return ("−" if value < 0 else "+" if value > 0 else "") + wording.percent(abs(value))
    if name in _MONEY:
        return wording.money(round(value * 1_000_000), settings.REPORTING_CURRENCY)
    return wording.number(round(value, 1 if abs(value) < 10 else 0))


@dataclass(frozen=True)
class Reason:
    """One reason as it is shown. `raises`: towards leaving."""

    name: str
    value: str
    usual: str
    raises: bool

    def __str__(self) -> str:
        if not self.usual:
            return f"{self.name}: {self.value}"
        return _("%(name)s: %(value)s (usual: %(usual)s)") % {"name": self.name, "value": self.value, "usual": self.usual}


def say_reasons(stored: list[dict[str, Any]]) -> list[Reason]:
    """Stored reasons in the reader's language, the strongest first."""
    return [
        Reason(
            name=feature_name(each["feature"]), value=feature_value(each["feature"], each["value"]),
            usual=feature_value(each["feature"], each["usual"]) if each.get("usual") not in (None, "") else "", raises=each["effect"] > 0,
        )
        for each in stored
    ]  # fmt: skip


def say_refusal(stored: dict[str, Any]) -> str:
    """A stored refusal in the reader's language; empty for none."""
    if stored.get("key") not in REFUSALS:
        return ""
    values = {name: wording.number(value) if isinstance(value, (int, float)) else value for name, value in stored.get("values", {}).items()}
    return str(REFUSALS[stored["key"]]) % values
