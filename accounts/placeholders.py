"""The tiny language of texts that are filled in, of surveys and of mails: `{name}`, or `{name|there}` with words for when there is none. Pure.

The set is closed and a text is never a template: whatever else stands in braces stays as it is and is
refused when the text is saved, so that no text can read anything it was not given. Values are
cleaned (one line, no control signs, no signs that turn the direction of reading) and never read
again: a customer called `{csm}` stays `{csm}`. Filling never raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

# each name, and what stands for it
MEANINGS = {
    "name": _("the contact's name"),
    "first_name": _("the first word of the contact's name"),
    "account": _("the customer's name"),
    "sender": _("the sender's name"),
    "csm": _("the name of whoever looks after the customer"),
    "csm_email": _("that person's address"),
    "occasion": _("what the survey is about, by the event: “with {occasion}”"),
    "ticket": _("the number of the ticket"),
    "product": _("the product of the subscription or purchase"),
    "renews_on": _("the day of the renewal"),
}
PLACEHOLDERS = tuple(MEANINGS)
# a value never gets longer in a text
LONGEST_VALUE = 300
_BRACES = re.compile(r"\{([^{}\r\n]*)\}")
_SLOT = re.compile(r"\s*([a-z_]+)\s*(?:\|(.*))?", re.S)
_TURNS_READING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")


class Slot(NamedTuple):
    """A placeholder in a text, and the words for when there is no value."""

    name: str
    otherwise: str


@lru_cache(maxsize=2048)
def parse(text: str) -> tuple[str | Slot, ...]:
    """The text as plain stretches and placeholders, in order."""
    pieces: list[str | Slot] = []
    end = 0
    for match in _BRACES.finditer(text):
        inside = _SLOT.fullmatch(match[1])
        if inside is None or inside[1] not in MEANINGS:
            continue
        if match.start() > end:
            pieces.append(text[end : match.start()])
        pieces.append(Slot(inside[1], (inside[2] or "").strip()))
        end = match.end()
    if end < len(text):
        pieces.append(text[end:])
    return tuple(pieces)


def used(*texts: str) -> set[str]:
    """The placeholders that the texts have."""
    return {piece.name for text in texts for piece in parse(text) if isinstance(piece, Slot)}


@lru_cache(maxsize=4096)
def one_line(value: str) -> str:
    """A value fit to stand in a sentence or a header: one line, nothing invisible that acts on its surroundings."""
    if value.isascii() and value.isprintable():
        return " ".join(value.split())
    kept = "".join([sign if unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"} else " " for sign in _TURNS_READING.sub("", value)])
    return " ".join(kept.split())


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced.

    A missing value gives the words after the bar, else nothing, and then the gap before a sign closes.
    """
    made: list[str] = []
    gap = False
    for piece in parse(text):
        if isinstance(piece, Slot):
            value = one_line(values.get(piece.name) or "")[:LONGEST_VALUE] or piece.otherwise
            gap = not value
            made.append(value)
            continue
        if gap and piece[:1] in {",", ".", "!", "?", ";", ":"}:
            made = ["".join(made).rstrip(" ")]
        gap = False
        made.append(piece)
    return "".join(made)


def unknown(text: str) -> list[str]:
    """What stands in braces and would never be filled, sorted; also what stands in two pairs of them."""
    found = set()
    for match in _BRACES.finditer(text):
        inside = _SLOT.fullmatch(match[1])
        if inside is None or inside[1] not in MEANINGS:
            found.add(match[1].split("|")[0].strip() or match[0])
        elif text[match.start() - 1 : match.start()] == "{" and text[match.end() : match.end() + 1] == "}":
            found.add(match[0])
    return sorted(found)


def check_placeholders(text: str, *, filled: bool = True) -> None:
    """Raises ValidationError that names what is wrong: an unknown placeholder, or any where none is filled."""
    if not filled:
        there = sorted(set(unknown(text)) | used(text))
        if there:
            raise ValidationError(_now("Nothing is filled in here, so {%(name)s} would be shown as it is."), code="placeholder", params={"name": there[0]})
        return
    strangers = unknown(text)
    if strangers:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValidationError(_now("{%(name)s} is no placeholder. There are: %(known)s."), code="placeholder", params={"name": strangers[0], "known": known})


def check_each(fields: Iterable[tuple[str, str, bool]]) -> None:
    """Checks several texts (field, text, whether it is filled). Raises one ValidationError by field."""
    wrong: dict[str, ValidationError] = {}
    for field, text, filled in fields:
        try:
            check_placeholders(text, filled=filled)
        except ValidationError as fault:
            wrong[field] = fault
    if wrong:
        raise ValidationError(wrong)
