"""Template tags and filters of the face: icons, bands, money, times, sparklines.

Loaded into every template (see `TEMPLATES` in the settings). All of it speaks the reader's language
and follows the reader's time zone; a sign always has a word beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import drawing, wording
from accounts.queries.clock import read_clock
from accounts.sentences import say

register = template.Library()

# what a band is called in the stylesheet
_TONES = {"healthy": "good", "watch": "watch", "at_risk": "risk", "good": "good", "risk": "risk"}


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """An icon of the set, or one of Vefa's own signs (`vefa`, `s-good`, `s-watch`, `s-risk`), inline.

    Hidden from screen readers unless a label is given. Raises lucide.IconDoesNotExist.
    """
    return drawing.icon(str(name), int(size), str(label))


@register.simple_tag
def band(value: str | None) -> SafeString:
    """A band of health as sign and word; a quiet word where there is no score yet."""
    tone = _TONES.get(str(value or ""))
    if tone is None:
        return format_html('<span class="band none">{}</span>', _("No score yet"))
    return format_html('<span class="band" data-band="{}">{}{}</span>', tone, drawing.icon(f"s-{tone}", 9), wording.band_name(str(value)))


@register.filter
def tone(value: str | None) -> str:
    """What a band is called in `data-band`: good, watch, risk or nothing."""
    return _TONES.get(str(value or ""), "")


@register.filter
def band_name(value: str | None) -> str:
    """The word of a band alone."""
    return wording.band_name(str(value or ""))


@register.filter
def money(micros: int | Decimal | None, currency: str = "") -> str:
    """Millionths of the reporting currency (or of the one named) as money; a dash for nothing."""
    return wording.money(micros, currency or settings.REPORTING_CURRENCY)


@register.filter
def points(hundredths: int | None) -> str:
    """A score in hundredths as whole points; a dash for nothing."""
    return wording.points(hundredths)


@register.filter
def number(value: int | float | Decimal | None) -> str:
    """A number with the reader's separators; a dash for nothing."""
    return wording.number(value)


@register.filter
def percent(fraction: float | Decimal | None, digits: int = 0) -> str:
    """0.125 as 13 % in the reader's way of writing (`digits` after the point)."""
    return wording.percent(fraction, int(digits))


@register.filter
def capped(count: int | None, limit: int = 1000) -> str:
    """A count that stops counting: 1001 reads as “1,000+”."""
    return wording.capped(count, int(limit))


@register.filter
def ago(moment: dt.datetime | dt.date | None) -> SafeString:
    """A time in relative words, the exact one on hover; a dash for nothing."""
    if moment is None:
        return SafeString("–")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), wording.exact(moment), wording.relative(moment, read_clock()))


@register.filter
def day(moment: dt.datetime | dt.date | None) -> SafeString:
    """A day as the reader writes it, the exact time on hover; a dash for nothing."""
    if moment is None:
        return SafeString("–")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), wording.exact(moment), wording.day(moment))


@register.filter
def long_day(date: dt.date) -> str:
    """A day with its month in full; without the year where it is this one."""
    return wording.long_day(date, timezone.localdate(read_clock()))


@register.filter
def clock(moment: dt.datetime | None) -> SafeString:
    """The time of day, the exact moment on hover; a dash for nothing."""
    if moment is None:
        return SafeString("–")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), wording.exact(moment), wording.time_of_day(moment))


@register.simple_tag
def seg(segment: Any) -> SafeString:
    """A segment's tag; nothing for none."""
    if not segment:
        return SafeString("")
    key = getattr(segment, "key", str(segment))
    return format_html('<span class="seg{}">{}</span>', " vip" if key == "vip" else "", wording.segment_name(segment))


@register.filter
def segment_name(segment: Any) -> str:
    """A segment's name; those that Vefa ships are in the reader's language."""
    return wording.segment_name(segment)


@register.filter
def stage_name(stage: Any) -> str:
    """A lifecycle stage's name; those that Vefa ships are in the reader's language."""
    return wording.stage_name(stage)


@register.filter
def country(code: str) -> str:
    """A country of two letters in words."""
    return wording.country_name(code)


@register.filter
def language(code: str) -> str:
    """A language's name in the reader's language."""
    return wording.language_name(code)


@register.filter
def sentence(stored: dict[str, Any] | None) -> str:
    """A stored `why` as a sentence in the reader's language."""
    return say(stored)


@register.simple_tag
def delta(change: float | Decimal | None, good: str = "up") -> SafeString:
    """A change as arrow and number. `good` says which way is good: up, down, or none."""
    return drawing.delta(change, good)


@register.simple_tag
def change(now: int | None, before: int | None, good: str = "up") -> SafeString:
    """The change between two scores in hundredths, in whole points; nothing where one is missing."""
    if now is None or before is None:
        return SafeString("")
    return drawing.delta(wording.whole_points(now) - wording.whole_points(before), good)


@register.simple_tag
def spark(values: Iterable[int | None] | None, band: str = "", label: str = "", width: int = 92, height: int = 36, late: int = 4) -> SafeString:
    """A sparkline of scores in hundredths, oldest first; None leaves a gap in time.

    The last `late` steps carry the colour of the band. Empty for fewer than two values.
    """
    return drawing.spark(list(values or []), _TONES.get(band, ""), label, int(width), int(height), int(late))
