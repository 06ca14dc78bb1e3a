"""Drawings of figures as inline SVG: the line of a KPI over time, the bands of a segment."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

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
