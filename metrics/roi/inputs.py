"""The inputs of a return as a reader meets them: name, unit, what is measured, what was put in its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import wording
from metrics.formulas.roi import COSTS, INPUTS, Plan
from metrics.kpis.question import add_months
from metrics.kpis.return_on_experience import CHURN_MONTHS
from metrics.roi.choices import Choices
from metrics.roi.live import CUSTOMERS, LINES, LOSSES, SHARE, LiveFigures, LiveInput

MONEY, FRACTION, COUNT = "money", "fraction", "count"
UNITS = {"arpa": MONEY, "margin": FRACTION, "churn": FRACTION, "lost": COUNT, **dict.fromkeys(COSTS, MONEY), "one_off_cost": MONEY}
LABELS: dict[str, Any] = {
    "arpa": gettext_lazy("Revenue per customer (ARPA)"),
    "margin": gettext_lazy("Gross margin"),
    "churn": gettext_lazy("Churn a month"),
    "lost": gettext_lazy("Customers lost a month"),
    "cost_team": gettext_lazy("Team a month"),
    "cost_programme": gettext_lazy("Programmes a month"),
    "cost_tools": gettext_lazy("Tools a month"),
    "cost_marketing": gettext_lazy("Retention marketing a month"),
    "cost_other": gettext_lazy("Other cost a month"),
    "one_off_cost": gettext_lazy("One-off cost"),
    "k": gettext_lazy("Customers more kept a month"),
}
# the KPI whose page tells more of an input
KPIS = {"arpa": "arpa", "churn": "logo_churn", "lost": "customers_lost", **{name: "crc" for name in COSTS if name != "cost_other"}}
# those whose count is that of the rows behind the KPI
ROWS = frozenset({"arpa"})


def told(name: str, value: Decimal | None) -> str:
    """A value of an input as people read it."""
    if value is None:
        return wording.DASH
    unit = COUNT if name == "k" else UNITS[name]
    if unit == MONEY:
        return amount(value)
    if unit == FRACTION:
        return wording.percent(value, 2)
    return wording.number(value)


def amount(value: Decimal | float | None) -> str:
    """Units of the reporting currency as money; a dash for nothing."""
    if value is None:
        return wording.DASH
    return wording.money(int((Decimal(str(value)) * 1_000_000).to_integral_value()), settings.REPORTING_CURRENCY).replace("-", "−")


@dataclass(frozen=True)
class InputRow:
    """One input on the page."""

    name: str
    label: str
    unit: str
    # what the calculation takes, and what is typed into the field (also where it was refused)
    value: Decimal | None
    typed: str
    live: str
    # the live figure as the field would take it
    placeholder: str
    counted: str
    interval: str
    own: bool
    assumed: bool
    # the address without this input
    back: str
    errors: list[str] = field(default_factory=list)
    kpi: str = ""
    # period and segment of that KPI, and whether its rows are what was counted
    query: str = ""
    rows: bool = False

    @property
    def state(self) -> str:
        """live, assumed (nothing measured it), own (put in by hand) or missing."""
        return "own" if self.own else "assumed" if self.assumed else "missing" if self.value is None else "live"


def rows(live: LiveFigures, choices: Choices, typed: Mapping[str, str], errors: Mapping[str, list[str]]) -> dict[str, InputRow]:
    """All inputs by name."""
    plan = plan_of(live, choices)
    found = {}
    for name in INPUTS:
        one = live.inputs[name]
        found[name] = InputRow(
            name=name, label=str(LABELS[name]), unit=UNITS[name], value=plan.value(name), typed=typed.get(name, ""), live=told(name, one.value), placeholder=_short(one.value),
            counted=_counted(one), interval="" if one.interval is None else _("%(low)s to %(high)s") % {"low": told(name, one.interval[0]), "high": told(name, one.interval[1])},
            own=name in choices.own, assumed=one.assumed, back=choices.without(name), errors=errors.get(name, []), kpi=KPIS.get(name, ""),
            query=_asked(name, live), rows=name in ROWS,
        )  # fmt: skip
    return found


def _asked(name: str, live: LiveFigures) -> str:
    """Period and segment in the address of the KPI behind an input."""
    start = add_months(dt.date.fromisoformat(live.end), -CHURN_MONTHS).isoformat() if name == "churn" else live.start
    pairs = {"start": start, "end": live.end, "segment": live.segment, "by": "category" if name in COSTS else ""}
    return urlencode({key: value for key, value in pairs.items() if value})


def plan_of(live: LiveFigures, choices: Choices) -> Plan:
    """The live figures with what was put in by hand in their place."""
    plan = live.plan
    for name, value in choices.own.items():
        plan = plan.with_value(name, value)
    return plan


def _short(value: Decimal | None) -> str:
    """A figure as a field takes it, without the digits nobody reads."""
    if value is None:
        return ""
    rounded = round(value, 2 if abs(value) >= 10 else 4)
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _counted(one: LiveInput) -> str:
    """How many stand behind a live figure, in words."""
    count = one.count or 0
    if one.counted == CUSTOMERS:
        return ngettext("%(count)s customer", "%(count)s customers", count) % {"count": wording.number(count)}
    if one.counted == SHARE:
        return _("%(lost)s lost in %(count)s customer months") % {"lost": wording.number(count), "count": wording.number(one.of or 0)}
    if one.counted == LOSSES:
        return ngettext("%(count)s customer lost", "%(count)s customers lost", count) % {"count": wording.number(count)}
    if one.counted == LINES:
        return ngettext("%(count)s cost line", "%(count)s cost lines", count) % {"count": wording.number(count)}
    return ""
