"""The frame of a mail: everything that is the same in thousands of them, made once and filled by slots.

A frame is compiled once a process for each design (words, scale, brand, language, last day of the
link): the MJML to HTML, the plain text laid out, both cut at their slots and already in
quoted-printable. Writing a letter is then joining strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import mjml
from django.template.loader import render_to_string
from django.utils import translation

from surveys.brand import NIGHT, PAPER, ink_on, readable
from surveys.looks import mail_face
from surveys.plain_text import SOFT_BREAK, quoted, wrap

# what a compiled frame has in place of the words of one mail; plain letters, so that no compiler changes them
_SLOT = "VEFASLOT{}TOLSAFEV"
_CUT = re.compile(r"VEFASLOT([A-Z]+)TOLSAFEV")
BODY, QUESTION, TOKEN, REFUSAL = "BODY", "QUESTION", "TOKEN", "REFUSAL"
# links and edges of a survey without a colour of its own
_LINK, _EDGE = "#23408e", "#8d8a84"


@dataclass(frozen=True)
class Choice:
    """One score to choose: its words, and which of the five faces it wears."""

    value: int
    label: str
    face: int


@dataclass(frozen=True)
class Design:
    """What a frame is made of; equal designs share a frame."""

    language: str
    interface: str
    direction: str
    look: str
    choices: tuple[Choice, ...]
    low_label: str
    high_label: str
    sender: str
    color: str
    logo: str
    logo_width: int
    logo_height: int
    base: str
    postal: str
    until: str


@dataclass(frozen=True)
class Part:
    """A text cut at its slots: plain stretches at even places, names of slots at odd ones; as it is and encoded."""

    plain: tuple[str, ...]
    encoded: tuple[str, ...]

    def filled(self, values: Mapping[str, str]) -> str:
        """The text itself."""
        return "".join(values[piece] if at % 2 else piece for at, piece in enumerate(self.plain))

    def filled_encoded(self, encoded: Mapping[str, str]) -> str:
        """The text in quoted-printable, from values that are so already (see `encode`)."""
        return "".join(encoded[piece] if at % 2 else piece for at, piece in enumerate(self.encoded))


@dataclass(frozen=True)
class Frame:
    """The plain text and the HTML of a design."""

    text: Part
    html: Part


def encode(value: str) -> str:
    """A value ready to stand in the middle of an encoded part."""
    return quoted(value) + SOFT_BREAK if value else ""


@lru_cache(maxsize=256)
def frame_of(design: Design) -> Frame:
    """The frame; some 100 ms the first time, nothing after."""
    base = design.base
    link = readable(design.color, PAPER) if design.color else _LINK
    context = {
        "design": design,
        "choices": [{"value": choice.value, "label": choice.label, "face": mail_face(choice.face)} for choice in design.choices],
        "body": _SLOT.format(BODY),
        "question": _SLOT.format(QUESTION),
        "page": f"{base}/s/{_SLOT.format(TOKEN)}",
        "refuse": f"{base}/u/{_SLOT.format(REFUSAL)}",
        "link": link,
        "edge": link if design.color else _EDGE,
        "dark_link": readable(design.color or "#a9c3f2", "#262524"),
        "ink": ink_on(design.color or NIGHT),
        "start": "right" if design.direction == "rtl" else "left",
        "share": 100 // max(1, len(design.choices)),
    }
    with translation.override(design.interface):
        plain = wrap(render_to_string("mail/survey.txt", context).strip() + "\n")
        html = _compiled(render_to_string("mail/survey.mjml", context))
    return Frame(text=_cut(plain), html=_cut(html))


def _cut(text: str) -> Part:
    pieces = _CUT.split(text)
    encoded = [piece if at % 2 else quoted(piece) if at == len(pieces) - 1 else encode(piece) for at, piece in enumerate(pieces)]
    return Part(tuple(pieces), tuple(encoded))


@lru_cache(maxsize=64)
def _compiled(source: str) -> str:
    """MJML to HTML, each source once a process. No font is fetched from anywhere."""
    return mjml.mjml2html(source, fonts={})
