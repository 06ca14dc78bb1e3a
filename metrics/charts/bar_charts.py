"""Bars: over steps (stacked or side by side), a waterfall, a histogram, a ranking, a tornado."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from metrics.charts.chart import HALF, Cell, Chart, Series, Step, nothing, table
from metrics.charts.spec import TONES, Links, hatch, measured, stand, told, tone, whole
from metrics.charts.units import Value, say, short, signed, ticks


def _notes(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def bars(
    *,
    name: str,
    title: str,
    steps: Sequence[str],
    series: Sequence[Series],
    unit: str = "number",
    stacked: bool = False,
    head: str = "",
    partial: Collection[int] = (),
    width: int = HALF,
    height: int = 260,
    note: str = "",
    description: str = "",
    empty: str = "",
    axis_title: str = "",
    names_accounts: bool = False,
) -> Chart:
    """Bars over steps, side by side or stacked (what is negative hangs below zero). Every second series is hatched; what is not over is pale with a star."""
    # outside of the f-string, where the collector of texts sees it
    unfinished = _("not over yet")
    labels = [f"{step}*" if place in partial else step for place, step in enumerate(steps)]
    columns, rows = table(labels, series, unit, head or _("Month"))
    links = Links()
    records: list[dict[str, Any]] = []
    tops, floors = [0.0] * len(steps), [0.0] * len(steps)
    for one in series:
        for place, value in enumerate(one.values):
            if value is None or not value:
                continue
            amount = float(value)
            said = f"{one.name}, {steps[place]}: {say(value, unit)}" + (f" ({unfinished})" if place in partial else "")
            if stacked:
                side = tops if amount > 0 else floors
                start = side[place]
                side[place] += amount
            else:
                start, side = 0.0, (tops if amount > 0 else floors)
                side[place] = max(side[place], amount) if amount > 0 else min(side[place], amount)
            records.append(
                {"x": place, "from": start, "to": start + amount, "s": one.name, "said": said, "text": short(value, unit), "pale": place in partial,
                 "link": links.add(one.href(place))}
            )  # fmt: skip
    if not records:
        return Chart(name, title, columns, rows, None, width=width, empty=nothing(empty), description=description)
    rungs = ticks(min(floors), max(tops), unit)
    names = [one.name for one in series]
    hatched = [one.hatched if one.hatched is not None else turn % 2 == 1 for turn, one in enumerate(series)]
    fills = [hatch(tone(one.tone, turn)) if slanted else tone(one.tone, turn) for (turn, one), slanted in zip(enumerate(series), hatched, strict=True)]
    colour = {"field": "s", "type": "nominal", "scale": {"domain": names, "range": fills}, "legend": {"symbolType": "square"} if len(series) > 1 else None, "sort": None}
    across = stand("x", labels, inner=0.25, outer=0.12)
    up = measured("from", rungs, unit, title=axis_title)
    encoding: dict[str, Any] = {"x": across, "y": up, "y2": {"field": "to"}, "color": colour, **told(records)}
    if not stacked and len(series) > 1:
        encoding["xOffset"] = {"field": "s", "type": "nominal", "scale": {"domain": names}, "sort": None}
    layers: list[dict[str, Any]] = []
    for pale in (False, True):
        shown = [record for record in records if record["pale"] is pale]
        if shown:
            mark = {"type": "bar", "stroke": "var(--ink-3)" if pale else "var(--surface)", "strokeWidth": 1, **({"fillOpacity": 0.5, "strokeDash": [3, 2]} if pale else {})}
            layers.append({"data": {"values": shown}, "mark": mark, "encoding": encoding})
    if len(series) == 1 and len(steps) <= 14:
        layers.append(
            {
                "data": {"values": records},
                "mark": {"type": "text", "aria": False, "baseline": "bottom", "dy": -4},
                "encoding": {"x": across, "y": {**up, "field": "to"}, "text": {"field": "text"}},
            }
        )
    layers.append(_ground(0.0, "y"))
    spec = whole(layers, width=width, height=height)
    so_far = _("* not over yet.") if set(partial) & set(range(len(steps))) else ""
    return Chart(name, title, columns, rows, spec, tuple(links.found), width, _notes(note, so_far), description, names_accounts=names_accounts)


def _ground(at: float, channel: str, **more: Any) -> dict[str, Any]:
    return {"data": {"values": [{}]}, "mark": {"type": "rule", "aria": False, "stroke": "var(--line-2)"}, "encoding": {channel: {"datum": at, "type": "quantitative", **more}}}


def _steps(steps: Sequence[Step], head: str, of: str, unit: str, *, changes: bool = False) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """The table of steps; a third column where any of them says more."""
    more = any(step.more for step in steps)
    rows = []
    for step in steps:
        told_value = signed(step.value or 0, unit) if changes and not step.total else say(step.value, unit)
        rows.append((Cell(step.label, step.label), Cell(told_value, step.value, step.href), *((Cell(step.more, step.more),) if more else ())))
    return (head, of, *((_("What it is"),) if more else ())), tuple(rows)


def histogram(*, name: str, title: str, steps: Sequence[str], values: Sequence[Value], hrefs: Sequence[str] = (), head: str = "", of: str = "", **more: Any) -> Chart:
    """How many lie in each range; the ranges come in order with their names."""
    return bars(name=name, title=title, steps=steps, series=[Series(of or _("Accounts"), values, hrefs)], unit=more.pop("unit", "count"), head=head or _("Range"), **more)


def waterfall(
    *,
    name: str,
    title: str,
    steps: Sequence[Step],
    unit: str = "money",
    width: int = HALF,
    height: int = 270,
    note: str = "",
    description: str = "",
    empty: str = "",
    head: str = "",
) -> Chart:
    """From a total over changes to a total. Where the changes are small against the totals the ground is cut, and a sentence says so."""
    columns, rows = _steps(steps, head or _("Part"), _("Amount"), unit, changes=True)
    if not any(step.value for step in steps):
        return Chart(name, title, columns, rows, None, width=width, empty=nothing(empty), description=description)
    links, level = Links(), 0.0
    records: list[dict[str, Any]] = []
    for place, step in enumerate(steps):
        amount = float(step.value or 0)
        start = 0.0 if step.total else level
        level = start + amount
        text = short(step.value or 0, unit) if step.total else ("+" if amount > 0 else "") + short(step.value or 0, unit)
        told_value = say(step.value, unit) if step.total else signed(step.value or 0, unit)
        fill = TONES[step.tone or ("mid" if step.total else "good" if amount >= 0 else "risk")]
        records.append(
            {"x": place, "next": place + 1, "from": start, "to": level, "top": max(start, level), "level": level, "text": text,
             "fill": fill if amount >= 0 or step.total else hatch(fill), "total": step.total,
             "said": f"{step.label}: {told_value}" + (f", {step.more}" if step.more else ""), "link": links.add(step.href)}
        )  # fmt: skip
    levels = [record["level"] for record in records]
    tops = [record["top"] for record in records]
    low, high = min(levels), max(tops)
    cut = low > 0 and high - low < 0.4 * high
    rungs = ticks(max(0.0, low - 0.5 * (high - low or low / 2)), high, unit) if cut else ticks(min(low, 0.0), high, unit)
    cut = cut and rungs[0] > 0
    for record in records:
        if record["total"]:
            record["from"] = rungs[0] if cut else 0.0
    across = stand("x", [step.label for step in steps], inner=0.3, outer=0.15, turns=len(steps) > 5)
    up = measured("from", rungs, unit)
    layers: list[dict[str, Any]] = [
        {"data": {"values": records[:-1]}, "mark": {"type": "rule", "aria": False, "stroke": "var(--control)", "strokeDash": [2, 2]},
         "encoding": {"x": {**across, "bandPosition": 1}, "x2": {"field": "next", "bandPosition": 0}, "y": {**up, "field": "level"}}},
        {"data": {"values": records}, "mark": {"type": "bar", "cornerRadius": 1},
         "encoding": {"x": across, "y": up, "y2": {"field": "to"}, "fill": {"field": "fill", "scale": None}, **told(records)}},
        {"data": {"values": records}, "mark": {"type": "text", "aria": False, "baseline": "bottom", "dy": -4, "fontWeight": "bold"},
         "encoding": {"x": across, "y": {**up, "field": "top"}, "text": {"field": "text"}}},
        _ground(rungs[0] if cut else 0.0, "y"),
    ]  # fmt: skip
    told_cut = _("The axis begins at %(value)s, so the totals are cut.") % {"value": short(rungs[0], unit)} if cut else ""
    return Chart(name, title, columns, rows, whole(layers, width=width, height=height), tuple(links.found), width, _notes(note, told_cut), description)


def ranking(
    *,
    name: str,
    title: str,
    steps: Sequence[Step],
    unit: str = "number",
    head: str = "",
    of: str = "",
    width: int = HALF,
    note: str = "",
    description: str = "",
    empty: str = "",
    names_accounts: bool = False,
) -> Chart:
    """Horizontal bars with their names at the left and their values at the end; the order is the caller's."""
    columns, rows = _steps(steps, head or _("What"), of or _("Value"), unit)
    shown = [step for step in steps if step.value is not None]
    if not any(step.value for step in shown):
        return Chart(name, title, columns, rows, None, width=width, empty=nothing(empty), description=description)
    links = Links()
    records: list[dict[str, Any]] = [
        {"y": place, "from": 0.0, "to": float(step.value or 0), "text": say(step.value, unit) + (f" · {step.more}" if step.more else ""), "fill": TONES[step.tone or "accent"],
         "said": f"{step.label}: {say(step.value, unit)}" + (f", {step.more}" if step.more else ""), "link": links.add(step.href)}
        for place, step in enumerate(shown)
    ]  # fmt: skip
    values = [record["to"] for record in records]
    # room at the end for the words
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.45 * (high - low)
    side = stand("y", [step.label for step in shown], inner=0.3, outer=0.1, upright=True, limit=170)
    along = {"field": "from", "type": "quantitative", "axis": None, "scale": {"domain": [low - room * (low < 0), high + room], "nice": False}, "stack": None}
    layers: list[dict[str, Any]] = [
        {"data": {"values": records}, "mark": {"type": "bar", "cornerRadiusEnd": 2},
         "encoding": {"y": side, "x": along, "x2": {"field": "to"}, "fill": {"field": "fill", "scale": None}, **told(records)}},
        _ground(0.0, "x", axis=None),
    ]  # fmt: skip
    for below in (False, True):
        part = [record for record in records if (record["to"] < 0) is below]
        if part:
            mark = {"type": "text", "aria": False, "align": "right" if below else "left", "dx": -5 if below else 5, "limit": 0}
            layers.append({"data": {"values": part}, "mark": mark, "encoding": {"y": side, "x": {**along, "field": "to"}, "text": {"field": "text"}}})
    return Chart(
        name, title, columns, rows, whole(layers, width=width, height=24 + 28 * len(shown)), tuple(links.found), width, note, description, names_accounts=names_accounts
    )  # fmt: skip


def tornado(
    *,
    name: str,
    title: str,
    base: Value,
    steps: Sequence[tuple[str, Value, Value, str, str]],
    unit: str = "money",
    head: str = "",
    width: int = HALF,
    note: str = "",
    description: str = "",
) -> Chart:
    """What each assumption moves: (name, value at its low end, value at its high end, the low end and the high end in words), the widest first."""
    ordered = sorted(steps, key=lambda step: -abs(Decimal(str(step[2])) - Decimal(str(step[1]))))
    columns = (head or _("Assumption"), _("At its low end"), _("At its high end"), _("Between"))
    rows = tuple(
        (Cell(label, label), Cell(say(low, unit), low), Cell(say(high, unit), high), Cell(f"{at_low} – {at_high}", f"{at_low} – {at_high}"))
        for label, low, high, at_low, at_high in ordered
    )
    if not ordered:
        return Chart(name, title, columns, rows, None, width=width, empty=nothing(""), description=description)
    middle, names = float(base), [_("Low end"), _("High end")]
    records: list[dict[str, Any]] = [
        {"y": place, "from": middle, "to": float(value), "s": names[side], "said": f"{label}, {names[side]} ({words}): {say(value, unit)}"}
        for place, (label, low, high, at_low, at_high) in enumerate(ordered)
        for side, (value, words) in enumerate(((low, at_low), (high, at_high)))
    ]  # fmt: skip
    ends = [middle, *(record["to"] for record in records)]
    rungs = ticks(min(ends), max(ends), unit, 4)
    side_axis = stand("y", [step[0] for step in ordered], inner=0.3, outer=0.15, upright=True, limit=170)
    colour = {"field": "s", "type": "nominal", "scale": {"domain": names, "range": [hatch(TONES["watch"]), TONES["accent"]]}, "legend": {"symbolType": "square"}, "sort": None}
    along = measured("from", rungs, unit)
    layers = [
        {"data": {"values": records}, "mark": {"type": "bar"}, "encoding": {"y": side_axis, "x": along, "x2": {"field": "to"}, "color": colour, **told(records)}},
        {"data": {"values": [{}]}, "mark": {"type": "rule", "aria": False, "stroke": "var(--ink-2)"}, "encoding": {"x": {"datum": middle, "type": "quantitative"}}},
    ]  # fmt: skip
    spec = whole(layers, width=width, height=70 + 30 * len(ordered))
    return Chart(name, title, columns, rows, spec, (), width, _notes(note, _("The line stands at %(value)s.") % {"value": say(base, unit)}), description)
