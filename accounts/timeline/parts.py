"""What a line of the timeline is made of, and the words that many of them share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from accounts import wording
from accounts.money import to_micros
from accounts.words import code


@dataclass(frozen=True)
class Happening:
    """One event with the names it needs, as plain values."""

    kind: str
    payload: Mapping[str, Any]
    occurred_at: dt.datetime
    contact: str = ""
    actor: str = ""
    origin: str = "app"
    # names of segments, stages, people and playbooks by their key or id, as payloads hold them
    segments: Mapping[str, str] | None = None
    stages: Mapping[str, str] | None = None
    people: Mapping[str, str] | None = None
    playbooks: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Line:
    """One line of the timeline: a sentence, a quieter detail, an icon, and a tone (good, watch, risk or none)."""

    text: str
    detail: str
    icon: str
    tone: str = ""


# a sentence, a detail, a tone
Said = tuple[str, str, str]


def by(event: Happening) -> str:
    """Who did it: a person, or by which way it came."""
    if event.actor:
        return event.actor
    return {"api": _("by the API"), "webhook": _("by a webhook"), "import": _("by import")}.get(event.origin, "")


def joined(*parts: str) -> str:
    """What is not empty, with commas."""
    return ", ".join(part for part in parts if part)


def who(event: Happening) -> str:
    """The contact, by name where it is known."""
    return event.contact or _("A contact")


def money(event: Happening, key: str) -> str:
    """An amount of the payload in its own currency; empty where it has none."""
    value = event.payload.get(key)
    if value in (None, ""):
        return ""
    try:
        return wording.money(to_micros(Decimal(str(value))), str(event.payload.get("currency") or "EUR"))
    except (InvalidOperation, ValueError):
        return str(value)


def word(value: Any) -> str:
    """A code as words: `too_expensive` reads as “too expensive”."""
    return str(value or "").replace("_", " ").strip()


def named(names: Mapping[str, str] | None, key: Any) -> str:
    """The name of what a payload points to, else its key as words."""
    return (names or {}).get(str(key), "") or word(key) if key not in (None, "") else ""


def reason(event: Happening) -> str:
    """Why, where the payload says it."""
    told = code(event.payload.get("reason"))
    return _("reason: %(reason)s") % {"reason": told} if told else ""
