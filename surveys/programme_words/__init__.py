"""A programme as one readable sentence, and the rows in which its parts are edited. Pure.

English and Turkish order a sentence differently and Turkish says "to", "after" and "when" by endings,
so each language has its own module of whole phrases with slots (`english`, `turkish`); nothing is put
together word by word. Another language of the interface reads English until it has a module here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from string import Formatter
from typing import Any

from accounts.event_kinds import EVENT_KINDS
from surveys.programme_words import english, turkish
from surveys.programme_words.phrases import Phrases

LANGUAGES: Mapping[str, Phrases] = {"en": english.PHRASES, "tr": turkish.PHRASES}
WORKING_DAYS = (1, 2, 3, 4, 5)
# what happens to surveys, addresses and playbooks themselves is no occasion to ask
NO_OCCASION = frozenset(
    {
        "survey.requested", "survey.reminded", "survey.sent", "contact.erased", "contact.unsubscribed", "mail.complained", "mail.bounced",
        "playbook.started", "playbook.mailed", "playbook.ended", "playbook.resumed",
    }
)  # fmt: skip
OCCASIONS = tuple(key for key in EVENT_KINDS if key not in NO_OCCASION)


@dataclass(frozen=True)
class Part:
    """A piece of the sentence; `field` names the field that says it, empty for the words in between."""

    text: str
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a programme says, in plain values; names of survey and segments in the reader's language."""

    survey: str
    event_kind: str = ""
    every_days: int | None = None
    delay_minutes: int = 0
    audience: str = "requester"
    conditions: Mapping[str, Any] = field(default_factory=dict)
    segments: Sequence[str] = ()
    sampling: Decimal = Decimal(1)
    window_from: dt.time = dt.time(9)
    window_until: dt.time = dt.time(18)
    weekdays: Sequence[int] = ()
    respects_holidays: bool = True
    cool_down_days: int = 0
    gap_days: int = 0
    daily_cap: int | None = None
    reminder_after_days: int | None = None


def phrases(language: str | None) -> Phrases:
    """The phrases of a language; English where there are none."""
    return LANGUAGES.get((language or "en").split("-")[0], english.PHRASES)


def sentence(said: Said, language: str | None) -> list[Part]:
    """The programme as one sentence, in pieces. Clauses that say nothing (no reminder, everybody) are left out."""
    words = phrases(language)
    group = said.event_kind.partition(".")[0]
    slots = {
        "event_kind": words.moments.get(said.event_kind, said.event_kind) if said.delay_minutes else words.at_once.get(said.event_kind, said.event_kind),
        "delay": duration(said.delay_minutes, words),
        "every_days": words.count(said.every_days or 0, "day"),
        "audience": words.audiences.get(f"{said.audience}:{group}")
        or words.audiences.get(f"{said.audience}:" if group else f"{said.audience}:rhythm")
        or words.audiences[said.audience],
        "survey": said.survey or words.some_survey,
        "weekdays": days(said.weekdays, words),
        "hours": f"{said.window_from:%H:%M}–{said.window_until:%H:%M}",
        "cool_down_days": words.count(said.cool_down_days, "day"),
        "gap_days": words.count(said.gap_days, "day"),
        "reminder_after_days": words.count(said.reminder_after_days or 0, "day"),
        "daily_cap": words.number(said.daily_cap or 0),
        "sampling": words.percent(said.sampling * 100),
        "segments": words.listed([*said.segments]),
        "conditions": words.listed([condition(key, said.conditions[key], words) for key in sorted(said.conditions)]),
    }
    occasion = words.rhythm if not said.event_kind else words.later if said.delay_minutes else words.now
    many = "many" if said.audience == "everybody" else "one"
    clauses = [words.main[many, bool(said.conditions)].replace("{occasion}", occasion)]
    clauses += [
        template
        for template, holds in (
            (words.holidays_too, not said.respects_holidays),
            (words.cool_down, said.cool_down_days > 0),
            (words.gap, said.gap_days > 0),
            (words.reminder, said.reminder_after_days is not None),
            (words.sample, said.sampling < 1),
            (words.segments_one if len(said.segments) == 1 else words.segments_many, bool(said.segments)),
            (words.cap, said.daily_cap is not None),
        )
        if holds
    ]
    parts = list(_fill("; ".join(clauses) + ".", slots))
    return [Part(words.capital(parts[0].text), parts[0].field), *parts[1:]]


def plain(parts: Sequence[Part]) -> str:
    """The sentence as text."""
    return "".join(part.text for part in parts)


def _fill(template: str, slots: Mapping[str, str]) -> Iterator[Part]:
    for text, name, _spec, _conversion in Formatter().parse(template):
        if text:
            yield Part(text)
        if name:
            yield Part(slots[name], {"delay": "delay_value", "hours": "window_from", "sampling": "sampling_percent", "conditions": "condition_key_0"}.get(name, name))


def row(template: str) -> list[Part]:
    """A row of the editor in pieces: words, and names of fields to be filled in."""
    return [part for text, name, _spec, _conversion in Formatter().parse(template) for part in ([Part(text.strip())] if text.strip() else []) + ([Part("", name)] if name else [])]


def duration(minutes: int, words: Phrases) -> str:
    """Minutes in the largest whole unit."""
    unit, size = largest_unit(minutes)
    return words.count(minutes // size, unit)


def largest_unit(minutes: int) -> tuple[str, int]:
    """The largest unit in which the minutes are whole, and how many minutes it has."""
    return next((unit, size) for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)) if minutes % size == 0)


def days(chosen: Sequence[int], words: Phrases) -> str:
    """ISO weekdays in words; none stands for Monday to Friday."""
    numbers = tuple(sorted(set(chosen))) or WORKING_DAYS
    if numbers in words.weeks:
        return words.weeks[numbers]
    if len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return words.day_span.format(first=words.day_names[numbers[0] - 1], last=words.day_names[numbers[-1] - 1])
    names = words.listed([words.day_names[number - 1] for number in numbers])
    return (words.day_list if len(numbers) > 1 else words.day_single).format(names=names)


def condition(key: str, value: Any, words: Phrases) -> str:
    """One condition on the event in words; a list allows any of its values."""
    if isinstance(value, bool) and key in words.yes_no:
        return words.yes_no[key][0 if value else 1]
    values = value if isinstance(value, list) else [value]
    told = words.either([words.truth[one] if isinstance(one, bool) else str(one) for one in values])
    return words.is_value.format(label=words.labels.get(key, key), value=told)


def condition_keys(event_kind: str) -> tuple[str, ...]:
    """The keys of an event's payload that a condition may name: those with a word; ids, amounts and days are not compared."""
    kind = EVENT_KINDS.get(event_kind)
    return tuple(key for key in (*kind.required, *kind.optional) if key in english.PHRASES.labels) if kind else ()
