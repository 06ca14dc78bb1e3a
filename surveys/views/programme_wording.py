"""Programmes in the reader's words: the sentence, states, steps, and values of fields in a history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Segment
from surveys.actions.programme_values import plain_values
from surveys.models import ProgrammeStep, Survey, Touchpoint
from surveys.programme_words import Part, Said, condition, days, duration, phrases, plain, sentence
from surveys.wording import shipped_name


@dataclass(frozen=True)
class Names:
    """The names of surveys and segments by key, in the reader's language; read once a request."""

    surveys: Mapping[str, str]
    segments: Mapping[str, str]

    @classmethod
    def read(cls) -> Names:
        """Two statements."""
        return cls(
            {row.key: shipped_name(row) for row in Survey.objects.order_by("name", "id")},
            {row.key: wording.segment_name(row) for row in Segment.objects.order_by("position", "id")},
        )

    def of_segments(self, keys: Collection[str]) -> list[str]:
        """The names of segments in their own order."""
        return [name for key, name in self.segments.items() if key in keys]


def sentence_of(values: Mapping[str, Any], names: Names) -> list[Part]:
    """The sentence of plain values, in pieces."""
    said = Said(
        survey=names.surveys.get(values["survey"], values["survey"]),
        event_kind=values["event_kind"],
        every_days=values["every_days"],
        delay_minutes=values["delay_minutes"],
        audience=values["audience"],
        conditions=values["conditions"],
        segments=names.of_segments(values["segments"]),
        sampling=Decimal(values["sampling"]),
        window_from=dt.time.fromisoformat(values["window_from"]),
        window_until=dt.time.fromisoformat(values["window_until"]),
        weekdays=values["weekdays"],
        respects_holidays=values["respects_holidays"],
        cool_down_days=values["cool_down_days"],
        gap_days=values["gap_days"],
        daily_cap=values["daily_cap"],
        reminder_after_days=values["reminder_after_days"],
    )
    return sentence(said, get_language())


def sentence_text(touchpoint: Touchpoint, names: Names) -> str:
    """What a programme does, in one sentence."""
    return plain(sentence_of(plain_values(touchpoint), names))


def state_word(state: str) -> str:
    """The word of a state."""
    return {"draft": _("draft"), "review": _("in review"), "active": _("active"), "paused": _("paused"), "ended": pgettext("programme", "ended")}[state]


def state_icon(state: str) -> str:
    """The icon beside the word."""
    return {"draft": "square-pen", "review": "eye", "active": "circle-check", "paused": "circle-pause", "ended": "circle-stop"}[state]


def step_word(action: str) -> str:
    """What somebody did, as a line of the history begins."""
    known = {
        "made": _("Made"), "changed": _("Changed"), "proposed": _("Change proposed"), "handed_in": _("Handed in"), "sent_back": _("Sent back"), "approved": _("Approved"),
        "activated": _("Went live"), "paused": _("Paused"), "resumed": _("Resumed"), "ended": _("Ended"),
    }  # fmt: skip
    return known.get(action, action)


def field_word(name: str) -> str:
    """What a field is called in a history."""
    known = {
        "name": _("Name"), "survey": _("Survey"), "event_kind": _("Occasion"), "every_days": _("Rhythm"), "delay_minutes": _("Delay"), "valid_hours": _("Worth asking for"),
        "audience": _("Who is asked"), "conditions": _("Conditions"), "segments": _("Segments"), "sampling": _("Sample"), "window_from": _("Window opens"),
        "window_until": _("Window closes"), "weekdays": _("Weekdays"), "respects_holidays": _("Waits over holidays"), "cool_down_days": _("Days since any other survey"),
        "gap_days": _("Days since this very survey"), "daily_cap": _("At most a day"), "reminder_after_days": _("Reminder"), "link_days": _("Days that the link lives"),
        "priority": _("Rank"), "activated_at": _("Active since"), "paused_at": _("Paused since"), "ended_at": _("Ended at"), "submitted_at": _("Handed in at"),
    }  # fmt: skip
    return known.get(name, name)


def say_value(name: str, value: Any, names: Names) -> str:
    """A plain value in words; a dash for nothing."""
    words = phrases(get_language())
    if value is None or value == "" or (value in ({}, []) and name != "segments"):
        return wording.DASH
    if name.endswith("_at"):
        return wording.exact(dt.datetime.fromisoformat(value))
    say: dict[str, Any] = {
        "survey": lambda: names.surveys.get(value, value), "event_kind": lambda: words.at_once.get(value, value), "delay_minutes": lambda: duration(value, words),
        "valid_hours": lambda: duration(value * 60, words), "audience": lambda: str(Touchpoint.Audience(value).label),
        "conditions": lambda: words.listed([condition(key, value[key], words) for key in sorted(value)]),
        "segments": lambda: words.listed(names.of_segments(value)) or _("all"), "sampling": lambda: words.percent(Decimal(value) * 100),
        "weekdays": lambda: days(value, words), "respects_holidays": lambda: _("yes") if value else _("no"),
        **dict.fromkeys(("every_days", "cool_down_days", "gap_days", "reminder_after_days", "link_days"), lambda: words.count(value, "day")),
        "daily_cap": lambda: words.number(value),
    }  # fmt: skip
    return str(say[name]()) if name in say else str(value)


def said_changes(changes: Mapping[str, list[Any]], names: Names) -> list[dict[str, str]]:
    """The changes of a step: `field`, `before` and `now` in words."""
    return [{"field": field_word(name), "before": say_value(name, pair[0], names), "now": say_value(name, pair[1], names)} for name, pair in changes.items()]


def said_steps(steps: list[ProgrammeStep], names: Names) -> list[dict[str, Any]]:
    """The lines of a history."""
    from_administration = _("in the administration")
    return [
        {
            "word": step_word(step.action), "actor": step.actor, "at": step.happened_at, "note": from_administration if step.note == "administration" else step.note,
            "changes": said_changes(step.changes, names),
        }
        for step in steps
    ]  # fmt: skip
