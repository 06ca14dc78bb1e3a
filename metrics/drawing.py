"""Drawings of figures as inline SVG: the line of a KPI over time, the bands of a segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH, HEIGHT, PAD = 104, 36, 3


def trend(values: Sequence[Decimal | None], label: str) -> SafeString:
    """A plain sparkline between the least and the greatest value; nothing for fewer than two values."""
    known = [(step, float(value)) for step, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return SafeString("")
    low, high = min(value for _, value in known), max(value for _, value in known)
    span = high - low or 1.0

    def spot(step: int, value: float) -> str:
        x = PAD + step * (WIDTH - 2 * PAD) / (len(values) - 1)
        y = HEIGHT - PAD - (value - low) * (HEIGHT - 2 * PAD) / span if high > low else HEIGHT / 2
        return f"{x:.1f} {y:.1f}"

    path = " ".join(spot(step, value) for step, value in known)
    first, last = spot(*known[0]).split()[0], spot(*known[-1]).split()
    return format_html(
        '<svg class="spark plain" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"><path class="area" d="M{} V{} H{}Z"/>'
        '<path class="line" d="M{}"/><circle class="dot" cx="{}" cy="{}" r="2.5"/></svg>',
        WIDTH, HEIGHT, WIDTH, HEIGHT, label, path, HEIGHT, first, path, last[0], last[1],
    )  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One step of a chart: its label, one or two counts side by side, what it says in full, a point of the line over it."""

    label: str
    values: tuple[int, ...]
    told: str
    line: int | None = None


TALL, ABOVE, BELOW = 132, 8, 18


def columns(steps: Sequence[Column], label: str) -> SafeString:
    """Columns in percent of the width; each tells itself on hover. The line has a scale of its own only by its numbers."""
    most = max([1, *(value for step in steps for value in step.values), *(step.line or 0 for step in steps)])
    room, wide = TALL - ABOVE - BELOW, 100 / max(1, len(steps))
    every = max(1, -(-len(steps) // 7))
    parts: list[SafeString] = []
    spots: list[tuple[float, float]] = []
    for place, step in enumerate(steps):
        inner = wide * 0.72 / len(step.values)
        for turn, value in enumerate(step.values):
            tall = round(room * value / most, 1)
            parts.append(
                format_html(
                    '<rect class="col c{}" x="{}%" y="{}" width="{}%" height="{}"/>',
                    turn, f"{place * wide + wide * 0.14 + turn * inner:.2f}", TALL - BELOW - tall, f"{inner * 0.92:.2f}", tall,
                )
            )  # fmt: skip
        if step.line is not None:
            spots.append((place * wide + wide / 2, ABOVE + room * (1 - step.line / most)))
        parts.append(format_html('<rect class="hit" x="{}%" y="0" width="{}%" height="{}"><title>{}</title></rect>', f"{place * wide:.2f}", f"{wide:.2f}", TALL - BELOW, step.told))
        if place % every == 0:
            parts.append(format_html('<text x="{}%" y="{}" text-anchor="{}">{}</text>', *_foot(place, wide, len(steps)), step.label))
    for left, right in pairwise(spots):
        parts.append(format_html('<line class="over" x1="{}%" y1="{}" x2="{}%" y2="{}"/>', *(f"{value:.2f}" for value in (*left, *right))))
    return format_html(
        '<svg class="plot columns" width="100%" height="{}" role="img" aria-label="{}"><rect class="edge" x="0" y="{}" width="100%" height="1"/>{}</svg>',
        TALL, label, TALL - BELOW, SafeString("".join(parts)),
    )  # fmt: skip


def _foot(place: int, wide: float, count: int) -> tuple[str, int, str]:
    """Where the label of a column stands; the outer ones stay inside."""
    if place == 0:
        return "0", TALL - 3, "start"
    return f"{place * wide + wide / 2:.2f}", TALL - 3, "end" if place == count - 1 else "middle"
