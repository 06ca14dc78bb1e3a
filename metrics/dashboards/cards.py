"""KPI cards: value, change against the comparison, the line of the months, target, how many it rests on, how it is computed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import wording
from accounts.drawing import delta
from accounts.models import User
from metrics.catalogue import targets
from metrics.catalogue.telling import say, side_unit
from metrics.dashboards.figures import FEW, kpi_address, rows_address, scope_of, sees_rows, shown
from metrics.drawing import trend
from metrics.filters import Filters
from metrics.kpis.catalogue import CATALOGUE, Kpi, told
from metrics.kpis.engine import answer
from metrics.kpis.entry import Way
from metrics.kpis.question import WrongQuestion
from metrics.kpis.rows import why_no_rows

OVERVIEW = ("mrr", "nrr", "grr", "logo_churn", "nps", "csat", "arpa", "quick_ratio")
REVENUE = ("mrr", "arr", "nrr", "grr", "gross_mrr_churn", "logo_churn", "arpa", "quick_ratio")
# shares of answers that few answers say little about
_OF_ANSWERS = frozenset({"nps", "csat", "ces"})


@dataclass(frozen=True)
class Target:
    """The target in force, whether it is met, how that is drawn."""

    text: str
    met: bool


@dataclass(frozen=True)
class Card:
    """One KPI over the period of the filters. `rows` is empty where no rows may be seen or there are none."""

    kpi: Kpi
    value: str
    href: str
    rows: str
    change: SafeString
    against: str
    spark: SafeString
    foot: str
    few: bool
    partial: bool
    target: Target | None
    way: Way
    variant: str
    sides: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...] = ()
    fault: str = ""


def card(name: str, *, user: User, chosen: Filters) -> Card:
    """The card of a KPI. A filter that the KPI does not have is told in `fault`. Raises KeyError for an unknown name."""
    kpi = CATALOGUE[name]
    try:
        return _card(kpi, user, chosen)
    except WrongQuestion as wrong:
        way = told(name).ways[kpi.variants[0]]
        nothing = SafeString("")
        return Card(kpi, wording.DASH, kpi_address(name, chosen), "", nothing, "", nothing, "", False, False, None, way, kpi.variants[0], (), (), str(wrong))


def _card(kpi: Kpi, user: User, chosen: Filters) -> Card:
    scope, name = scope_of(user), kpi.name
    start, end = chosen.months()
    series = answer(name=name, start=start, end=end, interval="month", filters=chosen.filters, now=chosen.now, accounts=scope)["series"]
    pieces = {(piece["start"], piece["end"]): piece for piece in series}

    def figure_of(days: tuple[str, str] | None) -> dict[str, Any] | None:
        if days is None:
            return None
        return pieces.get(days) or answer(name=name, start=days[0], end=days[1], filters=chosen.filters, now=chosen.now, accounts=scope)

    figure, before = figure_of((chosen.start, chosen.end)), figure_of(chosen.compared)
    assert figure is not None
    variant, size = figure["variant"], int(Decimal(figure["denominator"])) if figure["denominator"] is not None else None
    few = name in _OF_ANSWERS and size is not None and size < FEW
    way = told(name).ways[variant]
    values = [None if piece["value"] is None else Decimal(piece["value"]) for piece in series]
    return Card(
        kpi=kpi, value=shown(kpi, variant, figure["value"]), href=kpi_address(name, chosen),
        rows=rows_address(name, chosen) if sees_rows(user) and not why_no_rows(name, variant) else "",
        change=SafeString("") if few or before is None else change(kpi, figure, before), against=against(chosen),
        spark=trend(values, _("%(title)s, last 13 months") % {"title": kpi.title}), foot=_foot(kpi, figure, size), few=few, partial=figure["partial"],
        target=_target(kpi, figure, chosen, scope), way=way, variant=variant,
        sides=tuple(
            (title, str(said), str(say(figure[side], side_unit(kpi, variant, side))))
            for side, title, said in (("numerator", _("Numerator"), way.numerator), ("denominator", _("Denominator"), way.denominator))
            if said or figure[side] is not None
        ),
        missing=tuple(figure["missing"]),
    )  # fmt: skip


def against(chosen: Filters) -> str:
    """What the change is against, in words; empty for no comparison."""
    days = chosen.compared
    if days is None:
        return ""
    first, after = (dt.date.fromisoformat(day[:10]) for day in days)
    if first.day == 1 and len(days[1]) == 10 and (after - first).days <= 31 and after.day == 1:
        return _("against %(month)s") % {"month": wording.month(first)}
    return _("against the year before") if chosen.compare == "year" else _("against the period before")


def change(kpi: Kpi, latest: dict[str, Any], before: dict[str, Any]) -> SafeString:
    """An arrow with the change: of money in percent, of shares in percentage points; nothing where either is nothing."""
    if latest["value"] is None or before["value"] is None:
        return SafeString("")
    now, then = Decimal(latest["value"]), Decimal(before["value"])
    unit = kpi.unit_of(latest["variant"])
    moved: Decimal | None = now - then
    sign = ""
    if unit in {"money", "seconds", "count"}:
        moved, sign = ((now - then) / then * 100 if then else None), "%"
    elif unit == "fraction":
        moved, sign = (now - then) * 100, _("points")
    if moved is None:
        return SafeString("")
    arrow = delta(round(moved, 0 if unit == "points" else 2 if unit in {"scale", "ratio"} else 1), kpi.good_of(latest["variant"]))
    return format_html("{} <span>{}</span>", arrow, sign) if sign else arrow


def _target(kpi: Kpi, figure: dict[str, Any], chosen: Filters, scope: list[int] | None) -> Target | None:
    """The target in force at the end of the period: of the whole, or of the one segment chosen; sums of a part have none."""
    others = set(chosen.filters) - {"segment"}
    unit = kpi.unit_of(figure["variant"])
    if others or figure["value"] is None or (scope is not None and unit in {"money", "count"}):
        return None
    found = targets.in_force(chosen.period.last, kpi.name)
    wanted = targets.of(found, kpi, figure["variant"], chosen.segment or None)
    if wanted.target is None:
        return None
    met = wanted.band(Decimal(figure["value"]), kpi.good_of(figure["variant"])) == targets.REACHED
    text = shown(kpi, figure["variant"], str(wanted.target))
    return Target((_("target %(value)s, met") if met else _("target %(value)s, missed")) % {"value": text}, met)


def _foot(kpi: Kpi, latest: dict[str, Any], size: int | None) -> str:
    if kpi.name in {"mrr", "arr", "arpa"}:
        return _("%(count)s customers") % {"count": wording.number(latest["parts"]["customers"])}
    if kpi.name in {"nrr", "grr", "gross_mrr_churn", "net_mrr_churn"}:
        return _("of %(money)s at the start") % {"money": say(latest["parts"]["opening"], "money")}
    if kpi.name == "quick_ratio":
        return _("%(money)s lost") % {"money": say(latest["denominator"], "money")}
    if kpi.name == "logo_churn":
        lost = _("%(lost)s of %(count)s customers") % {"lost": wording.number(latest["parts"]["churned"]), "count": wording.number(size or 0)}
        return f"{lost}, {_interval(kpi, latest)}" if latest["interval_95"] else lost
    answers = _("%(count)s answers") % {"count": wording.number(size or 0)}
    return f"{answers}, {_interval(kpi, latest)}" if size and latest["interval_95"] else answers


def _interval(kpi: Kpi, latest: dict[str, Any]) -> str:
    low, high = (shown(kpi, latest["variant"], edge) for edge in latest["interval_95"])
    return _("interval %(low)s to %(high)s") % {"low": low, "high": high}
