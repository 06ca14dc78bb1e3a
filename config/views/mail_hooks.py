"""Where mail providers tell what became of mails, and bring mails for tickets. Kept first, acknowledged, then worked on."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.actions.inbound_events import NewInbound, keep_inbound
from accounts.mail_reports import OTHER
from accounts.models import InboundEvent
from accounts.queries.clock import read_clock
from config import inbound_mail
from config.mail_providers import Unreadable, WrongSecret, open_provider, read_call
from config.mail_reports import handle_report

logger = logging.getLogger(__name__)
MOST_BYTES = 1024 * 1024
DEEPEST = 20


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def email_hook(request: HttpRequest, provider: str) -> HttpResponse:
    """Takes one call: 202 new, 200 known, 400 unreadable, 401 not proven, 404 no such (or no open) provider, 409 an id with another body, 413, 415."""
    known = open_provider(provider)
    if known is None:
        return _answer(404, "There is no such address here, or its secret is not configured.")
    if request.method == "HEAD":
        # some providers look whether the address answers before they take it
        return HttpResponse()
    if request.content_type not in known.content_types:
        return _answer(415, f"Send {' or '.join(sorted(known.content_types))}.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES or len(request.body) > MOST_BYTES:
        return _answer(413, "At most 1 MiB.")
    try:
        parsed = _parsed(request)
        events = read_call(provider, known, request, parsed=parsed)
    except WrongSecret:
        answer = _answer(401, "The secret or the signature is missing or wrong.")
        # Amazon sends its secret only after it was asked for it
        answer["WWW-Authenticate"] = 'Basic realm="Vefa"'
        return answer
    except (Unreadable, ValueError, RecursionError, RawPostDataException):
        return _answer(400, "The body is not what this provider sends.")
    return _keep_and_work(events, work=lambda event, pk: event.kind != OTHER and handle_report(event_id=pk))


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def inbound_hook(request: HttpRequest, provider: str) -> HttpResponse:
    """Takes a mail for tickets: answers as `email_hook` does, up to 30 MiB. What nobody could place is taken too, and waits for a person."""
    known = open_provider(provider, among=inbound_mail.INBOUND)
    if known is None:
        return _answer(404, "There is no such address here, or its secret is not configured.")
    if request.method == "HEAD":
        return HttpResponse()
    if request.content_type not in known.content_types:
        return _answer(415, f"Send {' or '.join(sorted(known.content_types))}.")
    too_large = _answer(413, "At most 30 MiB.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > inbound_mail.MOST_BYTES:
        return too_large
    try:
        # the limit of all other requests is lower: what was read here is what Django and the readers find
        request._body = request.read(inbound_mail.MOST_BYTES + 1)  # type: ignore[attr-defined]
        if len(request.body) > inbound_mail.MOST_BYTES:
            return too_large
        mails = inbound_mail.read_call(provider, known, request, parsed=_parsed(request))
    except WrongSecret:
        answer = _answer(401, "The secret or the signature is missing or wrong.")
        answer["WWW-Authenticate"] = 'Basic realm="Vefa"'
        return answer
    except RequestDataTooBig:
        return too_large
    except (Unreadable, ValueError, RecursionError, RawPostDataException, MultiPartParserError):
        return _answer(400, "The body is not what this provider sends.")
    return _keep_and_work(mails, work=lambda event, pk: event.status == InboundEvent.Status.NEW and inbound_mail.handle_mail(event_id=pk))


def _keep_and_work(events: list[NewInbound], *, work: Callable[[NewInbound, int], object]) -> HttpResponse:
    """Keeps the events, acknowledges what is on disk, and works on what is new."""
    try:
        kept = keep_inbound(events=events, now=read_clock())
    except DatabaseError:
        logger.exception("A call of a mail provider could not be kept.")
        return _answer(503, "It could not be kept just now: send it again.")
    for event, row in zip(events, kept, strict=True):
        if row.outcome == "new":
            work(event, row.pk)
    outcomes = {row.outcome for row in kept}
    if "conflict" in outcomes:
        return _answer(409, "An event with this id and another body is known.")
    return _answer(202 if "new" in outcomes else 200, "")


def _parsed(request: HttpRequest) -> Any:
    """The body as JSON; of a form, its fields. Raises ValueError for what is none, or is nested too deep."""
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        fields = request.POST.dict()
        return {name: json.loads(value) if name == "mandrill_events" else value for name, value in fields.items()}
    parsed = json.loads(request.body)
    if not isinstance(parsed, (dict, list)) or _depth(parsed) > DEEPEST:
        raise ValueError("not an object, or too deep")
    return parsed


def _depth(value: Any) -> int:
    """How deep lists and objects are nested, counted level by level."""
    level, depth = [value], 0
    while level := [entry for entry in level if isinstance(entry, (dict, list))]:
        depth += 1
        level = [inner for entry in level for inner in (entry.values() if isinstance(entry, dict) else entry)]
    return depth


def _answer(status: int, detail: str) -> HttpResponse:
    answer = JsonResponse({"detail": detail} if detail else {"taken": True}, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
