"""Small drawings as inline SVG: icons, sparklines, arrows of change. No text inside scales."""

from __future__ import annotations

import functools
from decimal import Decimal

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from accounts import wording

# Vefa's own signs: the brand, and one shape a band so that colour never speaks alone
_SIGNS = {
    "s-good": ("0 0 10 10", '<circle cx="5" cy="5" r="4" fill="currentColor"/>'),
    "s-watch": ("0 0 10 10", '<path d="M5 .8 9.6 9H.4Z" fill="currentColor"/>'),
    "s-risk": ("0 0 10 10", '<path d="M5 0 10 5 5 10 0 5Z" fill="currentColor"/>'),
    "vefa": (
        "0 0 24 24",
        '<path fill="currentColor" d="M12 2c2.6 2.7 4 5.6 4 8.6 0 3.2-1.5 6-4 8.4-2.5-2.4-4-5.2-4-8.4C8 7.6 9.4 4.7 12 2Z"/>'
        '<path fill="currentColor" opacity=".62" d="M3 6c2 .4 3.5 1.3 4.6 2.6-.4 4.4.6 8 3.4 11.2C6.2 18.6 2.7 13.6 3 6Z'
        'M21 6c-2 .4-3.5 1.3-4.6 2.6.4 4.4-.6 8-3.4 11.2C17.8 18.6 21.3 13.6 21 6Z"/>',
    ),
}


@functools.lru_cache(maxsize=1024)
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """One icon as SVG. With a label it is an image with that name, else it is hidden."""
    if name in _SIGNS:
        box, body = _SIGNS[name]
        svg = f'<svg viewBox="{box}" width="{size}" height="{size}">{body}</svg>'
    else:
        svg = " ".join(str(lucide(name, size=size, **{"stroke_width": "1.75", "class": ""})).split()).replace(' class=""', "").replace("> <", "><")
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return mark_safe(svg.replace("<svg ", f"<svg {said} ", 1))  # noqa: S308 - own and packaged drawings only; the label is escaped


def delta(change: float | Decimal | None, good: str = "up") -> SafeString:
    """A change as arrow, number and a word for those who cannot see the arrow."""
    if change is None:
        return SafeString("")
    if change == 0:
        return format_html('<span class="delta"><span class="sr">{}</span><span aria-hidden="true">±0</span></span>', _("unchanged"))
    rises = change > 0
    tone = "" if good == "none" else " good" if rises == (good == "up") else " bad"
    words = _("up by") if rises else _("down by")
    size: float | Decimal = change if rises else -change
    return format_html('<span class="delta{}">{}<span class="sr">{} </span>{}</span>', tone, icon("arrow-up" if rises else "arrow-down", 12), words, wording.number(size))


def spark(values: list[int | None], tone: str, label: str, width: int, height: int, late: int) -> SafeString:
    """A sparkline of scores in hundredths with the two edges of the bands as dotted lines."""
    known = [(step, value) for step, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return SafeString("")
    low = min(2000, *(value for _step, value in known))
    pad = 3

    def x(step: int) -> float:
        return round(pad + step * (width - 2 * pad) / (len(values) - 1), 1)

    def y(value: int) -> float:
        return round(pad + (10000 - value) * (height - 2 * pad) / (10000 - low), 1)

    spots = [(x(step), y(value)) for step, value in known]
    cut = max(1, len(spots) - late)
    line = "M" + " ".join(f"{across} {down}" for across, down in spots[:cut])
    end = "M" + " ".join(f"{across} {down}" for across, down in spots[cut - 1 :])
    said = label or _("Health from %(first)s to %(last)s") % {"first": wording.points(known[0][1]), "last": wording.points(known[-1][1])}
    return format_html(
        '<svg class="spark"{} width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"><path class="edge" d="M0 {}H{}M0 {}H{}"/>'
        '<path class="line" d="{}"/><path class="late" d="{}"/><circle class="dot" cx="{}" cy="{}" r="3"/></svg>',
        format_html(' data-band="{}"', tone) if tone else "", width, height, width, height, said,
        y(7500), width, y(5000), width, line, end, spots[-1][0], spots[-1][1],
    )  # fmt: skip
