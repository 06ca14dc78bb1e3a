"""What starts a playbook, in words: events, dates, segments, bands, answers, stages. Pure but for words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.event_words import say_event
from accounts.rules.telling import Names
from accounts.wording import band_name

# dates of an account, each after "before the" or "after the"
DATES: dict[str, Any] = {
    "renews_on": gettext_lazy("renewal"),
    "signed_up_at": gettext_lazy("day it signed up"),
    "trial_started_at": gettext_lazy("begin of the trial"),
    "trial_ended_at": gettext_lazy("end of the trial"),
    "churned_at": gettext_lazy("day it left"),
}
KINDS: dict[str, Any] = {
    "event": gettext_lazy("something happens"),
    "segment": gettext_lazy("an account enters or leaves a segment"),
    "band": gettext_lazy("health enters a band"),
    "date": gettext_lazy("days before or after a date"),
    "answer": gettext_lazy("a survey is answered in a certain way"),
    "stage": gettext_lazy("an account enters a stage, or nobody is seen in it"),
    "manual": gettext_lazy("somebody starts it by hand"),
}
GROUPS: dict[str, Any] = {
    "detractor": gettext_lazy("a detractor"), "passive": gettext_lazy("a passive"), "promoter": gettext_lazy("a promoter"),
    "low": gettext_lazy("unhappy"), "middle": gettext_lazy("neither happy nor unhappy"), "high": gettext_lazy("happy"),
}  # fmt: skip


def date_name(field: str) -> str:
    """A date of an account: the known ones in words, an attribute by its name."""
    return str(DATES.get(field, field.removeprefix("attributes.")))


def say_trigger(trigger: Mapping[str, Any], names: Names) -> str:
    """What starts the playbook, as the end of "it starts …"."""
    kind = trigger.get("kind")
    if kind == "event":
        return _("when %(event)s") % {"event": say_event(str(trigger.get("event", "")), trigger.get("where"))}
    if kind == "segment":
        segment = names.get("segment", {}).get(str(trigger.get("segment")), str(trigger.get("segment", "")))
        return (_("when an account leaves segment %(segment)s") if trigger.get("move") == "leave" else _("when an account enters segment %(segment)s")) % {"segment": segment}
    if kind == "band":
        return _("when health enters: %(bands)s") % {"bands": ", ".join(band_name(band) for band in trigger.get("to") or [])}
    if kind == "date":
        days, date = int(trigger.get("days") or 0), date_name(str(trigger.get("field", "")))
        if not days:
            return _("on the %(date)s") % {"date": date}
        told = {"days": abs(days), "date": date}
        if days < 0:
            return ngettext("%(days)s day before the %(date)s", "%(days)s days before the %(date)s", abs(days)) % told
        return ngettext("%(days)s day after the %(date)s", "%(days)s days after the %(date)s", abs(days)) % told
    if kind == "answer":
        survey = str(trigger.get("survey_kind") or trigger.get("survey") or "").upper() or _("a survey")
        groups = trigger.get("group") or []
        answered = ", ".join(str(GROUPS.get(group, group)) for group in ([groups] if isinstance(groups, str) else groups))
        return (
            _("when somebody answers %(survey)s as %(group)s") % {"survey": survey, "group": answered} if answered else _("when somebody answers %(survey)s") % {"survey": survey}
        )
    if kind == "stage":
        stage, days = names.get("stage", {}).get(str(trigger.get("stage")), str(trigger.get("stage", ""))), int(trigger.get("idle_days") or 0)
        if not days:
            return _("when an account enters stage %(stage)s") % {"stage": stage}
        return ngettext(
            "when nobody of an account in stage %(stage)s was seen for %(days)s day", "when nobody of an account in stage %(stage)s was seen for %(days)s days", days
        ) % {"stage": stage, "days": days}  # fmt: skip
    if kind == "manual":
        return _("when somebody starts it by hand")
    return _("by nothing yet")
