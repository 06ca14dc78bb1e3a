"""The pages customers see: one question, then why, then thanks; and refusing surveys.

A GET writes nothing, whatever it asks for. No cookie, no login, no script: the random token and the
signed nonce of the form take their place. Unknown tokens all get the same answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.queries.clock import read_clock
from surveys.actions.answers import AnswerIsFinal, NotAnswered, ScoreOutOfScale, submit_details, submit_score
from surveys.actions.reopening import NotOffered, want_reopening
from surveys.actions.submissions import COMMENT_LENGTH, Submission
from surveys.brand import NIGHT, PAPER, ink_on, readable
from surveys.forms import chosen_reasons, clean_text, read_nonce, whole_number
from surveys.looks import offered_scores
from surveys.models import SurveyText
from surveys.queries.links import Opened, opened
from surveys.views import pages
from surveys.views.sessions import signed_in_user
from surveys.views.suspicion import suspicions
from surveys.views.traces import HIDDEN, note_fetch

View = Callable[..., HttpResponse]
_METHODS = ["GET", "HEAD", "POST"]
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


def public_page(view: View) -> View:
    """What all these pages share: exempt from cookies' CSRF, and the headers that keep a token on its page."""

    @wraps(view)
    def dressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return csrf_exempt(dressed)


@public_page
@require_http_methods(_METHODS)
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The question; a POST saves the score."""
    now = read_clock()
    link = opened(token)
    if link is None or link.is_over(now):
        return pages.unknown() if link is None else pages.over(link)
    text = _text(request, link)
    if request.method != "POST":
        return _asked(request, link, token, text, now)
    other = request.POST.get("respondent") == "other"
    nonce = read_nonce(request.POST.get("form_nonce", ""), link.link_id)
    score = whole_number(request.POST.get("score", ""))
    if nonce is None:
        chosen = score if score in _offered(text) else None
        return pages.question(link, token, text, pages.Asked(chosen=chosen, other=other, problem="stale"), status=400)
    submission = Submission(
        nonce=nonce.name,
        score=score,
        comment=clean_text(request.POST.get("comment", ""), COMMENT_LENGTH),
        respondent="other" if other else "contact",
        language=text.language,
        flags=suspicions(request, nonce, link, token, now),
    )
    try:
        submit_score(link=link, version=text.version, submission=submission, now=now)
    except AnswerIsFinal:
        return pages.final(link, text, status=409)
    except ScoreOutOfScale:
        return pages.question(link, token, text, pages.Asked(other=other, problem="score"), status=400)
    return _see_other(request, link, token)


@public_page
@require_http_methods(_METHODS)
def follow_up(request: HttpRequest, token: str) -> HttpResponse:
    """After the score: why, a comment, the wish for a call; and thanks once that is sent."""
    now = read_clock()
    link = opened(token)
    if link is None or link.is_over(now):
        return pages.unknown() if link is None else pages.over(link)
    if link.score is None:
        return HttpResponseRedirect(reverse("survey-answer", args=[token]))
    text = _text(request, link)
    if request.method != "POST":
        if (link.state == "complete" or "sent" in request.GET) and "edit" not in request.GET:
            return pages.thanks(link, token, text, now=now, ours=_is_ours(request, link))
        return pages.final(link, text, status=200) if pages.is_final_answer(link, now) else pages.reasons(link, token, text, ours=_is_ours(request, link))
    nonce = read_nonce(request.POST.get("form_nonce", ""), link.link_id)
    comment = clean_text(request.POST.get("comment", ""), COMMENT_LENGTH)
    if nonce is None:
        typed = pages.Typed(comment=comment, reasons=frozenset(request.POST.getlist("reason")), call_me="call_me" in request.POST, stale=True)
        return pages.reasons(link, token, text, typed, status=400)
    skipped = "skip" in request.POST
    submission = Submission(
        nonce=nonce.name,
        comment="" if skipped else comment,
        reasons=[] if skipped else chosen_reasons(request.POST, pages.reasons_offered(link, text.version)),
        reason_detail="" if skipped else clean_text(request.POST.get("reason_detail", ""), 500),
        call_me=not skipped and "call_me" in request.POST,
        respondent=link.respondent or "contact",
        language=text.language,
        flags=suspicions(request, nonce, link, token, now),
    )
    try:
        submit_details(link=link, submission=submission, now=now)
    except AnswerIsFinal:
        return pages.final(link, text, status=409)
    except NotAnswered:
        return HttpResponseRedirect(reverse("survey-answer", args=[token]))
    # what is held as suspect changed nothing, and whoever sent it has said enough all the same
    return _see_other(request, link, token, sent=bool(submission.flags))


@public_page
@require_http_methods(_METHODS)
def again(request: HttpRequest, token: str) -> HttpResponse:
    """The customer wants the ticket opened again; a look leads to the page that asks."""
    now = read_clock()
    link = opened(token)
    if link is None or link.is_over(now):
        return pages.unknown() if link is None else pages.over(link)
    if request.method != "POST" or link.score is None:
        return HttpResponseRedirect(reverse("survey-follow-up", args=[token]))
    text = _text(request, link)
    nonce = read_nonce(request.POST.get("form_nonce", ""), link.link_id)
    if nonce is None or suspicions(request, nonce, link, token, now):
        # nobody's ticket is opened by a machine: a person presses once more
        return pages.thanks(link, token, text, now=now, problem=True, status=400)
    try:
        want_reopening(link=link, version=text.version, now=now)
    except NotOffered:
        pass
    return _see_other(request, link, token, sent=True)


@public_page
def unknown(request: HttpRequest) -> HttpResponse:
    """Whatever else stands where a token should: the same answer as for a token that is none."""
    return pages.unknown()


@require_safe
def colours(request: HttpRequest, colour: str) -> HttpResponse:
    """The style of a brand colour: the same on paper and at night only as far as it can be read. It never changes, so browsers keep it."""
    brand = f"#{colour}"
    light, dark = readable(brand, PAPER), readable(brand, NIGHT)
    style = (
        "@layer tokens { :root { "
        f"--accent: light-dark({light}, {dark}); --on-accent: light-dark({ink_on(light)}, {ink_on(dark)}); "
        "--accent-deep: color-mix(in oklab, var(--accent) 88%, var(--ink)); --accent-soft: color-mix(in oklab, var(--accent) 9%, var(--surface)); } }\n"
    )
    return HttpResponse(style, content_type="text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=31536000, immutable"})


def _asked(request: HttpRequest, link: Opened, token: str, text: SurveyText, now: dt.datetime) -> HttpResponse:
    """The answer to a look at the question."""
    if pages.is_final_answer(link, now):
        return pages.final(link, text, status=200)
    chosen = whole_number(request.GET.get("v", ""))
    if chosen is not None and chosen not in _offered(text):
        chosen = None
    if chosen is not None:
        note_fetch(token, str(chosen), now)
    if HIDDEN in request.GET:
        note_fetch(token, HIDDEN, now)
    return pages.question(link, token, text, pages.Asked(chosen=chosen, other=request.GET.get("other") == "1"))


def _is_ours(request: HttpRequest, link: Opened) -> bool:
    """Whether an answer that is held back came from one of our own people, who would wonder where it went."""
    return bool(link.is_suspect) and (link.staff_id is not None or signed_in_user(request) is not None)


def _offered(text: SurveyText) -> list[int]:
    version = text.version
    return offered_scores(version.scale_min, version.scale_max, version.offered)


def _text(request: HttpRequest, link: Opened) -> SurveyText:
    return pages.text_of(link, request.POST.get("lang") or request.GET.get("lang") or "")


def _see_other(request: HttpRequest, link: Opened, token: str, *, sent: bool = False) -> HttpResponse:
    """To the next page, in the language chosen on this one."""
    asked = request.POST.get("lang", "")
    known = asked != link.language and asked in pages.texts_by_language(link)
    more = {**({"sent": "1"} if sent else {}), **({"lang": asked} if known else {})}
    address = reverse("survey-follow-up", args=[token])
    return HttpResponse(status=303, headers={"Location": f"{address}?{urlencode(more)}" if more else address})
