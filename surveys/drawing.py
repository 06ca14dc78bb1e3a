"""Drawings of results as inline SVG: percent across, pixels down, so that text never scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_FLOOR = 170
_HEIGHT = 210


@dataclass(frozen=True)
class Bar:
    """One score: its label, tone (good, pass, risk), answers (None: not told), where it opens, and all that in words."""

    label: str
    tone: str
    count: int | None
    shown: str
    href: str
    said: str


@dataclass(frozen=True)
class Spot:
    """One piece of a trend: its label, value and interval as numbers and in words; None for a gap."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    shown: str = ""


def distribution(bars: Sequence[Bar], label: str) -> SafeString:
    """Bars of answers by score; each opens its rows where it has an address."""
    most = max([bar.count or 0 for bar in bars], default=0) or 1
    slot = 100 / max(1, len(bars))
    drawn = []
    for place, bar in enumerate(bars):
        tall = max(2.0, 140 * bar.count / most) if bar.count else 0.0
        left, middle = place * slot + slot * 0.14, (place + 0.5) * slot
        rect = format_html('<rect class="{}" x="{}%" y="{}" width="{}%" height="{}" rx="2"/>', bar.tone, f"{left:.2f}", f"{_FLOOR - tall:.1f}", f"{slot * 0.72:.2f}", f"{tall:.1f}")
        if bar.href and bar.count:
            rect = format_html('<a href="{}" aria-label="{}">{}</a>', bar.href, bar.said, rect)
        drawn.append((rect, f"{middle:.2f}", f"{_FLOOR - tall - 7:.1f}", bar.shown, f"{middle:.2f}", bar.label))
    inside = format_html_join("", '{}<text class="val" x="{}%" y="{}" text-anchor="middle">{}</text><text class="axis" x="{}%" y="188" text-anchor="middle">{}</text>', drawn)
    return format_html(
        '<svg class="plot dist" width="100%" height="196" role="group" aria-label="{}">{}<rect class="base" y="{}" width="100%" height="1"/></svg>', label, inside, _FLOOR
    )


def interval_line(spots: Sequence[Spot], label: str, edges: Sequence[tuple[float, str]]) -> SafeString:
    """A line with the band of its intervals; gaps stay open. `edges` are the lines of the scale, lowest first."""
    if not spots or len(edges) < 2:
        return SafeString("")
    low, high = edges[0][0], edges[-1][0]

    def x(place: int) -> float:
        return 100 * place / (len(spots) - 1) if len(spots) > 1 else 50.0

    def y(value: float) -> float:
        return 100 - 100 * (min(max(value, low), high) - low) / (high - low)

    areas, lines, dots = [], [], []
    for run in _runs(spots):
        upper = " ".join(f"{x(place):.2f} {y(spots[place].high or 0):.2f}" for place in run)
        lower = " ".join(f"{x(place):.2f} {y(spots[place].low or 0):.2f}" for place in reversed(run))
        areas.append((f"M{upper} {lower}Z",))
        lines.append((" ".join(f"{x(place):.2f} {y(spots[place].value or 0):.2f}" for place in run),))
        if len(run) == 1:
            dots.append((f"{x(run[0]):.2f}", f"{y(spots[run[0]].value or 0) * _HEIGHT / 100:.1f}"))
    known = [place for place, spot in enumerate(spots) if spot.value is not None]
    last = SafeString("")
    if known:
        end = spots[known[-1]]
        across, down = x(known[-1]), y(end.value or 0) * _HEIGHT / 100
        last = format_html(
            '<circle class="dot" cx="{}%" cy="{}" r="3.5"/><text class="val" x="{}%" dx="10" y="{}">{}</text>',
            f"{across:.2f}",
            f"{down:.1f}",
            f"{across:.2f}",
            f"{down + 4:.1f}",
            end.shown,
        )
    grid = format_html_join(
        "", '<rect class="grid" y="{}" width="100%" height="1"/><text x="0" dx="-8" y="{}" text-anchor="end">{}</text>',
        ((f"{y(value) * _HEIGHT / 100:.1f}", f"{y(value) * _HEIGHT / 100 + 4:.1f}", text) for value, text in edges),
    )  # fmt: skip
    every = max(1, -(-len(spots) // 7))
    ticks = format_html_join(
        "", '<text{} x="{}%" y="228" text-anchor="{}">{}</text>',
        (
            (SafeString(' class="opt"') if place // every % 2 else "", f"{x(place):.2f}", _anchor(place, len(spots)), spot.label)
            for place, spot in enumerate(spots)
            if place % every == 0
        ),
    )  # fmt: skip
    return format_html(
        '<svg class="plot lines" width="100%" height="234" role="img" aria-label="{}">{}'
        '<svg width="100%" height="{}" viewBox="0 0 100 100" preserveAspectRatio="none">{}{}</svg>{}{}{}</svg>',
        label, grid, _HEIGHT,
        format_html_join("", '<path class="band-area" d="{}"/>', areas), format_html_join("", '<path class="line" d="M{}"/>', lines),
        format_html_join("", '<circle class="dot" cx="{}%" cy="{}" r="2.5"/>', dots), last, ticks,
    )  # fmt: skip


def _anchor(place: int, count: int) -> str:
    """The first label begins at its place, the last ends there."""
    return "middle" if count == 1 else "start" if place == 0 else "end" if place == count - 1 else "middle"


def _runs(spots: Sequence[Spot]) -> list[list[int]]:
    """Places without a gap between them."""
    runs: list[list[int]] = []
    for place, spot in enumerate(spots):
        if spot.value is None:
            continue
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def whisker(low: float, high: float, value: float, least: float, most: float, label: str) -> SafeString:
    """A value with its interval between two ends, one line high."""

    def x(number: float) -> str:
        return f"{100 * (min(max(number, least), most) - least) / (most - least):.1f}"

    return format_html(
        '<svg class="plot whisk" width="100%" height="16" role="img" aria-label="{}">{}'
        '<rect class="range" x="{}%" y="7" width="{}%" height="3" rx="1"/><circle class="dot" cx="{}%" cy="8.5" r="4"/></svg>',
        label, format_html('<rect class="zero" x="{}%" width="1" height="16"/>', x(0)) if least < 0 < most else "",
        x(low), f"{float(x(high)) - float(x(low)):.1f}", x(value),
    )  # fmt: skip
