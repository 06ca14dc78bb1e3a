"""Two measures at once: a heat map (cohorts), a scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from metrics.charts.chart import FULL, HALF, Cell, Chart, nothing
from metrics.charts.spec import SHAPES, Links, measured, stand, told, tone, whole
from metrics.charts.units import Value, say, short, ticks


def heat_map(
    *,
    name: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[Value | None]],
    hrefs: Sequence[Sequence[str]] = (),
    unit: str = "fraction",
    head: str = "",
    column_title: str = "",
    width: int = FULL,
    note: str = "",
    description: str = "",
    empty: str = "",
) -> Chart:
    """A table of colours with the value in each cell, so that the colour only helps. None leaves a cell out."""
    table_rows = tuple(
        (Cell(label, label), *(Cell(say(value, unit), value, _href(hrefs, down, across)) for across, value in enumerate(values[down]))) for down, label in enumerate(rows)
    )  # fmt: skip
    table_columns = (head or "", *columns)
    links = Links()
    records: list[dict[str, Any]] = []
    known = [float(value) for row in values for value in row if value is not None]
    if not known:
        return Chart(name, title, table_columns, table_rows, None, width=width, empty=nothing(empty), description=description)
    least, most = (0.0, 1.0) if unit == "fraction" and min(known) >= 0 and max(known) <= 1 else (min(known), max(known))
    for down, row in enumerate(values):
        for across, value in enumerate(row):
            if value is None:
                continue
            share = (float(value) - least) / (most - least) if most > least else 0.5
            records.append(
                {"x": across, "y": down, "depth": round(0.05 + 0.75 * share, 3), "text": short(value, unit), "said": f"{rows[down]}, {columns[across]}: {say(value, unit)}",
                 "link": links.add(_href(hrefs, down, across))}
            )  # fmt: skip
    x, y = stand("x", columns, orient="top", title=column_title, domain=False), stand("y", rows, upright=True)
    layers: list[dict[str, Any]] = [
        {"data": {"values": records}, "mark": {"type": "rect", "fill": "var(--accent-mid)", "stroke": "var(--surface)", "strokeWidth": 1},
         "encoding": {"x": x, "y": y, "fillOpacity": {"field": "depth", "type": "quantitative", "scale": None}, **told(records)}},
        {"data": {"values": records}, "mark": {"type": "text", "aria": False, "fill": "var(--ink)"}, "encoding": {"x": x, "y": y, "text": {"field": "text"}}},
    ]  # fmt: skip
    spec = whole(layers, width=width, height=44 + 24 * len(rows))
    return Chart(name, title, table_columns, table_rows, spec, tuple(links.found), width, note, description)


def _href(hrefs: Sequence[Sequence[str]], down: int, across: int) -> str:
    return hrefs[down][across] if down < len(hrefs) and across < len(hrefs[down]) else ""


@dataclass(frozen=True)
class Dot:
    """One dot of a scatter."""

    label: str
    x: Value
    y: Value
    href: str = ""
    group: str = ""


def scatter(
    *,
    name: str,
    title: str,
    dots: Sequence[Dot],
    x_title: str,
    y_title: str,
    x_unit: str = "number",
    y_unit: str = "number",
    head: str = "",
    labelled: bool = False,
    width: int = HALF,
    height: int = 320,
    note: str = "",
    description: str = "",
    empty: str = "",
    names_accounts: bool = False,
) -> Chart:
    """Dots over two measures; groups differ by sign and colour. `labelled` writes the name beside each dot (for few)."""
    groups = list(dict.fromkeys(dot.group for dot in dots))
    grouped = len(groups) > 1
    columns = (head or _("What"), x_title, y_title, *((_("Group"),) if grouped else ()))
    rows = tuple(
        (Cell(dot.label, dot.label, dot.href), Cell(say(dot.x, x_unit), dot.x), Cell(say(dot.y, y_unit), dot.y), *((Cell(dot.group, dot.group),) if grouped else ()))
        for dot in dots
    )  # fmt: skip
    if not dots:
        return Chart(name, title, columns, rows, None, width=width, empty=nothing(empty), description=description)
    links = Links()
    records: list[dict[str, Any]] = [
        {"x": float(dot.x), "y": float(dot.y), "s": dot.group, "label": dot.label, "said": f"{dot.label}: {x_title} {say(dot.x, x_unit)}, {y_title} {say(dot.y, y_unit)}",
         "link": links.add(dot.href)}
        for dot in dots
    ]  # fmt: skip
    across = measured("x", ticks(min(record["x"] for record in records), max(record["x"] for record in records), x_unit), x_unit, title=x_title)
    up = measured("y", ticks(min(record["y"] for record in records), max(record["y"] for record in records), y_unit), y_unit, title=y_title)
    legend: dict[str, Any] | None = {} if grouped else None
    colour = {"field": "s", "type": "nominal", "scale": {"domain": groups, "range": [tone("", turn) for turn in range(len(groups))]}, "legend": legend, "sort": None}
    shape = {"field": "s", "type": "nominal", "scale": {"domain": groups, "range": [SHAPES[turn % len(SHAPES)] for turn in range(len(groups))]}, "legend": legend, "sort": None}
    layers: list[dict[str, Any]] = [
        {"data": {"values": records}, "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.8},
         "encoding": {"x": across, "y": up, "color": colour, "shape": shape, **told(records)}}
    ]  # fmt: skip
    if labelled:
        layers.append(
            {
                "data": {"values": records},
                "mark": {"type": "text", "aria": False, "align": "left", "dx": 7, "limit": 150},
                "encoding": {"x": across, "y": up, "text": {"field": "label"}},
            }
        )
    return Chart(name, title, columns, rows, whole(layers, width=width, height=height), tuple(links.found), width, note, description, names_accounts=names_accounts)
