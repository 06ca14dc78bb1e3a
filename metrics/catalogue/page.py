"""The page of one KPI: the figure with its sides, parts, months, groups, comparison and target, each number with the rows it opens."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import User
from accounts.roles import Role
from metrics import words
from metrics.catalogue import targets
from metrics.catalogue.asked import Asked
from metrics.catalogue.rows import PART
from metrics.catalogue.telling import difference, part_unit, say, side_unit, value_of
from metrics.charts import Chart, Series, lines
from metrics.charts.chart import FULL
from metrics.dashboards import scope_of
from metrics.kpis.catalogue import CATALOGUE, Kpi, told
from metrics.kpis.engine import answer
from metrics.kpis.entry import Told, Way
from metrics.kpis.parts import adds_to
from metrics.kpis.rows import why_no_rows
from metrics.kpis.told import names

# sides of an open period that are longer than a page takes are cut
MOST_GROUPS = 200
# answers fewer than these say too little
FEW = {"nps": 20, "csat": 20, "ces": 20}


@dataclass(frozen=True)
class Side:
    """Numerator or denominator: what it is in words, its amount, the rows it opens."""

    title: str
    words: str
    amount: str
    href: str


@dataclass(frozen=True)
class Line:
    """One row of a table: a name, a value, the size it rests on, the rows both open."""

    name: str
    value: str
    size: str = ""
    href: str = ""
    size_href: str = ""
    partial: bool = False
    band: str = ""


@dataclass
class KpiPage:
    """One KPI in full."""

    kpi: Kpi
    figure: dict[str, Any]
    told: Told
    way: Way
    value: str
    href: str
    interval: tuple[str, str] | None
    sides: list[Side]
    parts: list[Line]
    months: list[Line]
    chart: Chart
    groups: list[Line]
    cut: bool
    flags: list[str]
    few: bool
    compared: tuple[str, str, str, str] | None
    compared_href: str
    wanted: targets.InForce
    wanted_target: str
    wanted_warn: str
    band: str
    why_no_rows: str
    inputs: list[tuple[str, str]]


def kpi_page(asked: Asked, *, user: User, now: dt.datetime) -> KpiPage:
    """Everything the page of a KPI shows. Raises WrongQuestion."""
    scope, kpi = scope_of(user), asked.kpi
    figure = answer(**asked.arguments(), by=asked.by or None, now=now, accounts=scope)
    variant = figure["variant"]
    series = answer(**asked.arguments(start=asked.series_start()), interval=asked.interval, now=now, accounts=scope)["series"]
    way, unit = told(kpi.name).ways[variant], kpi.unit_of(variant)
    rows = Rows(asked, user, variant)
    wanted = targets.of(targets.in_force(targets.today_of(now), kpi.name), kpi, variant, asked.segment or None)
    comparable = (unit not in {"money", "count"} or scope is None) and not asked.filters
    groups = figure.get("groups", [])
    interval = figure["interval_95"]
    size = figure["denominator"]
    return KpiPage(
        kpi=kpi, figure=figure, told=told(kpi.name), way=way,
        value=value_of(kpi, variant, figure["value"]), href=rows.of(),
        interval=(value_of(kpi, variant, interval[0]), value_of(kpi, variant, interval[1])) if interval else None,
        sides=_sides(kpi, variant, way, figure, rows),
        parts=[Line(words.part(part), say(value, part_unit(kpi, part)), href=rows.of_part(part, variant) if value else "") for part, value in figure["parts"].items()],
        months=[_month(kpi, variant, piece, asked, rows) for piece in series],
        chart=_chart(kpi, variant, series, asked, rows, wanted if comparable else targets.NOTHING),
        groups=[_group(kpi, variant, group, asked, rows) for group in groups[:MOST_GROUPS]], cut=len(groups) > MOST_GROUPS,
        flags=[names.flag(flag) for flag in figure["flags"]],
        few=kpi.name in FEW and size is not None and Decimal(size) < FEW[kpi.name],
        compared=_compared(asked, figure, scope, now), compared_href=rows.of(start=span[0], end=span[1]) if (span := asked.compared()) else "",
        wanted=wanted, wanted_target=_target(kpi, variant, wanted.target), wanted_warn=_target(kpi, variant, wanted.warn),
        band=wanted.band(None if figure["value"] is None else Decimal(figure["value"]), kpi.good_of(variant)) if comparable else "",
        why_no_rows=why_no_rows(kpi.name, variant) if user.role != Role.ANALYST else "",
        inputs=[(str(CATALOGUE[name].title), f"{reverse('metrics:kpi', args=[name])}?{asked.query(variant='', by='', params={}, filters={})}") for name in told(kpi.name).inputs],
    )  # fmt: skip


class Rows:
    """The addresses of the rows behind the numbers of one page; empty for readers of figures alone and where there are none."""

    def __init__(self, asked: Asked, user: User, variant: str):
        self._asked = asked
        self._none = user.role == Role.ANALYST or bool(why_no_rows(asked.kpi.name, variant))
        self._path = reverse("metrics:kpi_rows", args=[asked.kpi.name])

    def of(self, side: str = "", **changes: Any) -> str:
        """The rows of a side (or of both) of the figure with some choices changed."""
        return "" if self._none else f"{self._path}?{self._asked.query(by='', interval='month', compare='', extra={'side': side}, **changes)}"

    def of_part(self, part: str, variant: str) -> str:
        """The rows of a part; empty for one that is no sum over rows."""
        return self.of(f"{PART}{part}") if adds_to(self._asked.kpi.name, variant, part) else ""


def _sides(kpi: Kpi, variant: str, way: Way, figure: dict[str, Any], rows: Rows) -> list[Side]:
    sides = []
    for side, title, said in (("numerator", _("Numerator"), way.numerator), ("denominator", _("Denominator"), way.denominator)):
        if figure[side] is not None or said:
            sides.append(Side(title, str(said), say(figure[side], side_unit(kpi, variant, side)), rows.of(side)))
    return sides


def _target(kpi: Kpi, variant: str, value: Decimal | None) -> str:
    return "" if value is None else value_of(kpi, variant, str(value))


def _step(piece: dict[str, Any], interval: str) -> str:
    day = dt.date.fromisoformat(piece["start"][:10])
    if interval in {"month", "quarter"}:
        return wording.month(day)
    return str(day.year) if interval == "year" else wording.day(day)


def _month(kpi: Kpi, variant: str, piece: dict[str, Any], asked: Asked, rows: Rows) -> Line:
    changes = {"start": piece["start"], "end": piece["end"]}
    return Line(
        _step(piece, asked.interval), value_of(kpi, variant, piece["value"]), say(piece["denominator"], side_unit(kpi, variant, "denominator")),
        rows.of(**changes), rows.of("denominator", **changes) if piece["denominator"] is not None else "", piece["partial"],
    )  # fmt: skip


def _chart(kpi: Kpi, variant: str, series: list[dict[str, Any]], asked: Asked, rows: Rows, wanted: targets.InForce) -> Chart:
    values = [None if piece["value"] is None else Decimal(piece["value"]) for piece in series]
    edges = [piece["interval_95"] if piece["value"] is not None else None for piece in series]
    hrefs = [rows.of(start=piece["start"], end=piece["end"]) for piece in series]
    line = Series(
        str(kpi.title), values, hrefs if any(hrefs) else (), "accent",
        lows=[Decimal(edge[0]) if edge else None for edge in edges] if any(edges) else (), highs=[Decimal(edge[1]) if edge else None for edge in edges] if any(edges) else (),
    )  # fmt: skip
    return lines(
        name=f"kpi-{kpi.name}", title=str(kpi.title), steps=[_step(piece, asked.interval) for piece in series], series=[line], unit=kpi.unit_of(variant),
        head=str(names.INTERVALS[asked.interval]).capitalize(), partial=[place for place, piece in enumerate(series) if piece["partial"]], goal=wanted.target, width=FULL,
        note=_("The line across is the target.") if wanted.target is not None else "",
    )  # fmt: skip


def _group(kpi: Kpi, variant: str, group: dict[str, Any], asked: Asked, rows: Rows) -> Line:
    filters = {**asked.filters, asked.by: (group["key"] or "",)}
    # what a loss is for splits the numerator alone: the rows are those of the whole
    href = "" if asked.by == "reason" else rows.of(filters=filters)
    return Line(
        group["key"] or "", value_of(kpi, variant, group["value"]), say(group["denominator"], side_unit(kpi, variant, "denominator")), href,
        "" if asked.by == "reason" or group["denominator"] is None else rows.of("denominator", filters=filters),
    )  # fmt: skip


def _compared(asked: Asked, figure: dict[str, Any], scope: list[int] | None, now: dt.datetime) -> tuple[str, str, str, str] | None:
    """(start, end, value, change) of the period to compare with."""
    span = asked.compared()
    if span is None:
        return None
    before = answer(**asked.arguments(start=span[0], end=span[1]), now=now, accounts=scope)
    variant = figure["variant"]
    return span[0], span[1], value_of(asked.kpi, variant, before["value"]), difference(asked.kpi, variant, figure["value"], before["value"])


@dataclass(frozen=True)
class Variant:
    """One way of counting beside the others."""

    name: str
    title: str
    way: Way
    value: str
    count: str
    href: str
    default: bool
    fault: str = ""


def variants(asked: Asked, *, user: User, now: dt.datetime) -> list[Variant]:
    """All variants of a KPI over the same period, side by side; what one of them lacks is told in its place."""
    kpi, scope, found = asked.kpi, scope_of(user), []
    for name in kpi.variants:
        params = {key: value for key, value in asked.params.items() if key in kpi.params}
        value, count, fault = "–", "", ""
        if name == "funnel" and not {"from_event", "to_event"} <= set(params):
            fault = _("Needs two events.")
        else:
            figure = answer(**asked.arguments(variant=name, params=params), now=now, accounts=scope)
            value = value_of(kpi, name, figure["value"])
            sides = [say(figure[side], side_unit(kpi, name, side)) for side in ("numerator", "denominator") if figure[side] is not None]
            count = " / ".join(sides) if len(sides) == 2 else ""
        href = f"{reverse('metrics:kpi', args=[kpi.name])}?{asked.query(variant=name)}"
        found.append(Variant(name, words.variant(name), told(kpi.name).ways[name], value, count, href, name == kpi.variants[0], fault))
    return found
