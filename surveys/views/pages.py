"""What the public pages look like, from what a link opens. Nothing here reads the request or writes a row.

The question's page is the same for everybody who gets a version in a language, but for a few words:
it is rendered once a process, with slots, and each request only fills them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape

from accounts.placeholders import fill, used
from surveys.actions.answers import EDIT_WINDOW, is_final
from surveys.actions.letter_words import bare_address, chosen_text, direction_of, interface_language, look_of_text, score_choices, sender_name, words_of
from surveys.actions.reopening import is_wanted, offers_reopening
from surveys.actions.submissions import COMMENT_LENGTH, scale_of
from surveys.decent_hours import one_working_day_later, zone_of
from surveys.forms import new_nonce
from surveys.looks import NUMBERS, face_of
from surveys.models import Invitation, SurveyText, SurveyVersion
from surveys.occasions import occasion
from surveys.queries.links import Opened, frozen_texts
from surveys.scoring import band

_SLOT = "VEFASLOT{}TOLSAFEV"
_SLOTS = re.compile("VEFASLOT([A-Z]+)TOLSAFEV")
# placeholders that need more of the invitation than its link brings
_RARE = {"product", "renews_on", "csm_email"}
_SHAPE = re.compile(r"^#[0-9a-fA-F]{6}$")


@dataclass(frozen=True, kw_only=True)
class Face:
    """How a survey's pages look: sender, brand colour (six digits) and logo. Hashable, since frames are kept by it."""

    sender: str
    colour: str = ""
    logo: str = ""
    logo_width: int | None = None
    logo_height: int | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How the question is asked this time: the score preselected, as somebody else, and what was wrong before."""

    chosen: int | None = None
    other: bool = False
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What stood in the form of reasons when it came back with a fault."""

    comment: str = ""
    reasons: frozenset[str] = field(default_factory=frozenset)
    call_me: bool = False
    stale: bool = False


def text_of(link: Opened, asked: str = "") -> SurveyText:
    """The text in the language asked for by the switch, else the contact's."""
    assert link.version_id is not None
    return chosen_text(frozen_texts(link.version_id, link.published_at), asked, link.language)


def texts_by_language(link: Opened) -> dict[str, SurveyText]:
    """All texts of the version."""
    assert link.version_id is not None
    return frozen_texts(link.version_id, link.published_at)


def page(name: str, context: dict[str, Any], language: str, status: int) -> HttpResponse:
    """Renders without the request: no session is touched, no cookie is set."""
    with translation.override(interface_language(language)):
        return _said(render_to_string(f"surveys/public/{name}.html", context), language, status)


def frame(text: SurveyText, languages: list[str], address: str, *, face: Face, kept: dict[str, str] | None = None) -> dict[str, Any]:
    """What every page of a link shows: language and its switch, sender, colour and logo."""
    return {
        "language": text.language,
        "direction": direction_of(text.language),
        "switches": switches_to(languages, text.language, address, kept),
        "sender": face.sender,
        "face": face,
        "text": text,
    }  # fmt: skip


def switches_to(languages: list[str], language: str, address: str, kept: dict[str, str] | None = None) -> list[dict[str, str]]:
    """Links to a page in its other languages; `kept` is what the address carries along."""
    return [
        {"code": code, "name": _own_name(code), "href": f"{address}?{urlencode({**(kept or {}), 'lang': code}, quote_via=quote)}"} for code in sorted(languages) if code != language
    ]


def question(link: Opened, token: str, text: SurveyText, asked: Asked, *, status: int = 200) -> HttpResponse:
    """The question with its scores."""
    face = face_for(link)
    named, ticketed = bool(link.initials), bool(link.rated_object)
    make = _question_parts if link.published_at is not None else _question_parts.__wrapped__
    parts = make(text, link.published_at, asked, face, named, ticketed, tuple(sorted(texts_by_language(link))))
    values = {
        "TOKEN": token, "NONCE": new_nonce(link.link_id), "QUESTION": escape(fill(text.question, words_for(link, text, text.question))), "INITIALS": escape(link.initials),
        "ACCOUNT": escape(link.account_name), "TICKET": escape(link.rated_object),
    }  # fmt: skip
    # every second part is the name of a slot
    return _said("".join(values[part] if number % 2 else part for number, part in enumerate(parts)), text.language, status)


@lru_cache(maxsize=500)
def _question_parts(text: SurveyText, _published_at: dt.datetime | None, asked: Asked, face: Face, named: bool, ticketed: bool, languages: tuple[str, ...]) -> list[str]:
    slot = _SLOT.format
    token = slot("TOKEN")
    choices = choices_of(text)
    kept = {key: value for key, value in (("v", str(asked.chosen) if asked.chosen is not None else ""), ("other", "1" if asked.other else "")) if value}
    context = {
        **frame(text, list(languages), reverse("survey-answer", args=[token]), face=face, kept=kept),
        "token": token,
        "nonce": slot("NONCE"),
        "question": slot("QUESTION"),
        "initials": slot("INITIALS") if named else "",
        "account": slot("ACCOUNT"),
        "ticket": slot("TICKET") if ticketed else "",
        "choices": choices,
        "chosen": next((choice for choice in choices if choice["value"] == asked.chosen), None),
        "shape": look_of_text(text),
        "columns": len(choices),
        "other": asked.other,
        "problem": asked.problem,
        "edit_hours": int(EDIT_WINDOW.total_seconds() // 3600),
    }
    with translation.override(interface_language(text.language)):
        return _SLOTS.split(render_to_string("surveys/public/question.html", context))


def reasons(link: Opened, token: str, text: SurveyText, typed: Typed | None = None, *, ours: bool = False, status: int = 200) -> HttpResponse:
    """After the score: why, in the words of its band; what was typed stays. `ours` tells one of our own people that it does not count."""
    typed = typed or Typed()
    version, face = text.version, face_for(link)
    why = {"low": text.why_low, "middle": text.why_middle, "high": text.why_high}[_band(link, version)] or text.why_low
    entries = [{**entry, "label": text.reason_labels.get(entry["key"], entry["key"]), "picked": entry["key"] in typed.reasons} for entry in reasons_offered(link, version)]
    tops = [{**entry, "details": [below for below in entries if below.get("parent") == entry["key"]]} for entry in entries if not entry.get("parent")]
    context = {
        **frame(text, list(texts_by_language(link)), reverse("survey-follow-up", args=[token]), face=face),
        **_for_whom(link, token),
        "why": fill(why, words_for(link, text, why)),
        "score": link.score,
        "score_label": next((choice["label"] for choice in choices_of(text) if choice["value"] == link.score), ""),
        "as_words": look_of_text(text) != NUMBERS,
        "reasons": tops,
        "two_levels": any(top["details"] for top in tops),
        "nonce": new_nonce(link.link_id),
        "typed": typed,
        "ours": ours,
        "limit": COMMENT_LENGTH,
    }
    return page("follow_up", context, text.language, status)


def thanks(link: Opened, token: str, text: SurveyText, *, now: dt.datetime, problem: bool = False, ours: bool = False, status: int = 200) -> HttpResponse:
    """After everything; names the day by which somebody gets in touch, where that was asked for.

    Who is not quite happy with a ticket is asked once whether it should be opened again; `problem` says that the yes has to be pressed once more.
    """
    zone = zone_of(link.time_zone, settings.ORGANISATION_TIME_ZONE)
    asks = offers_reopening(link, text.version)
    wanted = asks and is_wanted(link)
    context = {
        **frame(text, list(texts_by_language(link)), reverse("survey-follow-up", args=[token]), face=face_for(link)),
        **_for_whom(link, token),
        "call_by": one_working_day_later(link.answered_at or now, zone).astimezone(zone).date() if link.call_me else None,
        "may_change": not is_final_answer(link, now),
        "ticket": link.rated_object or link.ticket_id,
        "asks_again": asks and not wanted,
        "wanted": wanted,
        "nonce": new_nonce(link.link_id) if asks and not wanted else "",
        "problem": problem,
        "ours": ours,
    }
    return page("thanks", context, text.language, status)


def final(link: Opened, text: SurveyText, *, status: int) -> HttpResponse:
    """An answer that stands, with the day it was given and a way to say something else."""
    with timezone.override(zone_of(link.time_zone, settings.ORGANISATION_TIME_ZONE)):
        return _message("final", status, text.language, face_for(link), answered_at=link.answered_at, contact=contact_address(link))


def over(link: Opened) -> HttpResponse:
    """A link that opens nothing any more."""
    return _message("over", 410, interface_language(link.language or "en"), face_for(link), contact=contact_address(link))


def unknown() -> HttpResponse:
    """The one page for all tokens that are none, in English and Turkish."""
    return HttpResponse(_unknown(sender_name()), status=404, headers={"Content-Language": "en"})


@lru_cache(maxsize=2)
def _unknown(sender: str) -> bytes:
    return _message("unknown", 404, "en", Face(sender=sender)).content


def choices_of(text: SurveyText) -> list[dict[str, Any]]:
    """The scores to choose from, in order: value, words, and the face that stands for it (1 sad to 5 glad)."""
    version, wordless = text.version, look_of_text(text) != NUMBERS
    glad = version.direction == "high_good"
    return [
        {**choice, "label": choice["label"] or (str(choice["value"]) if wordless else ""), "face": face_of(choice["value"], version.scale_min, version.scale_max, high_good=glad)}
        for choice in score_choices(text)
    ]


def reasons_offered(link: Opened, version: SurveyVersion) -> list[dict[str, Any]]:
    """The reasons that fit the band of the score."""
    wanted = _band(link, version)
    if wanted == "middle":
        return [entry for entry in version.reasons if entry.get("band", "any") != "high"]
    return [entry for entry in version.reasons if entry.get("band", "any") in {"any", wanted}]


def words_for(link: Opened, text: SurveyText, words: str) -> Mapping[str, str]:
    """What placeholders of these words stand for on a page: mails get forwarded, so never the person asked."""
    if used(words) & _RARE:
        return words_of(Invitation.objects.select_related("event", "account__owner", "touchpoint").get(pk=link.invitation_id), text, name="")
    kind = link.event_kind if link.touchpoint_key else ("ticket.solved" if link.rated_object else "")
    return {
        "sender": link.sender_name or sender_name(), "account": link.account_name, "ticket": link.rated_object, "occasion": occasion(text.language, kind or ""),
        "csm": link.owner_name or "",
    }  # fmt: skip


def face_for(link: Opened) -> Face:
    """How the survey's pages look now."""
    colour = (link.brand_color or "")[1:].lower() if _SHAPE.match(link.brand_color or "") else ""
    # by its path alone: a page shows nothing of another host
    logo = f"/brand/{link.survey_key}/{link.logo_file}" if link.logo_file else ""
    return Face(sender=link.sender_name or sender_name(), colour=colour, logo=logo, logo_width=link.logo_width, logo_height=link.logo_height)


def contact_address(link: Opened) -> str:
    """Where somebody writes to who has more to say than the page takes."""
    return link.reply_to or bare_address(settings.DEFAULT_FROM_EMAIL)


def is_final_answer(link: Opened, now: dt.datetime) -> bool:
    """Whether the answer that the link opened may no longer be changed."""
    return is_final(is_suspect=link.is_suspect, respondent=link.respondent, answered_at=link.answered_at, now=now)


def _band(link: Opened, version: SurveyVersion) -> str:
    return band(version.survey.kind, link.score, scale_of(version))


def _for_whom(link: Opened, token: str) -> dict[str, Any]:
    return {"token": token, "initials": link.initials, "account": link.account_name, "reader": link.owner_name or ""}


def _own_name(code: str) -> str:
    """A language by its own name; the code where Django knows none."""
    try:
        name = translation.get_language_info(code)["name_local"]
    except KeyError:
        return code
    return name if code == "tr" else name[:1].upper() + name[1:]


def _message(what: str, status: int, language: str, face: Face, **more: Any) -> HttpResponse:
    """A page that only says something."""
    context = {"what": what, "language": language, "direction": direction_of(language), "sender": face.sender, "face": face, **more}
    return page("message", context, language, status)


def _said(html: str, language: str, status: int) -> HttpResponse:
    response = HttpResponse(html, status=status)
    response.headers["Content-Language"] = language
    return response
