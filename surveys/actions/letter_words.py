"""Whose name and whose words a mail carries: the text by language, the letter by segment, the values of placeholders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils import formats, translation
from django.utils.dateparse import parse_date

from accounts.placeholders import one_line
from surveys.looks import look_of, offered_scores
from surveys.models import Invitation, Survey, SurveyText
from surveys.occasions import occasion

# of the languages we have words in; a survey may have texts in more
_FALLBACK = "en"
# the words of a reminder whose survey has none; data like the shipped surveys, so each language stands here in full
_REMINDERS = {
    "en": (
        "A reminder: ",
        "Hello {name},\n\na few days ago we asked you one question and have not heard from you. Your answer would help us, and it takes about ten seconds. "
        "If you would rather not answer, simply ignore this mail: there is no second reminder.",
    ),
    "tr": (
        "Hatırlatma: ",
        "Merhaba {name},\n\nbirkaç gün önce size tek bir soru sormuştuk, henüz yanıtınızı almadık. Yanıtınız bize yardımcı olur ve yaklaşık on saniye sürer. "
        "Yanıtlamak istemezseniz bu iletiyi görmezden gelebilirsiniz: İkinci bir hatırlatma göndermeyiz.",
    ),
}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


class Values(Mapping[str, str]):
    """The values of placeholders, each looked up when a text asks for it."""

    def __init__(self, makers: Mapping[str, Callable[[], str]]):
        self._makers = makers

    def __getitem__(self, name: str) -> str:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@lru_cache(maxsize=64)
def _named(address: str) -> tuple[str, str]:
    return parseaddr(address)


def sender_name(survey: Survey | None = None) -> str:
    """The name customers know us by: the survey's own, else that of the installation's address."""
    own = one_line(survey.sender_name) if survey is not None else ""
    return own or _named(settings.DEFAULT_FROM_EMAIL)[0] or "Vefa"


def bare_address(address: str) -> str:
    """`Name <box@host>` -> `box@host`."""
    return _named(address)[1]


def sender_address(survey: Survey) -> str:
    """The address a survey's mails come from: its own, else the installation's."""
    return survey.sender_address or bare_address(settings.DEFAULT_FROM_EMAIL)


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


def direction_of(language: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if language.split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def score_choices(text: SurveyText) -> list[dict[str, Any]]:
    """The scores offered, in order, each with its words; the ends always have some."""
    version = text.version
    ends = {version.scale_min: text.low_label, version.scale_max: text.high_label}
    return [
        {"value": value, "label": text.score_labels.get(str(value)) or ends.get(value, ""), "is_end": value in ends}
        for value in offered_scores(version.scale_min, version.scale_max, version.offered)
    ]


def look_of_text(text: SurveyText) -> str:
    """How its scores are shown: numbers, faces or words."""
    version = text.version
    return look_of(version.survey.kind, version.look, offered_scores(version.scale_min, version.scale_max, version.offered))


def words_of(invitation: Invitation, text: SurveyText, *, name: str) -> Mapping[str, str]:
    """What the placeholders of a survey's texts stand for. Pages pass an empty name: a forwarded link must not tell it."""
    survey = text.version.survey

    def kind() -> str:
        return invitation.touchpoint.event_kind if invitation.touchpoint else ("ticket.solved" if invitation.rated_object else "")

    def owner(field: str) -> str:
        person = invitation.account.owner
        return getattr(person, field) if person is not None and person.is_active else ""

    return Values(
        {
            "name": lambda: name,
            "first_name": lambda: (name.split() or [""])[0],
            "account": lambda: invitation.account.name,
            "sender": lambda: sender_name(survey),
            "csm": lambda: owner("name"),
            "csm_email": lambda: owner("email"),
            "occasion": lambda: occasion(text.language, kind()),
            "ticket": lambda: invitation.rated_object,
            "product": lambda: _from_event(invitation, "product"),
            "renews_on": lambda: day_in_words(_from_event(invitation, "renews_at"), text.language),
        }
    )


def _from_event(invitation: Invitation, key: str) -> str:
    payload = invitation.event.payload if invitation.event else {}
    value = payload.get(key, "") if isinstance(payload, dict) else ""
    return value if isinstance(value, str) else ""


@lru_cache(maxsize=512)
def day_in_words(day: str | dt.date, language: str) -> str:
    """A day (or the day an instant begins with, ISO) written out in a language; empty for what is none."""
    if isinstance(day, str):
        try:
            found = parse_date(day[:10])
        except ValueError:
            found = None
        if found is None:
            return ""
        day = found
    with translation.override(interface_language(language)):
        return formats.date_format(day, "DATE_FORMAT")


def reminder_words(text: SurveyText, subject: str, body: str) -> tuple[str, str]:
    """Subject and text of the reminder: the survey's own, else the shipped ones around those of the first mail."""
    if text.reminder_subject and text.reminder_body:
        return text.reminder_subject, text.reminder_body
    shipped_subject, shipped_body = _REMINDERS[interface_language(text.language)]
    return text.reminder_subject or shipped_subject + subject, text.reminder_body or shipped_body
