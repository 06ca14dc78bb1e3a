"""Writing the mail of an invitation: plain text first and complete, HTML beside it, in the contact's language.

The HTML frame is compiled once per survey version and language; a mail only fills it. Everything
that a customer or an admin wrote is escaped, nothing of it enters a header but the subject.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any

import mjml
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import formats, translation
from django.utils.html import escape, linebreaks

from accounts.models import OutgoingMail
from surveys.models import Invitation, SurveyText
from surveys.placeholders import fill, occasion

# what the compiled frame has in place of the words of one mail; plain letters, so that no compiler changes them
_SLOT = "VEFASLOT{}TOLSAFEV"
_SLOTS = ("BODY", "QUESTION", "TOKEN", "REFUSAL", "UNTIL")
BLOTTED = "•••"
# of the languages we have words in; a survey may have texts in more
_FALLBACK = "en"


@dataclass(frozen=True)
class Letter:
    """A mail ready to leave, and what is kept of it: the text with its tokens blotted out."""

    message: EmailMessage
    subject: str
    message_id: str
    archived_text: str


def sender_name() -> str:
    """The name customers know us by: that of the sender's address."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[0] or "Vefa"


def bare_address(address: str) -> str:
    """`Name <box@host>` -> `box@host`."""
    return parseaddr(address)[1]


def chosen_text(texts: Mapping[str, SurveyText], *wanted: str) -> SurveyText:
    """The text in the first wanted language there is (`tr-TR` falls back to `tr`), else English, else any.

    Raises LookupError for a version without texts.
    """
    for language in (*wanted, _FALLBACK):
        for code in (language, language.split("-")[0]):
            if code in texts:
                return texts[code]
    if not texts:
        raise LookupError("The survey version has no texts.")
    return texts[min(texts)]


def interface_language(language: str) -> str:
    """The language our own words are in beside a text of this language."""
    code = language.split("-")[0]
    return code if code in dict(settings.LANGUAGES) else _FALLBACK


def words_of(invitation: Invitation, text: SurveyText, *, name: str) -> dict[str, str]:
    """What the placeholders of a survey's texts stand for."""
    kind = invitation.touchpoint.event_kind if invitation.touchpoint else ("ticket.solved" if invitation.rated_object else "")
    return {
        "sender": sender_name(),
        "name": name,
        "account": invitation.account.name,
        "ticket": invitation.rated_object,
        "occasion": occasion(text.language, kind),
    }


def score_choices(text: SurveyText) -> list[dict[str, Any]]:
    """The scores of the scale in order, each with its words; the ends always have some."""
    version = text.version
    ends = {version.scale_min: text.low_label, version.scale_max: text.high_label}
    return [
        {"value": value, "label": text.score_labels.get(str(value)) or ends.get(value, ""), "is_end": value in ends} for value in range(version.scale_min, version.scale_max + 1)
    ]


def write_letter(invitation: Invitation, texts: Mapping[str, SurveyText], *, mail: OutgoingMail, token: str, refusal: str, now: dt.datetime) -> Letter:
    """The mail of one invitation. Raises LookupError where its survey has no texts."""
    text = chosen_text(texts, invitation.language)
    contact = invitation.contact
    words = words_of(invitation, text, name=contact.name if contact else "")
    days = invitation.touchpoint.link_days if invitation.touchpoint else 30
    with translation.override(interface_language(text.language)):
        until = formats.date_format((now + dt.timedelta(days=days)).date(), "DATE_FORMAT")
        filled = {"BODY": fill(text.mail_body, words), "QUESTION": fill(text.question, words), "TOKEN": token, "REFUSAL": refusal, "UNTIL": until}
        base = settings.PUBLIC_BASE_URL.rstrip("/")
        context = {
            "text": text, "choices": score_choices(text), "body": filled["BODY"], "question": filled["QUESTION"], "sender": words["sender"], "until": until,
            "page": f"{base}/s/{token}", "refuse": f"{base}/u/{refusal}", "as_words": text.version.survey.kind in {"csat", "exit"},
        }  # fmt: skip
        plain = render_to_string("mail/survey.txt", context).strip() + "\n"
    html = _frame(text, base, words["sender"])
    for slot, value in filled.items():
        html = html.replace(_SLOT.format(slot), linebreaks(value, autoescape=True) if slot == "BODY" else escape(value))
    subject = _one_line(fill(text.mail_subject, words))[:200]
    host = bare_address(settings.DEFAULT_FROM_EMAIL).rpartition("@")[2] or "localhost"
    message_id = f"<{invitation.pk}.{mail.attempt}@{host}>"
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.DEFAULT_FROM_EMAIL
    message["To"] = mail.to_address
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    message["Content-Language"] = text.language
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-CS-Invitation"] = str(invitation.pk)
    message["Feedback-ID"] = f"{invitation.touchpoint.key if invitation.touchpoint else 'request'}:{text.version.survey.key}:survey:vefa"
    message["List-Unsubscribe"] = f"<{base}/u/{refusal}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(plain, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    archived = plain.replace(token, BLOTTED).replace(refusal, BLOTTED)
    return Letter(message=message, subject=subject, message_id=message_id, archived_text=archived)


def _one_line(text: str) -> str:
    """No line ends or other control signs: a subject is one header line."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def _frame(text: SurveyText, base: str, sender: str) -> str:
    """The compiled HTML with slots in place of what differs from mail to mail."""
    values = {slot: _SLOT.format(slot) for slot in _SLOTS}
    context = {
        "text": text, "choices": score_choices(text), "body": values["BODY"], "question": values["QUESTION"], "until": values["UNTIL"], "sender": sender,
        "page": f"{base}/s/{values['TOKEN']}", "refuse": f"{base}/u/{values['REFUSAL']}", "as_words": text.version.survey.kind in {"csat", "exit"},
    }  # fmt: skip
    with translation.override(interface_language(text.language)):
        return _compiled(render_to_string("mail/survey.mjml", context))


@lru_cache(maxsize=64)
def _compiled(source: str) -> str:
    """MJML to HTML: some 80 ms, so each source is compiled once a process. No font is fetched from anywhere."""
    return mjml.mjml2html(source, fonts={})
