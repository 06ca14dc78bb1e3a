"""Numbers, money, times and shipped names in the reader's language. Formats, never decides.

Everything here reads the active language and time zone. Display alone rounds, half away from zero.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.money import from_micros

DASH = "–"


def locale() -> str:
    """The active language as Babel knows it."""
    return (get_language() or "en").split("-")[0]


def band_name(band: str) -> str:
    """The word of a band of health; empty for none."""
    return {"healthy": _("Healthy"), "good": _("Healthy"), "watch": _("Watch"), "at_risk": _("At risk"), "risk": _("At risk")}.get(band, "")


def segment_name(segment: Any) -> str:
    """A segment's name: the shipped ones in the reader's language, others as they were named."""
    name, key = str(getattr(segment, "name", segment) or ""), getattr(segment, "key", "")
    shipped = {"vip": ("VIP", _("VIP")), "core": ("Core", _("Core")), "potential": ("Potential", _("Potential")), "non_core": ("Non-core", _("Non-core"))}
    return shipped[key][1] if key in shipped and shipped[key][0] == name else name


def recovery(text: str) -> str:
    """Why work closed itself, in words; empty for an outcome that somebody wrote."""
    return {
        "recovered": _("the account recovered"), "over:payment": _("the payment was made good"), "over:renewed": _("the contract was renewed"),
        "over:ended": _("the service ended"), "over:used": _("the product is used again"), "over:touched": _("somebody has spoken with the customer"),
        "over:stage": _("the account is in another stage"), "over:answer": _("the same person is happy now"), "over:playbook": _("its playbook ended"),
    }.get(text, "")  # fmt: skip


def outcome(text: str) -> str:
    """What came of work: the words somebody wrote, or ours where it closed itself."""
    told = recovery(text)
    return _("closed by itself: %(why)s") % {"why": told} if told else text


def topic_name(topic: Any) -> str:
    """A topic's name in the reader's language; the English one where it has no other."""
    return topic.name_tr if (get_language() or "").startswith("tr") and topic.name_tr else topic.name


def stage_name(stage: Any) -> str:
    """A lifecycle stage's name: the shipped ones in the reader's language, others as they were named."""
    name, key = str(getattr(stage, "name", stage) or ""), getattr(stage, "key", "")
    shipped = {
        "prospect": ("Prospect", _("Prospect")), "trial": ("Trial", _("Trial")), "onboarding": ("Onboarding", _("Onboarding")),
        "adoption": ("Adoption", _("Adoption")), "established": ("Established", _("Established")), "renewal": ("Renewal", _("Renewal")),
        "cancelling": ("Cancelling", _("Cancelling")), "churned": ("Churned", _("Churned")),
    }  # fmt: skip
    return shipped[key][1] if key in shipped and shipped[key][0] == name else name


def goal_name(name: str) -> str:
    """The name of a stage's goal: the shipped ones in the reader's language, others as they were named."""
    shipped = {
        "In use every week": _("In use every week"), "Three people use it": _("Three people use it"), "A champion is known": _("A champion is known"),
        "In use on most days": _("In use on most days"), "Healthy": _("Healthy"), "Spoken with in 30 days": _("Spoken with in 30 days"),
        "No severe ticket open": _("No severe ticket open"), "Tried on five days": _("Tried on five days"),
    }  # fmt: skip
    return shipped.get(name, name)


def country_name(code: str) -> str:
    """A country of two letters in words; the code itself where it is unknown."""
    return Locale.parse(locale()).territories.get(code.upper(), code) if code else ""


def language_name(code: str) -> str:
    """A language's name in the reader's language; the code itself where it is unknown."""
    name = Locale.parse(locale()).languages.get(code.split("-")[0], code) if code else ""
    return name[:1].upper() + name[1:] if locale() == "en" else name


def whole_points(hundredths: int) -> int:
    """A score in hundredths as whole points, half away from zero."""
    return int((Decimal(hundredths) / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def points(hundredths: int | None) -> str:
    """A score in hundredths as whole points."""
    return DASH if hundredths is None else str(whole_points(hundredths))


def number(value: float | Decimal | None) -> str:
    """A number with the reader's separators, at most two places."""
    return DASH if value is None else format_decimal(value, format="#,##0.##", locale=locale())


def percent(fraction: float | Decimal | None, digits: int = 0) -> str:
    """A fraction as percent, in the reader's way of writing."""
    if fraction is None:
        return DASH
    exact = Decimal(str(fraction)).quantize(Decimal(1).scaleb(-2 - digits), rounding=ROUND_HALF_UP)
    return format_percent(exact, locale=locale(), decimal_quantization=False)


def capped(count: int | None, limit: int = 1000) -> str:
    """A count that stopped at the limit + 1 says so."""
    if count is None:
        return DASH
    return number(limit) + "+" if count > limit else number(count)


def money(micros: int | Decimal | None, currency: str) -> str:
    """Millionths as money; no minor units from 100 on, none where there are none."""
    if micros is None:
        return DASH
    amount = from_micros(int(micros))
    minor = get_currency_precision(currency)
    places = 0 if abs(amount) >= 100 or amount == amount.to_integral_value() else minor
    amount = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return format_currency(amount, currency, locale=locale(), format=None if places == minor else _whole(), currency_digits=places == minor)


def duration(seconds: float | Decimal | None) -> str:
    """A length of time in its two largest units: 3 h 12 min, 2 d 5 h, 40 s; a dash for nothing."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return _("%(seconds)s s") % {"seconds": whole}
    minutes = round(Decimal(whole) / 60)
    days, hours = divmod(round(Decimal(whole) / 3600), 24) if minutes >= 2880 else (0, minutes // 60)
    told = {"days": number(days), "hours": hours, "minutes": minutes % 60}
    if days:
        return _("%(days)s d %(hours)s h") % told if hours else _("%(days)s d") % told
    if not hours:
        return _("%(minutes)s min") % told
    return _("%(hours)s h %(minutes)s min") % told if told["minutes"] else _("%(hours)s h") % told


def _whole() -> str:
    """The locale's money pattern without its minor units."""
    return Locale.parse(locale()).currency_formats["standard"].pattern.replace(".00", "")


def _local(moment: dt.datetime | dt.date) -> dt.datetime | dt.date:
    if isinstance(moment, dt.datetime):
        return timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return moment


def day(moment: dt.datetime | dt.date) -> str:
    """A day: 14 Dec 2026, 14 Ara 2026."""
    local = _local(moment)
    pattern = "d MMM y" if locale() in {"en", "tr"} else "medium"
    return format_date(local.date() if isinstance(local, dt.datetime) else local, pattern, locale=locale())


def short_day(moment: dt.datetime | dt.date) -> str:
    """A day without its year, for the foot of a chart: 14 Dec, 14 Ara."""
    local = _local(moment)
    return format_date(local.date() if isinstance(local, dt.datetime) else local, "d MMM", locale=locale())


def month(moment: dt.datetime | dt.date) -> str:
    """A month with its year, short: Dec 24, Ara 24."""
    local = _local(moment)
    return format_date(local.date() if isinstance(local, dt.datetime) else local, "MMM yy", locale=locale())


def quarter(moment: dt.datetime | dt.date) -> str:
    """A quarter with its year, short: Q4 24, Ç4 24."""
    local = _local(moment)
    return format_date(local.date() if isinstance(local, dt.datetime) else local, "QQQ yy", locale=locale())


def long_day(moment: dt.datetime | dt.date, today: dt.date) -> str:
    """A day of the year of `today` without its year: 14 December; otherwise with it."""
    local = _local(moment)
    date = local.date() if isinstance(local, dt.datetime) else local
    return format_date(date, "d MMMM" if date.year == today.year else "d MMMM y", locale=locale())


def time_of_day(moment: dt.datetime) -> str:
    """The time of day in 24 hours."""
    return format_time(timezone.localtime(moment), "HH:mm", locale=locale())


def exact(moment: dt.datetime | dt.date) -> str:
    """Day and time with the zone, or the day with its weekday."""
    local = _local(moment)
    if isinstance(local, dt.datetime):
        return f"{format_datetime(local, 'EEEE d MMMM y HH:mm', locale=locale())} {local.tzname() or ''}".strip()
    return format_date(local, "EEEE d MMMM y", locale=locale())


def relative(moment: dt.datetime | dt.date, now: dt.datetime) -> str:
    """A moment in relative words: 3 days ago, in 2 months, today."""
    today = timezone.localdate(now)
    if isinstance(moment, dt.datetime):
        span = moment - now
        if abs(span) < dt.timedelta(minutes=1):
            return _("just now")
        if abs(span) < dt.timedelta(hours=1):
            return _in_units(span, "minute")
        if abs(span) < dt.timedelta(hours=24):
            return _in_units(span, "hour")
        moment = timezone.localdate(moment)
    span = moment - today
    named = {-1: _("yesterday"), 0: _("today"), 1: _("tomorrow")}
    if span.days in named:
        return named[span.days]
    return _in_units(span, "day" if abs(span.days) < 60 else "month" if abs(span.days) < 730 else "year")


def _in_units(span: dt.timedelta, unit: Literal["minute", "hour", "day", "month", "year"]) -> str:
    # no threshold is ever reached, so Babel stays with the unit
    return format_timedelta(span, granularity=unit, threshold=1e12, add_direction=True, locale=locale())
