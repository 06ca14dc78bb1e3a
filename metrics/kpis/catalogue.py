"""Every KPI that can be asked: variants, parameters, breakdowns, unit. Names are exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from metrics.kpis.question import WrongQuestion

ACCOUNT = ("segment", "owner", "plan", "country", "industry", "business_model", "language", "lifecycle_stage")
SPAN = ("product", "kind", "currency")
TICKET = ("agent", "group", "category", "channel", "severity", "location")
ANSWER = ("survey", "touchpoint", "language")
COMPONENTS = ("csat", "fcr", "resolution_time", "first_response_time", "aht")


def choice(*allowed: str) -> Callable[[str], str]:
    """A parameter with a closed set of values."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def whole(least: int) -> Callable[[str], int]:
    """A whole number of at least `least`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= 1_000_000:
            raise ValueError(f"a whole number of {least} or more, at most a million")
        return number

    return parse


def seconds(text: str) -> int:
    """A whole number of seconds, up to ten years."""
    number = int(text) if text.isdecimal() and len(text) < 10 else -1
    if not 0 <= number <= 315_576_000:
        raise ValueError("a whole number of seconds, at most ten years")
    return number


def decimal(low: str | None = None, high: str | None = None) -> Callable[[str], Decimal]:
    """A decimal, possibly bounded (edges inside)."""

    def parse(text: str) -> Decimal:
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ValueError("a decimal number with a point") from None
        if not number.is_finite() or (low is not None and number < Decimal(low)) or (high is not None and number > Decimal(high)):
            raise ValueError(f"a decimal number from {low} to {high}")
        return number

    return parse


def key(text: str) -> str:
    """Any key."""
    if not text:
        raise ValueError("a key")
    return text


@dataclass(frozen=True)
class Param:
    """One parameter: how it is read, and its value when it is not given."""

    parse: Callable[[str], Any]
    default: Any = None


# the four conventions that every figure resting on MRR takes, with one meaning everywhere
MRR_PARAMS: dict[str, Param] = {
    "discount": Param(choice("in_force", "forever_only"), "in_force"),
    "cancellation": Param(choice("service_end", "at_cancellation"), "service_end"),
    "pause": Param(choice("zero", "keeps"), "zero"),
    "delinquency_days": Param(whole(0)),
}


WINDOW_PARAMS: dict[str, Param] = {"window_months": Param(whole(1)), "window_days": Param(whole(1))}
ANNUALISE: dict[str, Param] = {"annualise": Param(choice("none", "months", "days"), "none")}
CLOCK: dict[str, Param] = {"clock": Param(choice("calendar", "business"), "calendar")}
# weights and bounds of team performance; what is not given is the organisation's setting
TARGETS: dict[str, Param] = {f"{name}_{of}": Param(decimal("0", "1000000")) for name in COMPONENTS for of in ("weight", "worst", "best")}


@dataclass(frozen=True)
class Kpi:
    """One entry of the catalogue."""

    name: str
    title: Any
    meaning: Any
    unit: str
    variants: tuple[str, ...]
    dimensions: tuple[str, ...]
    params: Mapping[str, Param] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    good: str = "up"
    # of variants that improve the other way
    goods: Mapping[str, str] = field(default_factory=dict)
    kind: str = "strategic"
    timing: str = "lagging"

    def unit_of(self, variant: str) -> str:
        """The unit of a variant."""
        return self.units.get(variant, self.unit)

    def good_of(self, variant: str) -> str:
        """The direction in which a variant improves: up or down."""
        return self.goods.get(variant, self.good)


_ENTRIES = (
    Kpi(
        "nps",
        _("Net promoter score"),
        _("Share of promoters (9-10) less share of detractors (0-6) among the valid answers, times 100."),
        "points",
        ("nps_0_10", "nps_1_10"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER)),
        {"survey": Param(key), "answers": Param(choice("latest_per_contact", "all_responses"), "latest_per_contact")},
        timing="leading",
    ),
    Kpi(
        "csat",
        _("Customer satisfaction"),
        _("Share of answers of 4 or 5 among the valid answers on the scale of 1 to 5."),
        "fraction",
        ("top2_share", "mean"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER + ("agent", "group", "category", "channel", "severity"))),
        {"survey": Param(key)},
        {"mean": "scale"},
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "ces",
        _("Customer effort score"),
        _("How easy it was: the mean of the valid answers on the scale of 1 to 7, 7 is easiest."),
        "scale",
        ("mean_7", "agree_share_7", "index_7", "mean_5_effort"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER + ("agent", "group", "category", "channel", "severity"))),
        {"survey": Param(key)},
        {"agree_share_7": "fraction", "index_7": "points"},
        goods={"mean_5_effort": "down"},
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "response_rate",
        _("Survey response rate"),
        _("Surveys of the period that were answered, divided by those that were delivered."),
        "fraction",
        ("delivered", "sent"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER + ("kind",))),
        {"survey": Param(key), "kind": Param(choice("all", "nps", "csat", "ces", "exit", "review"), "all")},
        kind="functional",
        timing="leading",
    ),
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
        ("net_per_account",),
        ACCOUNT + SPAN,
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
        ("start_of_period", "lost_over_gained"),
        ACCOUNT,
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
        ACCOUNT,
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
        ("standard", "cancel_only"),
        ACCOUNT,
        {**MRR_PARAMS, **ANNUALISE},
        good="down",
    ),
    Kpi(
        "net_mrr_churn",
        _("Net MRR churn rate"),
        _("MRR lost less what the same customers grew by, divided by opening MRR."),
        "fraction",
        ("cohort", "with_reactivation"),
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
    Kpi(
        "first_response_time",
        _("First response time"),
        _("From a ticket's creation to the first public reply of a person, over the tickets first answered in the period."),
        "seconds",
        ("standard",),
        tuple(dict.fromkeys(TICKET + ACCOUNT)),
        CLOCK,
        good="down",
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "resolution_time",
        _("Resolution time"),
        _("From a ticket's creation to its resolution, over the tickets resolved in the period."),
        "seconds",
        ("full", "first", "minus_solved_time"),
        tuple(dict.fromkeys(TICKET + ACCOUNT)),
        CLOCK,
        good="down",
        kind="operational",
    ),
    Kpi(
        "fcr",
        _("First contact resolution"),
        _("Issues resolved with one contact and none within the days after, divided by all issues."),
        "fraction",
        ("all_issues", "resolved_only", "net"),
        tuple(dict.fromkeys(TICKET + ACCOUNT)),
        {"window_days": Param(whole(1), 7)},
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "aht",
        _("Average handle time"),
        _("Time spent on calls, chats and other contacts, divided by the contacts handled."),
        "seconds",
        ("standard", "chat_concurrency"),
        tuple(dict.fromkeys(("agent", "group", "channel", "category", "severity", *ACCOUNT))),
        {"channel": Param(choice("all", "phone", "chat", "email", "web", "social"), "all")},
        good="down",
        kind="functional",
    ),
    Kpi(
        "ticket_backlog",
        _("Ticket backlog"),
        _("Open tickets that are older than their target."),
        "count",
        ("older_than_target", "open", "flow"),
        tuple(dict.fromkeys(TICKET + ACCOUNT)),
        {"target_seconds": Param(seconds), "clock": Param(choice("calendar", "business"))},
        good="down",
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "ats",
        _("Average ticket severity"),
        _("Mean level of the tickets created in the period, from 1 (small) to 4 (urgent)."),
        "scale",
        ("weighted_mean",),
        tuple(dict.fromkeys(TICKET + ACCOUNT)),
        {"basis": Param(choice("at_creation", "current"), "at_creation")},
        good="down",
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "ticket_volume",
        _("Ticket volume"),
        _("Tickets created in the period."),
        "count",
        ("created",),
        tuple(dict.fromkeys(TICKET + ACCOUNT)),
        good="down",
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "team_performance",
        _("Team performance"),
        _("Satisfaction, first contact resolution and times on one scale of 0 to 100, weighted."),
        "points",
        ("composite",),
        ("agent", "group", "location", "channel", "category"),
        {"min_items": Param(whole(0), 20), **TARGETS, **CLOCK},
        kind="functional",
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
)

CATALOGUE: dict[str, Kpi] = {entry.name: entry for entry in _ENTRIES}


def find(name: str) -> Kpi:
    """The entry of a KPI. Raises WrongQuestion with the names there are."""
    if name not in CATALOGUE:
        raise WrongQuestion(f"“{name}” is no KPI; there are {', '.join(sorted(CATALOGUE))}.")
    return CATALOGUE[name]


def read_params(kpi: Kpi, given: Mapping[str, str]) -> dict[str, Any]:
    """All parameters of a KPI with defaults. Raises WrongQuestion for an unknown name or a wrong value."""
    unknown = sorted(set(given) - set(kpi.params))
    if unknown:
        raise WrongQuestion(f"{kpi.name} has no parameter “{unknown[0]}”; there are {', '.join(kpi.params) or 'none'}.")
    values = {name: param.default for name, param in kpi.params.items()}
    for name, text in given.items():
        try:
            values[name] = kpi.params[name].parse(str(text))
        except ValueError as fault:
            raise WrongQuestion(f"{kpi.name}: {name}={text} cannot be used: expected {fault}.") from None
    return values
