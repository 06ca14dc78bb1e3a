"""The page of an onboarding plan that its customer opens by link: no login, no cookie, no script.

A GET writes nothing, whoever asks. What is the customer's is ticked by POST with a signed nonce of the
page. Unknown tokens all get the same answer, and nothing on the page names a person by more than initials.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.actions.onboarding_plans import NotTheirs, PlanClosed, do_step, undo_step
from accounts.models import PlanLink, PlanStep
from accounts.queries.clock import read_clock
from accounts.queries.plan_links import is_over, opened, shared_plan

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}
_SALT = "accounts.shared-plan"
_LIVES_SECONDS = 24 * 3600


def _public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Exempt from cookies' CSRF, since there is no cookie; and the headers that keep a token on its page."""

    @wraps(view)
    def dressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return csrf_exempt(dressed)


@_public_page
@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The plan; a POST ticks a step of the customer's, or takes their own tick back."""
    now = read_clock()
    link = opened(token)
    if link is None:
        return _page("unknown", {}, "en", 404)
    if is_over(link, now):
        return _page("over", {}, link.plan.language, 410)
    if request.method != "POST":
        return _plan(link, token)
    step = _step(link, request.POST.get("step", ""))
    if not _is_ours(request.POST.get("form_nonce", ""), link) or request.POST.get("website"):
        return _plan(link, token, problem="stale", status=400)
    if step is None:
        return _plan(link, token, problem="step", status=400)
    change = undo_step if "undo" in request.POST else do_step
    try:
        change(step_id=step.pk, how=PlanStep.How.CUSTOMER, actor=None, now=now)
    except (NotTheirs, PlanClosed):
        return _plan(link, token, problem="step", status=409)
    return HttpResponse(status=303, headers={"Location": f"{reverse('shared-plan', args=[token])}#s{step.pk}"})


@_public_page
def unknown(_request: HttpRequest, **_rest: Any) -> HttpResponse:
    """Whatever else stands where a token should: the same answer as for a token that is none."""
    return _page("unknown", {}, "en", 404)


def new_nonce(link: PlanLink) -> str:
    """A signed nonce for the forms of a page of this link."""
    return TimestampSigner(salt=_SALT).sign_object({"l": link.pk})


def _is_ours(signed: str, link: PlanLink) -> bool:
    try:
        body: dict[str, Any] = TimestampSigner(salt=_SALT).unsign_object(signed, max_age=_LIVES_SECONDS)
    except (BadSignature, ValueError):
        return False
    return body.get("l") == link.pk


def _step(link: PlanLink, number: str) -> PlanStep | None:
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return PlanStep.objects.filter(plan_id=link.plan_id, pk=int(number), visible=True).first()


def _plan(link: PlanLink, token: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    shown = shared_plan(opened(token) or link, today=timezone.localdate(read_clock()))
    return _page("plan", {"shared": shown, "plan": shown.plan, "token": token, "nonce": new_nonce(link), "problem": problem}, shown.plan.language, status)


def _page(what: str, context: dict[str, Any], language: str, status: int) -> HttpResponse:
    """Renders without the request: no session is touched, no cookie is set."""
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[0] or "Vefa"
    with translation.override(language):
        body = render_to_string(f"accounts/shared/{what}.html", {"language": language, "sender": sender, **context})
    return HttpResponse(body, status=status, headers={"Content-Language": language})
