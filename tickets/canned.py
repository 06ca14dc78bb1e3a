"""The words of canned replies: `{name}`, or `{name|there}` with words for when there is none. Pure.

The set of names is closed and a text is never a template: nothing can be read by it that it was not
given. What a value holds is never read again: a customer called `{agent}` stays `{agent}`. Braces
around anything but one lower-case word (as in a piece of JSON) are plain text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

# each name, and what stands for it
MEANINGS = {
    "contact": _("the contact's name"),
    "first_name": _("the first word of the contact's name"),
    "account": _("the customer's name"),
    "ticket": _("the number of the ticket"),
    "subject": _("the subject of the ticket"),
    "agent": _("the name of whoever replies"),
    "company": _("the name that our mails come from"),
}
# the replies that every installation starts with have their names in the reader's language
SHIPPED_NAMES = [_("Received, looking into it"), _("Please tell us more"), _("It should work now"), _("Let us talk")]
LONGEST_VALUE = 300
_SLOT = re.compile(r"(?P<lead>[ \t]*)\{(?P<name>[a-z_]+)(?:\|(?P<otherwise>[^{}\r\n]*))?\}")


class Filled(NamedTuple):
    """A text with its values, and the names that had none and no other words."""

    text: str
    missing: tuple[str, ...]


def unknown(text: str) -> list[str]:
    """The placeholders of a text that do not exist, each once, in order."""
    return list(dict.fromkeys(slot["name"] for slot in _SLOT.finditer(text) if slot["name"] not in MEANINGS))


def check(text: str) -> None:
    """Raises ValidationError that names what is no placeholder and what may stand there."""
    wrong = unknown(text)
    if wrong:
        known = ", ".join(f"{{{name}}}" for name in MEANINGS)
        raise ValidationError(_now("There is no placeholder %(wrong)s. There are: %(known)s.") % {"wrong": ", ".join(f"{{{name}}}" for name in wrong), "known": known})


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Puts the values in. Where one is missing its other words stand there; without those the place is closed, and the name is told."""
    missing: dict[str, None] = {}

    def put(slot: re.Match[str]) -> str:
        name = slot["name"]
        if name not in MEANINGS:
            return slot[0]
        value = _one_line(values.get(name, ""))
        if value:
            return slot["lead"] + value
        if (slot["otherwise"] or "").strip():
            return slot["lead"] + slot["otherwise"].strip()
        missing[name] = None
        return ""

    return Filled(_SLOT.sub(put, text), tuple(missing))


def _one_line(value: str) -> str:
    """A value without control letters and letters that turn the direction of reading."""
    return " ".join("".join(letter if unicodedata.category(letter) not in {"Cc", "Cf"} else " " for letter in value).split())[:LONGEST_VALUE]


def language_for(wanted: Collection[str], there: Collection[str]) -> str | None:
    """Which of the languages that are there is taken: the first that is wanted (`tr` also serves `tr-CY`), else English, else any; None for none."""
    for language in wanted:
        short = language.lower().replace("_", "-")
        for form in (short, short.partition("-")[0]):
            if form and form in there:
                return form
    return "en" if "en" in there else min(there, default=None)
