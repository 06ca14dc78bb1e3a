"""Writing the mail of an invitation: plain text first and complete, HTML beside it, in the contact's language.

The frame is compiled once a design (`letter_frames`); a letter fills it and joins bytes. Everything
that a customer or an admin wrote is escaped in HTML and made one line before it enters a header.
"""

from __future__ import annotations

import datetime as dt
import email
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.utils.html import escape, linebreaks

from accounts.models import Installation, OutgoingMail
from accounts.placeholders import fill, one_line
from surveys.actions.letter_frames import BODY, QUESTION, REFUSAL, TOKEN, Choice, Design, Frame, encode, frame_of
from surveys.actions.letter_words import (
    bare_address,
    chosen_text,
    day_in_words,
    direction_of,
    interface_language,
    look_of_text,
    reminder_words,
    score_choices,
    sender_address,
    sender_name,
    words_of,
)
from surveys.looks import face_of
from surveys.models import Invitation, SegmentLetter, Survey, SurveyText
from surveys.plain_text import wrap

__all__ = [
    "BLOTTED", "Letter", "Written", "bare_address", "chosen_text", "interface_language", "logo_address", "look_of_text", "score_choices", "sender_address",
    "sender_name", "with_letters", "words_of", "write_letter", "write_words",
]  # fmt: skip

BLOTTED = "•••"
LONGEST_SUBJECT = 200
_NO_ADDRESS = re.compile(r"[\s,;:<>()\[\]\"\\]|[^\x20-\x7e]")


@dataclass(frozen=True)
class Letter:
    """A mail ready to leave, and what is kept of it: the text with its tokens blotted out."""

    content: bytes
    sender: str
    subject: str
    message_id: str
    archived_text: str

    @property
    def message(self) -> EmailMessage:
        """The mail as an object; what leaves is `content`."""
        return cast(EmailMessage, email.message_from_bytes(self.content, policy=SMTP))


@dataclass(frozen=True)
class Written:
    """The words of a mail in its frame: what is the same for a letter that leaves and for a preview."""

    subject: str
    frame: Frame
    text_values: Mapping[str, str]
    html_values: Mapping[str, str]

    @property
    def text(self) -> str:
        """The plain-text part."""
        return self.frame.text.filled(self.text_values)

    @property
    def html(self) -> str:
        """The HTML part."""
        return self.frame.html.filled(self.html_values)


def write_words(
    text: SurveyText, words: Mapping[str, str], *, token: str, refusal: str, until: dt.date, segment_id: int | None = None, reminder: bool = False, postal: str | None = None
) -> Written:
    """Subject, plain text and HTML of one mail, for the segment where it has words of its own."""
    subject, body = _subject_and_body(text, segment_id, reminder=reminder)
    body, question = fill(body, words), fill(text.question, words)
    frame = _frame(text, until, _postal(text) if postal is None else postal)
    return Written(
        subject=one_line(fill(subject, words))[:LONGEST_SUBJECT],
        frame=frame,
        text_values={BODY: wrap(body), QUESTION: wrap(question), TOKEN: token, REFUSAL: refusal},
        html_values={BODY: linebreaks(body, autoescape=True), QUESTION: escape(question), TOKEN: token, REFUSAL: refusal},
    )


def write_letter(
    invitation: Invitation,
    texts: Mapping[str, SurveyText],
    *,
    mail: OutgoingMail,
    token: str,
    refusal: str,
    now: dt.datetime,
    reminder: bool = False,
) -> Letter:
    """The mail of one invitation, or the reminder of it. Raises LookupError where its survey has no texts.

    Load invitations with `account__owner` and `contact`, texts with `version__survey`.
    """
    text = chosen_text(texts, invitation.language)
    survey, contact = text.version.survey, invitation.contact
    words = words_of(invitation, text, name=contact.name if contact else "")
    days = invitation.touchpoint.link_days if invitation.touchpoint else 30
    until = (now + dt.timedelta(days=days)).date()
    written = write_words(text, words, token=token, refusal=refusal, until=until, segment_id=invitation.account.segment_id, reminder=reminder)
    sender = sender_address(survey)
    message_id = f"<{invitation.pk}.{'r' if reminder else ''}{mail.attempt}@{sender.rpartition('@')[2] or 'localhost'}>"
    page = f"{settings.PUBLIC_BASE_URL.rstrip('/')}/u/{refusal}"
    mailbox = getattr(settings, "UNSUBSCRIBE_MAILTO", "")
    headers = [
        *_sender_headers(sender_name(survey), sender, survey.reply_to),
        f"To: {_address(mail.to_address)}",
        _header("Subject", written.subject),
        f"Date: {format_datetime(now)}",
        f"Message-ID: {message_id}",
        f"Content-Language: {one_line(text.language)}",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        f"X-CS-Invitation: {invitation.pk}",
        f"Feedback-ID: {invitation.touchpoint.key if invitation.touchpoint else 'request'}:{survey.key}:{'reminder' if reminder else 'survey'}:vefa",
        f"List-Unsubscribe: <{page}>" + (f",\r\n <mailto:{_address(mailbox)}?subject=unsubscribe-{refusal}>" if mailbox else ""),
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ]
    archived = written.frame.text.filled({**written.text_values, TOKEN: BLOTTED, REFUSAL: BLOTTED})
    content = _multipart(headers, written, boundary=f"=_{invitation.pk.hex}")
    return Letter(content=content, sender=sender, subject=written.subject, message_id=message_id, archived_text=archived)


def _multipart(headers: list[str], written: Written, *, boundary: str) -> bytes:
    """The mail as it leaves. No encoded line can look like the boundary: none holds an equals sign before an underscore."""
    # the token stands in the HTML a dozen times and is encoded once
    shared = {name: encode(written.text_values[name]) for name in (TOKEN, REFUSAL)}
    text = written.frame.text.filled_encoded({BODY: encode(written.text_values[BODY]), QUESTION: encode(written.text_values[QUESTION]), **shared})
    html = written.frame.html.filled_encoded({BODY: encode(written.html_values[BODY]), QUESTION: encode(written.html_values[QUESTION]), **shared})
    lines = [
        *headers,
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
        f"--{boundary}",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        text,
        f"--{boundary}",
        'Content-Type: text/html; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        html,
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


@lru_cache(maxsize=512)
def _header(name: str, value: str) -> str:
    """A header line, folded, in encoded words where it is not plain ASCII (RFC 2047)."""
    plain = value.isascii() and "=?" not in value
    return f"{name}: {Header(value, 'us-ascii' if plain else 'utf-8', maxlinelen=75, header_name=name).encode(linesep=chr(13) + chr(10))}"


@lru_cache(maxsize=128)
def _sender_headers(name: str, address: str, reply_to: str) -> tuple[str, ...]:
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' if name.isascii() and "=?" not in name else Header(name, "utf-8", maxlinelen=60).encode(linesep="\r\n")
    lines = [f"From: {quoted} <{_address(address)}>"]
    return (*lines, f"Reply-To: {_address(reply_to)}") if reply_to else tuple(lines)


def _address(address: str) -> str:
    """The address without anything that would end the header or begin another address."""
    if not _NO_ADDRESS.search(address):
        return address
    box, at, host = _NO_ADDRESS.sub(lambda found: "" if found[0].isascii() else found[0], address).rpartition("@")
    if not host.isascii():
        host = host.encode("idna", "ignore").decode("ascii")
    return f"{box.encode('ascii', 'ignore').decode()}{at}{host}"


def _subject_and_body(text: SurveyText, segment_id: int | None, *, reminder: bool) -> tuple[str, str]:
    """The segment's own words, else those of the text; a reminder has one for all."""
    found = _letters(text).get(segment_id) if segment_id is not None else None
    subject, body = (found.mail_subject, found.mail_body) if found else (text.mail_subject, text.mail_body)
    return reminder_words(text, subject, body) if reminder else (subject, body)


def _letters(text: SurveyText) -> dict[int, SegmentLetter]:
    """The letters for segments, looked up once for each text that was loaded."""
    kept: dict[int, SegmentLetter] | None = text.__dict__.get("letters_by_segment")
    if kept is None:
        kept = {letter.segment_id: letter for letter in text.segment_letters.all()} if text.pk else {}
        text.__dict__["letters_by_segment"] = kept
    return kept


def with_letters(sketch: SurveyText, stored: SurveyText) -> None:
    """Gives an unsaved text the letters for segments of the stored one."""
    sketch.__dict__["letters_by_segment"] = _letters(stored)


def _postal(text: SurveyText) -> str:
    """The postal address, looked up once for each text that was loaded."""
    kept: str | None = text.__dict__.get("postal_address")
    if kept is None:
        kept = text.__dict__["postal_address"] = one_line(Installation.objects.filter(pk=1).values_list("postal_address", flat=True).first() or "")
    return kept


def _frame(text: SurveyText, until: dt.date, postal: str) -> Frame:
    """The frame of a text, asked for once for each text that was loaded and each last day of links."""
    kept: dict[tuple[dt.date, str], Frame] = text.__dict__.setdefault("frames", {})
    if (until, postal) not in kept:
        kept[until, postal] = frame_of(_design(text, until=until, postal=postal))
    return kept[until, postal]


def logo_address(survey: Survey) -> str:
    """Where a mail program fetches the logo; empty for none."""
    return f"{settings.PUBLIC_BASE_URL.rstrip('/')}/brand/{survey.key}/{survey.logo_file}" if survey.logo_file else ""


def _design(text: SurveyText, *, until: dt.date, postal: str) -> Design:
    version, survey = text.version, text.version.survey
    low, high, glad = version.scale_min, version.scale_max, version.direction == "high_good"
    choices: list[dict[str, Any]] = score_choices(text)
    return Design(
        language=text.language,
        interface=interface_language(text.language),
        direction=direction_of(text.language),
        look=look_of_text(text),
        choices=tuple(Choice(choice["value"], one_line(choice["label"]), face_of(choice["value"], low, high, high_good=glad)) for choice in choices),
        low_label=one_line(text.low_label),
        high_label=one_line(text.high_label),
        sender=sender_name(survey),
        color=survey.brand_color if re.fullmatch(r"#[0-9a-fA-F]{6}", survey.brand_color) else "",
        logo=logo_address(survey),
        logo_width=survey.logo_width or 0,
        logo_height=survey.logo_height or 0,
        base=settings.PUBLIC_BASE_URL.rstrip("/"),
        postal=postal,
        until=day_in_words(until, text.language),
    )
