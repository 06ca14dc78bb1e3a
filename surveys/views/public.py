"""The pages customers see: one question, then why, then thanks; and refusing surveys.

A GET writes nothing, whatever it asks for. No cookie, no login, no script: the random token and the
signed nonce of the form take their place. Unknown tokens all get the same answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from surveys.actions.answers import COMMENT_LENGTH, EDIT_WINDOW, AnswerIsFinal, NotAnswered, ScoreOutOfScale, Submission, is_final, submit_details, submit_score
from surveys.actions.letters import chosen_text, interface_language, score_choices, sender_name, words_of
from surveys.actions.refusals import ALL, ONE, refuse_surveys
from surveys.decent_hours import one_working_day_later, zone_of
from surveys.forms import chosen_reasons, clean_text, new_nonce, read_nonce, whole_number
from surveys.models import Response, SurveyLink, SurveyText
from surveys.placeholders import fill
from surveys.queries.links import answer_link, refusal_link, response_of, texts_of
from surveys.scoring import Scale, band
from surveys.views.suspicion import note_preselection, suspicions

View = Callable[..., HttpResponse]
_POLICY = {
    "default-src": [NONE], "style-src": [SELF], "img-src": [SELF], "script-src": [SELF], "form-action": [SELF], "base-uri": [NONE], "frame-ancestors": [NONE], "object-src": None,
}  # fmt: skip
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}


def public_page(view: View) -> View:
    """What all these pages share: exempt from cookies' CSRF, and the headers that keep a token on its page."""

    @wraps(view)
    def dressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return csrf_exempt(csp_replace(_POLICY)(dressed))  # type: ignore[return-value]


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The question; a POST saves the score."""
    now = timezone.now()
    link = answer_link(token)
    refusal = _closed(link, now)
    if refusal is not None or link is None:
        return refusal or _message("unknown", 404)
    given = response_of(link)
    if request.method != "POST":
        if is_final(given, now):
            return _final(request, link, given, 200)
        chosen = whole_number(request.GET.get("v", ""))
        if chosen is not None:
            note_preselection(link, chosen, now)
        return _question(request, link, token, chosen=chosen)
    nonce = read_nonce(request.POST.get("form_nonce", ""), link.pk)
    score = whole_number(request.POST.get("score", ""))
    if nonce is None:
        return _question(request, link, token, chosen=score, status=400, problem="stale")
    text = _text(request, link)
    submission = Submission(
        nonce=nonce.name,
        score=score,
        comment=clean_text(request.POST.get("comment", ""), COMMENT_LENGTH),
        respondent="other" if request.POST.get("respondent") == "other" else "contact",
        language=text.language,
        flags=suspicions(request, nonce, link, now),
    )
    try:
        submit_score(link=link, submission=submission, now=now)
    except AnswerIsFinal:
        return _final(request, link, given, 409)
    except ScoreOutOfScale:
        return _question(request, link, token, chosen=None, status=400, problem="score")
    return _see_other(request, link, token)


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
def follow_up(request: HttpRequest, token: str) -> HttpResponse:
    """After the score: why, a comment, the wish for a call; and thanks once that is sent."""
    now = timezone.now()
    link = answer_link(token)
    refusal = _closed(link, now)
    if refusal is not None or link is None:
        return refusal or _message("unknown", 404)
    given = response_of(link)
    if given is None or given.score is None:
        return HttpResponseRedirect(reverse("survey-answer", args=[token]))
    if request.method != "POST":
        if given.state == "complete" and "edit" not in request.GET:
            return _thanks(request, link, token, given, now)
        return _final(request, link, given, 200) if is_final(given, now) else _reasons(request, link, token, given)
    nonce = read_nonce(request.POST.get("form_nonce", ""), link.pk)
    comment = clean_text(request.POST.get("comment", ""), COMMENT_LENGTH)
    if nonce is None:
        return _reasons(request, link, token, given, status=400, typed=comment, stale=True)
    skipped = "skip" in request.POST
    submission = Submission(
        nonce=nonce.name,
        comment="" if skipped else comment,
        reasons=[] if skipped else chosen_reasons(request.POST, _offered(link, given)),
        reason_detail="" if skipped else clean_text(request.POST.get("reason_detail", ""), 500),
        call_me=not skipped and "call_me" in request.POST,
        respondent=given.respondent,
        language=_text(request, link).language,
        flags=suspicions(request, nonce, link, now),
    )
    try:
        submit_details(link=link, submission=submission, now=now)
    except AnswerIsFinal:
        return _final(request, link, given, 409)
    except NotAnswered:
        return HttpResponseRedirect(reverse("survey-answer", args=[token]))
    return _see_other(request, link, token)


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Refusing surveys: a GET shows the choices, a POST acts at once, also that of a mail program (RFC 8058)."""
    now = timezone.now()
    link = refusal_link(token)
    if link is None:
        return _message("unknown", 404)
    if request.method != "POST":
        return _refusal_page(request, link, token, done="")
    scope = ONE if request.POST.get("scope") == ONE else ALL
    refuse_surveys(invitation=link.invitation, scope=scope, now=now)
    if request.POST.get("List-Unsubscribe") == "One-Click":
        return HttpResponse(status=200)
    return _refusal_page(request, link, token, done=scope)


# ── pages ───────────────────────────────────────────────────────────────────


def _closed(link: SurveyLink | None, now: dt.datetime) -> HttpResponse | None:
    """The answer for a link that opens nothing: 404 for one that is none, 410 for one that is over."""
    if link is None:
        return _message("unknown", 404)
    if link.revoked_at is not None or link.expires_at <= now or link.invitation.survey_version is None:
        return _message("over", 410, language=link.invitation.language)
    return None


def _text(request: HttpRequest, link: SurveyLink) -> SurveyText:
    """The text in the language asked for by the switch, else the contact's."""
    asked = request.POST.get("lang") or request.GET.get("lang") or ""
    return chosen_text(texts_of(link.invitation.survey_version_id), asked, link.invitation.language)


def _frame(request: HttpRequest, link: SurveyLink, text: SurveyText, token: str, name: str) -> dict[str, Any]:
    """What every page of a link shows: language and its switch, sender, whom it is for."""
    contact = link.invitation.contact
    kept = {key: request.GET[key] for key in ("v", "other") if key in request.GET and len(request.GET[key]) < 4}
    address = reverse(name, args=[token])
    others = [code for code in sorted(texts_of(text.version_id)) if code != text.language]
    return {
        "language": text.language,
        "direction": "rtl" if text.language.split("-")[0] in _RIGHT_TO_LEFT else "ltr",
        "switches": [{"code": code, "name": _own_name(code), "href": f"{address}?{urlencode({**kept, 'lang': code}, quote_via=quote)}"} for code in others],
        "sender": sender_name(),
        "initials": contact.initials if contact else "",
        "account": link.invitation.account.name,
        "token": token,
        "text": text,
    }


def _own_name(code: str) -> str:
    """A language by its own name; the code where Django knows none."""
    try:
        return translation.get_language_info(code)["name_local"].capitalize() if code != "tr" else "Türkçe"
    except KeyError:
        return code


def _question(request: HttpRequest, link: SurveyLink, token: str, *, chosen: int | None, status: int = 200, problem: str = "") -> HttpResponse:
    text = _text(request, link)
    version, kind = text.version, text.version.survey.kind
    choices = score_choices(text)
    other = (request.POST.get("respondent") if request.method == "POST" else request.GET.get("other")) in {"other", "1"}
    context = {
        **_frame(request, link, text, token, "survey-answer"),
        "question": fill(text.question, words_of(link.invitation, text, name="")),
        "ticket": link.invitation.rated_object,
        "choices": choices,
        "chosen": next((choice for choice in choices if choice["value"] == chosen), None),
        "shape": "faces" if kind == "csat" and len(choices) == 5 else "words" if kind == "exit" else "numbers",
        "columns": version.scale_max - version.scale_min + 1,
        "nonce": new_nonce(link.pk),
        "other": other,
        "problem": problem,
        "edit_hours": int(EDIT_WINDOW.total_seconds() // 3600),
    }
    return _page("question", context, text.language, status)


def _offered(link: SurveyLink, given: Response) -> list[dict[str, Any]]:
    """The reasons that fit the band of the score."""
    version = link.invitation.survey_version
    assert version is not None
    wanted = band(given.kind, given.score, Scale(version.scale_min, version.scale_max, version.direction == "high_good"))
    offered = [entry for entry in version.reasons if wanted == "middle" or entry.get("band", "any") in {"any", wanted}]
    return offered if wanted != "middle" else [entry for entry in offered if entry.get("band", "any") != "high"]


def _reasons(request: HttpRequest, link: SurveyLink, token: str, given: Response, *, status: int = 200, typed: str = "", stale: bool = False) -> HttpResponse:
    text = _text(request, link)
    version = text.version
    found = band(given.kind, given.score, Scale(version.scale_min, version.scale_max, version.direction == "high_good"))
    why = {"low": text.why_low, "middle": text.why_middle, "high": text.why_high}[found] or text.why_low
    picked = set(request.POST.getlist("reason"))
    entries = [{**entry, "label": text.reason_labels.get(entry["key"], entry["key"]), "picked": entry["key"] in picked} for entry in _offered(link, given)]
    tops = [{**entry, "details": [below for below in entries if below.get("parent") == entry["key"]]} for entry in entries if not entry.get("parent")]
    owner = link.invitation.account.owner
    context = {
        **_frame(request, link, text, token, "survey-follow-up"),
        "why": fill(why, words_of(link.invitation, text, name="")),
        "score": given.score,
        "score_label": text.score_labels.get(str(given.score), ""),
        "as_words": given.kind in {"csat", "exit"},
        "reasons": tops,
        "two_levels": any(top["details"] for top in tops),
        "reader": owner.name if owner else "",
        "nonce": new_nonce(link.pk),
        "typed": typed,
        "stale": stale,
        "limit": COMMENT_LENGTH,
    }
    return _page("follow_up", context, text.language, status)


def _thanks(request: HttpRequest, link: SurveyLink, token: str, given: Response, now: dt.datetime) -> HttpResponse:
    text = _text(request, link)
    owner = link.invitation.account.owner
    zone = zone_of(link.invitation.account.time_zone)
    context = {
        **_frame(request, link, text, token, "survey-follow-up"),
        "call_by": one_working_day_later(given.answered_at or now, zone).astimezone(zone).date() if given.call_me else None,
        "reader": owner.name if owner else "",
        "may_change": not is_final(given, now),
    }
    return _page("thanks", context, text.language, 200)


def _final(request: HttpRequest, link: SurveyLink, given: Response | None, status: int) -> HttpResponse:
    language = _text(request, link).language
    return _message("final", status, language=language, answered_at=given.answered_at if given else None)


def _refusal_page(request: HttpRequest, link: SurveyLink, token: str, *, done: str) -> HttpResponse:
    text = _text(request, link)
    context = {**_frame(request, link, text, token, "survey-refuse"), "done": done}
    return _page("unsubscribe", context, text.language, 200)


def _message(what: str, status: int, *, language: str = "", answered_at: dt.datetime | None = None) -> HttpResponse:
    """A page that only says something. The one for unknown tokens is the same for all of them, in English and Turkish."""
    language = interface_language(language) if language else "en"
    context = {"what": what, "language": language, "direction": "ltr", "sender": sender_name(), "answered_at": answered_at}
    return _page("message", context, language, status)


def _page(name: str, context: dict[str, Any], language: str, status: int) -> HttpResponse:
    """Renders without the request: no session is touched, no cookie is set."""
    with translation.override(interface_language(language)):
        response = HttpResponse(render_to_string(f"surveys/public/{name}.html", context), status=status)
    response["Content-Language"] = language
    return response


def _see_other(request: HttpRequest, link: SurveyLink, token: str) -> HttpResponse:
    """To the next page, in the language chosen on this one."""
    asked = request.POST.get("lang", "")
    address = reverse("survey-follow-up", args=[token])
    known = asked in texts_of(link.invitation.survey_version_id) and asked != link.invitation.language
    response = HttpResponseRedirect(f"{address}?{urlencode({'lang': asked})}" if known else address)
    response.status_code = 303
    return response
