"""How messages, files and lengths of time are shown on a ticket's page. What people wrote is text, never HTML."""

from __future__ import annotations

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts import drawing
from tickets.downloads import icon_of, risk_of
from tickets.handling import spell_length
from tickets.models import Attachment

register = template.Library()
# only addresses that say how they are reached; what closes a sentence or a bracket is not theirs
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\^{|}\u200b-\u200f\u202a-\u202e\u2066-\u2069]{1,2000}", re.IGNORECASE)
_AFTER = ".,;:!?)]*_"
# letters of a message that are shown at once
SHOWN = 6_000


@register.filter
def linked(text: str) -> SafeString:
    """A text with its web addresses as links; everything else is escaped. The link shows where it leads."""
    pieces: list[str] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_AFTER)
        if found[0][len(address) :].startswith(")") and address.count("(") > address.count(")"):
            address += ")"
        if len(address) < 10:
            continue
        pieces.append(escape(text[end : found.start()]))
        pieces.append(f'<a class="link" href="{escape(address)}" rel="noopener noreferrer nofollow ugc" target="_blank">{escape(address)}</a>')
        end = found.start() + len(address)
    pieces.append(escape(text[end:]))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece is escaped above


@register.filter
def beginning(text: str) -> str:
    """What of a long message is shown at once, cut where a line ends."""
    if len(text) <= SHOWN + 500:
        return text
    cut = text.rfind("\n", SHOWN // 2, SHOWN)
    return text[: cut if cut > 0 else SHOWN]


@register.filter
def rest(text: str) -> str:
    """What is folded of a long message."""
    return text[len(beginning(text)) :]


@register.filter
def clock_time(seconds: int | None) -> str:
    """A length of time as 12:30; a dash for nothing."""
    return "–" if seconds is None else spell_length(seconds)


@register.simple_tag
def file_icon(file: Attachment) -> SafeString:
    """The sign of a file's kind."""
    return drawing.icon(icon_of(file.media_type), 15)


@register.filter
def risk(file: Attachment) -> str:
    """Why a file should be opened with care (see `tickets.downloads.risk_of`)."""
    return risk_of(file.name, file.media_type)
