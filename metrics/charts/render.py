"""From a specification to an SVG that is safe inline, and to files. The library is loaded at the first chart of a process.

What it draws is read again and written anew from short lists of elements and attributes, so that no style, script,
class or id of a library ever reaches a page, and links lead only where the chart said.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from types import ModuleType
from typing import Any

from django.utils.html import escape

from metrics.actions.cached import cached, keep

# part of the key of what is kept: raise it when the drawing changes
VERSION = 3
KEPT_SECONDS = 24 * 3600
# the light colours of the tokens, for files, where there is no stylesheet
LIGHT = {
    "surface": "#ffffff", "sunken": "#f5f4f1", "line": "#e6e4e1", "line-2": "#cfcdc9", "control": "#8b8984", "ink": "#1e1d19", "ink-2": "#4c4a46", "ink-3": "#6a6762",
    "accent": "#1a539e", "accent-mid": "#7fa8d9", "accent-soft": "#e8f1fd", "on-accent": "#ffffff", "good-fill": "#5aab8a", "watch-fill": "#e0ae57", "risk-fill": "#d8644f",
    "good": "#136b4b", "watch": "#83560d", "risk": "#a63222",
}  # fmt: skip
_TOKEN = re.compile(r"var\(--([a-z0-9-]+)\)")
_HATCH = re.compile(r"hatch\((var\(--[a-z0-9-]+\))\)")
_ELEMENTS = {"g", "path", "line", "rect", "circle", "text", "tspan", "a"}
_ATTRIBUTES = {
    "d", "transform", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "r", "cx", "cy", "width", "height", "rx", "ry", "fill", "fill-opacity", "stroke", "stroke-width",
    "stroke-opacity", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "stroke-miterlimit", "opacity", "text-anchor", "font-size", "font-weight", "font-style",
}  # fmt: skip
_COLOURS = {"fill", "stroke"}
_SAFE_VALUE = re.compile(r"[\w\s.,;:#%()+-]*")
_LINK = "https://rows.invalid/"


@functools.cache
def _library() -> ModuleType:
    """The renderer; importing it starts nothing, the first chart starts its engine (some 190 MB)."""
    import vl_convert  # processes that never draw never load it

    return vl_convert


def drawing(spec: dict[str, Any], *, name: str, title: str, links: tuple[str, ...] = ()) -> str:
    """The SVG of a specification for a page, kept by the hash of all that makes it."""
    given = json.dumps([VERSION, spec, name, title, links], sort_keys=True, ensure_ascii=False, default=str)
    key = f"chart:{hashlib.sha256(given.encode()).hexdigest()}"
    svg = cached(key)
    if svg is None:
        svg = _Writer(name=name, title=title, links=links, unique=key[-8:]).written(_rendered(spec))
        keep(key, svg, KEPT_SECONDS)
    return svg


def svg_file(spec: dict[str, Any], *, name: str, title: str) -> str:
    """The SVG as a file: light colours, white ground, the title above, no links."""
    titled = {**spec, "title": {"text": title, "anchor": "start", "color": LIGHT["ink"], "fontSize": 14, "offset": 12}, "padding": 16}
    return _Writer(name=name, title=title, links=(), unique="file", file=True).written(_rendered(titled))


def png_file(spec: dict[str, Any], *, name: str, title: str) -> bytes:
    """The same as a picture, two points to each."""
    return bytes(_library().svg_to_png(svg_file(spec, name=name, title=title), scale=2))


def _rendered(spec: dict[str, Any]) -> str:
    # nothing is ever loaded: all data is in the specification, and no address is allowed
    return str(_library().vegalite_to_svg(json.dumps(spec, default=float), allowed_base_urls=[]))


class _Writer:
    """Writes what was drawn anew, from the lists above alone."""

    def __init__(self, *, name: str, title: str, links: tuple[str, ...], unique: str, file: bool = False) -> None:
        self.title, self.links, self.file = title, links, file
        self.prefix = f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{unique}"
        self.hatches: list[str] = []

    def written(self, source: str) -> str:
        """The whole SVG. Raises ValueError where what was drawn is none."""
        root = ET.fromstring(source)  # noqa: S314 - our own renderer's output, without entities
        if _local(root.tag) != "svg":
            raise ValueError("not an SVG")
        box = root.attrib.get("viewBox", "")
        if not re.fullmatch(r"[\d. -]+", box):
            raise ValueError("an SVG without a box")
        body = "".join(self._element(child, hidden=False) for child in root)
        defs = f"<defs>{''.join(self._pattern(place, colour) for place, colour in enumerate(self.hatches))}</defs>" if self.hatches else ""
        if self.file:
            width, height = box.split()[2:]
            ground = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
            fonts = "Liberation Sans, DejaVu Sans, Arial, sans-serif"
            return (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="{box}" font-family="{fonts}" role="img">'
                f"<title>{escape(self.title)}</title>{defs}{ground}{body}</svg>"
            )
        return f'<svg viewBox="{box}" role="group" aria-label="{escape(self.title)}">{defs}{body}</svg>'

    def _element(self, node: ET.Element, *, hidden: bool, label: str = "") -> str:
        tag = _local(node.tag)
        if tag not in _ELEMENTS or node.attrib.get("display") == "none":
            return ""
        given = node.attrib
        classes = given.get("class", "")
        if "role-axis" in classes.split() or "role-legend" in classes.split():
            # the table and the names of the marks say all of it
            return _element("g", self._attributes(node) + ' aria-hidden="true"', self._children(node, hidden=True))
        if tag == "a":
            return self._anchor(node, hidden=hidden)
        said = given.get("aria-label", "") if not hidden and given.get("aria-hidden") != "true" and tag != "g" and not label else ""
        attributes = self._attributes(node)
        if tag == "path" and classes in {"background", "foreground"} and not (given.get("fill") or given.get("stroke")):
            return ""
        if tag == "g":
            inside = self._children(node, hidden=hidden or given.get("aria-hidden") == "true")
            if not inside:
                return ""
            if given.get("aria-hidden") == "true" and not hidden:
                attributes += ' aria-hidden="true"'
            return _element("g", attributes, inside) if attributes else inside
        inside = self._children(node, hidden=hidden)
        text = escape(node.text or "") if tag in {"text", "tspan"} else ""
        if said:
            attributes += f' role="img" aria-label="{escape(said)}"'
        elif tag == "text" and not hidden and given.get("aria-hidden") == "true":
            attributes += ' aria-hidden="true"'
        hover = f"<title>{escape(said or label)}</title>" if said or label else ""
        return _element(tag, attributes, hover + text + inside)

    def _anchor(self, node: ET.Element, *, hidden: bool) -> str:
        """A link: named by its mark, leading where the chart said; without an address of the chart it is no link."""
        target = next((value for name, value in node.attrib.items() if _local(name) == "href"), "")
        place = target.removeprefix(_LINK)
        known = target.startswith(_LINK) and place.isdecimal() and int(place) < len(self.links)
        if hidden or not known:
            return self._children(node, hidden=hidden)
        label = next((child.attrib["aria-label"] for child in node if child.attrib.get("aria-label")), self.title)
        inside = "".join(self._element(child, hidden=False, label=label) for child in node)
        return f'<a href="{escape(self.links[int(place)])}" aria-label="{escape(label)}">{inside}</a>'

    def _children(self, node: ET.Element, *, hidden: bool) -> str:
        return "".join(self._element(child, hidden=hidden) for child in node)

    def _attributes(self, node: ET.Element) -> str:
        kept = []
        for name, value in node.attrib.items():
            if name not in _ATTRIBUTES or not _SAFE_VALUE.fullmatch(value) or "url(" in value:
                continue
            if (name in {"opacity", "fill-opacity", "stroke-opacity"} and value == "1") or (name == "transform" and value == "translate(0,0)"):
                continue
            kept.append(f'{name}="{self._colour(value) if name in _COLOURS else _shortened(name, value)}"')
        return " ".join(kept)

    def _colour(self, value: str) -> str:
        hatched = _HATCH.fullmatch(value)
        if hatched:
            if hatched[1] not in self.hatches:
                self.hatches.append(hatched[1])
            return f"url(#{self.prefix}-h{self.hatches.index(hatched[1])})"
        return self._literal(value)

    def _literal(self, value: str) -> str:
        return _TOKEN.sub(lambda found: LIGHT.get(found[1], "#4c4a46"), value) if self.file else value

    def _pattern(self, place: int, colour: str) -> str:
        colour = self._literal(colour)
        return (
            f'<pattern id="{self.prefix}-h{place}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<rect width="5" height="5" fill="{colour}" fill-opacity=".25"/><rect width="2.5" height="5" fill="{colour}"/></pattern>'
        )


def _element(tag: str, attributes: str, inside: str) -> str:
    opened = f"{tag} {attributes.strip()}" if attributes.strip() else tag
    return f"<{opened}>{inside}</{tag}>" if inside else f"<{opened}/>"


def _local(name: str) -> str:
    return name.rpartition("}")[2]


_LONG = re.compile(r"-?\d+\.\d{3,}")


def _shortened(name: str, value: str) -> str:
    """Hundredths of a point are enough for the eye."""
    return _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value) if name in {"d", "transform", "x", "y", "x1", "x2", "y1", "y2"} else value
