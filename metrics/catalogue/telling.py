"""How the numbers of a figure are told: in which unit numerator, denominator and each part are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import wording
from metrics import words
from metrics.dashboards import shown
from metrics.kpis.catalogue import Kpi

# KPIs whose numerator and denominator are both money
_MONEY_BOTH = frozenset({"nrr", "grr", "gross_mrr_churn", "net_mrr_churn", "quick_ratio", "cx_roi"})
_MONEY_PARTS = frozenset({
    "mrr", "past_due", "revenue", "revenue_subscription", "revenue_ecommerce", "refunded", "total_value", "one_time_fees", "annualised", "arpa", "order_value",
    "programme_cost_per_month", "team_cost_per_month", "one_off_cost", "cost",
})  # fmt: skip
_MOVED = frozenset({"opening", "new", "expansion", "contraction", "churned", "reactivation", "fx", "closing", "net_new", "kept"})
_SHARES = frozenset({"rate", "share", "mean_of_mailings", "grr", "margin", "churn", "retention", "discount_rate"})


def side_unit(kpi: Kpi, variant: str, side: str) -> str:
    """The unit of the numerator or the denominator."""
    if variant == "daily_sum":
        return "fraction"
    if kpi.name in _MONEY_BOTH or variant == "mrr_at_period_end":
        return "money"
    if kpi.name == "tenure_survival":
        return "fraction"
    if side == "numerator" and kpi.unit_of(variant) in {"money", "seconds"}:
        return kpi.unit_of(variant)
    return "number"


def part_unit(kpi: Kpi, name: str) -> str:
    """The unit of a part."""
    if kpi.name == "team_performance":
        return "seconds" if name in words.PERFORMANCE_SECONDS else "fraction" if name in {"csat", "fcr"} else "number"
    if name in words.SECONDS:
        return "seconds"
    if name in _MONEY_PARTS or name.startswith("cost_") or (name in _MOVED and kpi.name in _MONEY_BOTH | {"mrr_movements"}):
        return "money"
    return "fraction" if name in _SHARES and kpi.name != "mrr_movements" else "number"


def say(value: Any, unit: str) -> str:
    """A number in its unit, as the reader writes it; a dash for nothing."""
    if value is None:
        return wording.DASH
    number = Decimal(str(value))
    if unit == "money":
        return wording.money(int(number * 1_000_000), settings.REPORTING_CURRENCY).replace("-", "−")
    if unit == "fraction":
        return wording.percent(number, 1).replace("-", "−")
    if unit == "seconds":
        return wording.duration(number)
    return wording.number(number).replace("-", "−")


def value_of(kpi: Kpi, variant: str, value: str | None) -> str:
    """A figure as it stands in its own unit."""
    return shown(kpi, variant, value)


def plain_value(kpi: Kpi, variant: str, value: str | None) -> str:
    """The same without markup, for mails."""
    if value is not None and kpi.unit_of(variant) == "seconds":
        return wording.duration(Decimal(value))
    return str(shown(kpi, variant, value))


def difference(kpi: Kpi, variant: str, now: str | None, then: str | None) -> str:
    """The change between two figures, with its sign: in the unit, shares in points of percent; empty where one is nothing."""
    if now is None or then is None:
        return ""
    change, unit = Decimal(now) - Decimal(then), kpi.unit_of(variant)
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    size = abs(change)
    if unit == "fraction":
        # points of percent
        return _("%(change)s pp") % {"change": f"{sign}{wording.number((size * 100).quantize(Decimal('0.1')))}"}
    if unit in {"points", "scale"}:
        return f"{sign}{wording.number(size.quantize(Decimal('0.01' if unit == 'scale' else '1')))}"
    if unit == "seconds":
        return f"{sign}{wording.duration(size)}"
    return f"{sign}{say(size, 'money' if unit == 'money' else 'number')}"
