"""Decisions of the planner in words: why somebody is asked, waits or is not asked, with the rule's value and limit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from babel.dates import format_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import wording
from surveys.decent_hours import zone_of
from surveys.models import Invitation

DECISIONS = {"send": gettext_lazy("is asked"), "hold": gettext_lazy("waits"), "skip": gettext_lazy("is not asked")}
# why something waits or goes; the reasons of what is not sent are those of `Invitation.SkipReason`
_WAITS = {
    "eligible": gettext_lazy("all rules allow it"),
    "delay": gettext_lazy("the programme waits before it asks"),
    "quiet_hours": gettext_lazy("waits for a decent hour"),
    "daily_cap": gettext_lazy("enough mails of the programme leave that day"),
    "planned": gettext_lazy("planned for then"),
}
REASONS = {**_WAITS, **dict(Invitation.SkipReason.choices)}


def reason_word(reason: str) -> str:
    """A reason in a few words; empty for none."""
    return str(REASONS.get(reason, reason))


def local_time(moment: dt.datetime | None, zone: str) -> str:
    """When it leaves, by the clock of the one who gets it: Tue 3 Mar 2026, 09:00."""
    if moment is None:
        return ""
    return format_datetime(moment.astimezone(zone_of(zone)), "EEE d MMM y, HH:mm", locale=wording.locale())


def detail(reason: str, evidence: Mapping[str, Any]) -> str:
    """The rule with its value and limit in one sentence; empty where the reason says all there is."""
    value, limit = evidence.get("value"), evidence.get("limit")
    moment, until = _instant(value), _instant(limit)
    if reason == "fatigue_contact" and isinstance(limit, dict):
        days = limit.get("days", 0)
        sentence = {
            "nps": ngettext("%(count)s day must lie between two NPS surveys to one person", "%(count)s days must lie between two NPS surveys to one person", days),
            "touchpoint": ngettext("%(count)s day must lie between two surveys of this programme", "%(count)s days must lie between two surveys of this programme", days),
        }.get(str(limit.get("of")), ngettext("%(count)s day must lie between two surveys to one person", "%(count)s days must lie between two surveys to one person", days))
        return _after(sentence % {"count": days}, _("The other one: %(day)s.") % {"day": wording.day(moment)} if moment else "")
    if reason == "fatigue_account" and isinstance(limit, dict):
        values = {"count": value, "limit": limit.get("people"), "days": limit.get("days")}
        return _("%(count)s of the account are asked within %(days)s days; the limit is %(limit)s.") % values
    if reason == "stale":
        if isinstance(value, dict) and "daily_cap" in value:
            return _("No day with less than %(cap)s mails before %(day)s.") % {"cap": value["daily_cap"], "day": wording.day(until) if until else "–"}
        return _("It would leave on %(day)s, and is worth asking until %(until)s.") % {"day": wording.day(moment), "until": wording.day(until)} if moment and until else ""
    if reason == "quiet" and until:
        return _("The next decent hour comes after %(until)s.") % {"until": wording.exact(until)}
    if reason == "sampled_out":
        return _("Drew %(value)s; below %(limit)s is asked.") % {"value": _share(value), "limit": _share(limit)}
    if reason == "not_active" and moment:
        if until:
            return _("It happened on %(day)s; the programme is active since %(since)s.") % {"day": wording.day(moment), "since": wording.day(until)}
        return _("It happened on %(day)s; the programme is not active.") % {"day": wording.day(moment)}
    if reason == "import":
        if until:
            return _("Rests until %(day)s.") % {"day": wording.day(until)}
        return _("Known from an import alone; nothing happened to this person since.") if value == "unconfirmed" else ""
    if reason == "condition" and isinstance(limit, dict):
        found = value if isinstance(value, dict) else {}
        return "; ".join(_("%(key)s is %(found)s, wanted: %(wanted)s") % {"key": key, "found": _plain(found.get(key)), "wanted": _plain(want)} for key, want in limit.items())
    if reason == "daily_cap" and evidence.get("cap") is not None:
        return _("At most %(cap)s a day.") % {"cap": evidence["cap"]}
    return ""


def _after(first: str, second: str) -> str:
    return f"{first}. {second}".strip() if second else f"{first}."


def _instant(value: Any) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _share(value: Any) -> str:
    try:
        return wording.percent(float(value), 2)
    except (TypeError, ValueError):
        return "–"


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(_plain(one) for one in value) if isinstance(value, list) else str(value)
