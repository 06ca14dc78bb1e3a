"""Lines over time, several series, each with its own dash and sign so that colour never speaks alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.utils.translation import gettext as _

from metrics.charts.chart import HALF, Chart, Series, nothing, table
from metrics.charts.spec import DASHES, SHAPES, Links, measured, places, told, tone, whole
from metrics.charts.units import Value, say, short, ticks


def lines(
    *,
    name: str,
    title: str,
    steps: Sequence[str],
    series: Sequence[Series],
    unit: str = "number",
    head: str = "",
    partial: Collection[int] = (),
    goal: Value | None = None,
    zero: bool = False,
    width: int = HALF,
    height: int = 260,
    note: str = "",
    description: str = "",
    empty: str = "",
    axis_title: str = "",
    names_accounts: bool = False,
) -> Chart:
    """A line a series over the steps. `partial` are places not over yet: marked hollow and with a star; `goal` is a level drawn across."""
    # outside of the f-string, where the collector of texts sees it
    unfinished = _("not over yet")
    labels = [f"{step}*" if place in partial else step for place, step in enumerate(steps)]
    columns, rows = table(labels, series, unit, head or _("Month"))
    known = [float(value) for one in series for value in (*one.values, *one.lows, *one.highs) if value is not None]
    links = Links()
    if not known:
        return Chart(name, title, columns, rows, None, width=width, empty=nothing(empty), description=description)
    if goal is not None:
        known.append(float(goal))
    rungs = ticks(min(known + [0.0] * zero), max(known + [0.0] * zero), unit)
    points: list[dict[str, Any]] = []
    paths: list[dict[str, Any]] = []
    bands: list[dict[str, Any]] = []
    for turn, one in enumerate(series):
        for place, value in enumerate(one.values):
            paths.append({"x": place, "y": None if value is None else float(value), "s": one.name, "o": turn})
            if value is None:
                continue
            so_far = place in partial
            said = f"{one.name}, {steps[place]}: {say(value, unit)}" + (f" ({unfinished})" if so_far else "")
            points.append({"x": place, "y": float(value), "s": one.name, "said": said, "link": links.add(one.href(place)), "hollow": so_far})
            if place < len(one.lows) and place < len(one.highs) and one.lows[place] is not None and one.highs[place] is not None:
                bands.append({"x": place, "low": float(one.lows[place] or 0), "high": float(one.highs[place] or 0), "s": one.name})
    names = [one.name for one in series]
    many = len(series) > 1
    legend: dict[str, Any] | None = {} if many else None
    scale = {"domain": names, "range": [tone(one.tone, turn) for turn, one in enumerate(series)]}
    colour = {"field": "s", "type": "nominal", "scale": scale, "legend": legend, "sort": None}
    dash = {"field": "s", "type": "nominal", "scale": {"domain": names, "range": [DASHES[turn % len(DASHES)] for turn in range(len(names))]}, "legend": legend, "sort": None}
    shape = {"field": "s", "type": "nominal", "scale": {"domain": names, "range": [SHAPES[turn % len(SHAPES)] for turn in range(len(names))]}, "legend": legend, "sort": None}
    across = {"field": "x", "type": "ordinal", "axis": places(labels), "scale": {"domain": list(range(len(steps))), "type": "point", "padding": 0.4}}
    up = measured("y", rungs, unit, title=axis_title)
    layers: list[dict[str, Any]] = []
    if bands:
        layers.append(
            {"data": {"values": bands}, "mark": {"type": "area", "aria": False, "opacity": 0.16},
             "encoding": {"x": across, "y": {**up, "field": "low"}, "y2": {"field": "high"}, "color": {**colour, "legend": None}}}
        )  # fmt: skip
    layers.append(
        {"data": {"values": paths}, "mark": {"type": "line", "aria": False, "strokeWidth": 2, "strokeJoin": "round", "interpolate": "linear"},
         "encoding": {"x": across, "y": up, "color": colour, "strokeDash": dash}}
    )  # fmt: skip
    size = 45 if len(steps) <= 26 else 18
    for hollow in (False, True):
        shown = [point for point in points if point["hollow"] is hollow]
        if shown:
            mark = {"type": "point", "filled": not hollow, "size": size * (2 if hollow else 1), "opacity": 1, "strokeWidth": 1.5, **({"fill": "var(--surface)"} if hollow else {})}
            layers.append({"data": {"values": shown}, "mark": mark, "encoding": {"x": across, "y": up, "color": colour, "shape": shape, **told(shown)}})
    if goal is not None:
        at = {"datum": float(goal), "type": "quantitative"}
        layers.append({"data": {"values": [{}]}, "mark": {"type": "rule", "aria": False, "stroke": "var(--control)", "strokeDash": [2, 4]}, "encoding": {"y": at}})
        text = _("target %(value)s") % {"value": short(goal, unit)}
        layers.append(
            {"data": {"values": [{}]}, "encoding": {"y": at},
             "mark": {"type": "text", "aria": False, "align": "right", "baseline": "bottom", "dy": -3, "x": "width", "text": text, "fill": "var(--ink-3)"}}
        )  # fmt: skip
    spec = whole(layers, width=width, height=height)
    notes = " ".join(part for part in (note, _("* not over yet.") if set(partial) & set(range(len(steps))) else "") if part)
    return Chart(
        name, title, columns, rows, spec, tuple(links.found), width, notes, description, names_accounts=names_accounts
    )  # fmt: skip
