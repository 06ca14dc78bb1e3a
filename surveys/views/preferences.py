"""The page behind “unsubscribe”: this survey, all surveys, everything about me; and back again after a wrong press.

A GET changes nothing. The mail program's own press (RFC 8058) gets an empty 200 at once: no cookie, no
login, no redirect.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.queries.clock import read_clock
from surveys.actions.letter_words import chosen_text, sender_name
from surveys.actions.refusals import ALL, ONE, refuse_surveys, take_refusal_back
from surveys.models import SurveyLink, SurveyText
from surveys.queries.links import refusal_link, texts_of
from surveys.queries.preferences import Preferences, preferences_of
from surveys.views import pages
from surveys.views.mail_preferences import mail_preferences
from surveys.views.public import public_page

METHODS = ["GET", "HEAD", "POST"]
_SCOPES = {ONE, ALL}


@public_page
@require_http_methods(METHODS)
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The choices, or what was chosen; a POST acts at once."""
    now = read_clock()
    link = refusal_link(token)
    if link is None:
        # the link of a playbook's or an offer's mail, or none at all
        return mail_preferences(request, token)
    if request.method == "POST" and request.POST.get("List-Unsubscribe") == "One-Click":
        refuse_surveys(invitation=link.invitation, scope=ALL, now=now)
        return HttpResponse(status=200)
    done, problem = "", False
    if request.method == "POST" and link.revoked_at is None:
        scope, undo = request.POST.get("scope", ALL), request.POST.get("undo", "")
        if undo in _SCOPES:
            done = "undone" if take_refusal_back(invitation=link.invitation, scope=undo, now=now) else ""
            problem = not done
        elif scope in _SCOPES:
            refuse_surveys(invitation=link.invitation, scope=scope, now=now)
            done = scope
        else:
            problem = True
        link = refusal_link(token) or link
    return preferences_page(request, link, token, done=done, problem=problem)


def preferences_page(request: HttpRequest, link: SurveyLink, token: str, *, done: str = "", problem: bool = False) -> HttpResponse:
    """The page as it stands for the person of a link."""
    state = preferences_of(link.invitation)
    if link.revoked_at is not None:
        return erased_page(request, link, token, state)
    text = text_of(request, link)
    context = {**frame_of(link, text, token, "survey-refuse"), "state": state, "done": done, "problem": problem}
    return pages.page("preferences", context, text.language, 400 if problem else 200)


def erased_page(request: HttpRequest, link: SurveyLink, token: str, state: Preferences) -> HttpResponse:
    """After everything about the person was erased, or the link was taken back."""
    text = text_of(request, link)
    context = {**frame_of(link, text, token, "survey-refuse"), "state": state, "initials": "", "account": ""}
    return pages.page("erased", context, text.language, 200 if state.erased else 410)


def text_of(request: HttpRequest, link: SurveyLink) -> SurveyText:
    """The text in the language asked for by the switch, else the contact's."""
    asked = request.POST.get("lang") or request.GET.get("lang") or ""
    return chosen_text(texts_of(link.invitation.survey_version_id), asked, link.invitation.language)


def frame_of(link: SurveyLink, text: SurveyText, token: str, name: str) -> dict[str, Any]:
    """What these pages show besides their own words: the sender, whom they are for, the language and its switch."""
    invitation = link.invitation
    survey = text.version.survey
    face = pages.Face(
        sender=sender_name(survey), colour=survey.brand_color[1:].lower(), logo=f"/brand/{survey.key}/{survey.logo_file}" if survey.logo_file else "",
        logo_width=survey.logo_width, logo_height=survey.logo_height,
    )  # fmt: skip
    return {
        **pages.frame(text, list(texts_of(text.version_id)), reverse(name, args=[token]), face=face),
        "initials": invitation.contact.initials if invitation.contact else "",
        "account": invitation.account.name,
        "token": token,
    }
