"""Pieces of Vega-Lite specifications: axes with labels made here, tones, the look. Plain JSON, no text of users in an expression but as a literal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from metrics.charts.units import short

TONES = {
    "accent": "var(--accent)",
    "quiet": "var(--ink-3)",
    "good": "var(--good-fill)",
    "watch": "var(--watch-fill)",
    "risk": "var(--risk-fill)",
    "mid": "var(--accent-mid)",
}
_ORDER = ("accent", "quiet", "good", "watch", "risk", "mid")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
# text is measured with this and drawn in the font of the page
FONT = "DejaVu Sans, Verdana, Liberation Sans, sans-serif"
CONFIG: dict[str, Any] = {
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "text": {"color": "var(--ink-2)", "fontSize": 11},
    "axis": {
        "labelColor": "var(--ink-3)", "labelFontSize": 11, "titleColor": "var(--ink-2)", "titleFontSize": 11, "titleFontWeight": "normal", "gridColor": "var(--line)",
        "domainColor": "var(--line-2)", "tickColor": "var(--line-2)", "labelPadding": 6, "titlePadding": 8,
    },
    "legend": {
        "labelColor": "var(--ink-2)", "labelFontSize": 11, "orient": "top", "title": None, "symbolSize": 90, "symbolStrokeWidth": 2, "labelLimit": 180, "columnPadding": 14,
        "offset": 8,
    },
}  # fmt: skip


def tone(given: str, place: int) -> str:
    """The colour of a series: its tone, else by its place."""
    return TONES[given or _ORDER[place % len(_ORDER)]]


def hatch(colour: str) -> str:
    """A fill of slanted lines instead of a plain one; the renderer makes the pattern."""
    return f"hatch({colour})"


def words_of(labels: Sequence[str], *, turns: bool = False) -> str:
    """The expression that puts the label of each place of a discrete axis; labels stand in it as literals only. With `turns` every second stands a line lower."""
    told = [["", str(label)] if turns and place % 2 else str(label) for place, label in enumerate(labels)]
    return f"{json.dumps(told)}[datum.value]"


def places(labels: Sequence[str], *, title: str = "", orient: str = "", upright: bool = False, limit: int = 0, domain: bool = True, turns: bool = False) -> dict[str, Any]:
    """A discrete axis over the places 0 to n-1; labels that would overlap are left out unless it stands upright."""
    axis: dict[str, Any] = {
        "labelExpr": words_of(labels, turns=turns),
        "ticks": False,
        "grid": False,
        "title": title or None,
        "labelAngle": 0,
        "labelLimit": limit or (200 if upright else 110),
    }
    if not upright and not turns:
        axis |= {"labelOverlap": "parity", "labelSeparation": 6}
    if orient:
        axis["orient"] = orient
    if upright or not domain:
        axis["domain"] = False
    return axis


def stand(field: str, labels: Sequence[str], *, inner: float = 0.0, outer: float = 0.0, **axis: Any) -> dict[str, Any]:
    """A discrete channel: a band for each label, with room between them and at the ends."""
    scale = {"domain": list(range(len(labels))), "paddingInner": inner, "paddingOuter": outer}
    return {"field": field, "type": "ordinal", "axis": places(labels, **axis), "scale": scale}


def ladder(steps: Sequence[float], unit: str, *, title: str = "", grid: bool = True) -> dict[str, Any]:
    """A measured axis with the given ticks, told in the reader's language."""
    told = json.dumps([short(step, unit) for step in steps])
    return {
        "values": list(steps), "labelExpr": f"{told}[indexof({json.dumps(list(steps))}, datum.value)]", "title": title or None, "domain": False, "ticks": False, "grid": grid,
    }  # fmt: skip


def measured(field: str, steps: Sequence[float], unit: str, **axis: Any) -> dict[str, Any]:
    """A measured channel from the first tick to the last."""
    return {"field": field, "type": "quantitative", "scale": {"domain": [steps[0], steps[-1]], "nice": False, "zero": False}, "axis": ladder(steps, unit, **axis), "stack": None}


class Links:
    """The addresses of a chart; a mark carries the number of its own. Only paths of this site are taken."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, href: str) -> str | None:
        """The token of an address; None for none. Raises ValueError for one that leaves the site."""
        if not href:
            return None
        if not href.startswith(("/", "?")) or href.startswith(("//", "/\\")) or any(ord(sign) < 33 for sign in href):
            raise ValueError(f"not a path of this site: {href!r}")
        self.found.append(href)
        return f"https://rows.invalid/{len(self.found) - 1}"


def told(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The channels that name a mark and make it a link where there is one."""
    channels: dict[str, Any] = {"description": {"field": "said"}}
    if any(record.get("link") for record in records):
        channels["href"] = {"field": "link"}
    return channels


def whole(layers: list[dict[str, Any]], *, width: int, height: int, **more: Any) -> dict[str, Any]:
    """The specification of layers in a box of exactly this width."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": width, "height": height, "autosize": {"type": "fit", "contains": "padding"}, "padding": 4,
        "layer": layers, "config": CONFIG, **more,
    }  # fmt: skip
