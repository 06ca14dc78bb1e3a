"""Touchpoints and surveys in words: one readable sentence, names in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from surveys.models import Survey, Touchpoint

# names that Vefa ships, so that readers get them in their language; a renamed one stays as it was named
_SHIPPED: dict[str, Any] = {
    "Relationship NPS": gettext_lazy("Relationship NPS"),
    "Satisfaction (CSAT)": gettext_lazy("Satisfaction (CSAT)"),
    "Effort (CES)": gettext_lazy("Effort (CES)"),
    "Exit": gettext_lazy("Exit"),
    "After onboarding": gettext_lazy("After onboarding"),
    "After the trial": gettext_lazy("After the trial"),
    "After a purchase": gettext_lazy("After a purchase"),
    "After a solved ticket": gettext_lazy("After a solved ticket"),
    "Before a renewal": gettext_lazy("Before a renewal"),
    "After a cancellation": gettext_lazy("After a cancellation"),
    "Relationship, every half year": gettext_lazy("Relationship, every half year"),
}

_MOMENTS: dict[str, Any] = {
    "onboarding.completed": gettext_lazy("onboarding is done"),
    "trial.ended": gettext_lazy("a trial is over"),
    "purchase.completed": gettext_lazy("a purchase is paid"),
    "ticket.solved": gettext_lazy("a ticket is solved"),
    "subscription.renewal_due": gettext_lazy("a renewal comes near"),
    "subscription.cancelled": gettext_lazy("notice is given"),
}

_DAYS = [gettext_lazy("Mon"), gettext_lazy("Tue"), gettext_lazy("Wed"), gettext_lazy("Thu"), gettext_lazy("Fri"), gettext_lazy("Sat"), gettext_lazy("Sun")]


def shipped_name(row: Survey | Touchpoint) -> str:
    """The name, in the reader's language where it is one that Vefa ships."""
    return str(_SHIPPED.get(row.name, row.name))


def duration(minutes: int) -> str:
    """Minutes in the largest whole unit."""
    if minutes % 1440 == 0:
        return ngettext("%(count)s day", "%(count)s days", minutes // 1440) % {"count": minutes // 1440}
    if minutes % 60 == 0:
        return ngettext("%(count)s hour", "%(count)s hours", minutes // 60) % {"count": minutes // 60}
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


def weekdays(days: list[int]) -> str:
    """ISO weekdays in words; runs as a span."""
    days = sorted(set(days) or {1, 2, 3, 4, 5})
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{_DAYS[days[0] - 1]}–{_DAYS[days[-1] - 1]}"
    return ", ".join(str(_DAYS[day - 1]) for day in days)


def sentence(touchpoint: Touchpoint) -> str:
    """What the touchpoint does, in one sentence."""
    audience = {
        Touchpoint.Audience.REQUESTER: _("whoever it concerns"),
        Touchpoint.Audience.MAIN: _("the main contact"),
        Touchpoint.Audience.EVERYBODY: _("every contact"),
    }[Touchpoint.Audience(touchpoint.audience)]
    values = {
        "audience": audience,
        "days": weekdays(touchpoint.weekdays),
        "from": time_format(touchpoint.window_from, "TIME_FORMAT"),
        "until": time_format(touchpoint.window_until, "TIME_FORMAT"),
        "cool_down": touchpoint.cool_down_days,
    }
    if touchpoint.event_kind:
        values["moment"] = str(_MOMENTS.get(touchpoint.event_kind, touchpoint.event_kind))
        values["delay"] = duration(touchpoint.delay_minutes)
        if touchpoint.delay_minutes:
            return _("Asks %(audience)s %(delay)s after %(moment)s, %(days)s from %(from)s to %(until)s their time, at most one survey in %(cool_down)s days a person.") % values
        return _("Asks %(audience)s when %(moment)s, %(days)s from %(from)s to %(until)s their time, at most one survey in %(cool_down)s days a person.") % values
    values["every"] = touchpoint.every_days or 0
    return _("Asks %(audience)s every %(every)s days, %(days)s from %(from)s to %(until)s their time, at most one survey in %(cool_down)s days a person.") % values
