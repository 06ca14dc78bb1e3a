"""Where other systems tell what happened there. Kept first, acknowledged, then worked on by a worker."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from accounts.actions.incoming_hooks import note_received, open_hooks
from accounts.models import IncomingHook
from accounts.queries.clock import read_clock
from config.hooks.handling import keep_call
from config.hooks.mapping import BadMap
from config.hooks.proofs import is_proven
from config.hooks.shipped import map_of
from config.tasks import work_on_hooks

logger = logging.getLogger(__name__)
MOST_BYTES = 1024 * 1024
DEEPEST = 20
A_SECOND = 200
# one message to the workers stands for all calls of a second
NUDGE_SECONDS = 1


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def generic_hook(request: HttpRequest, name: str = "") -> HttpResponse:
    """Takes one call: 202 new (or of an unknown type), 200 known, 400 no JSON, 401 not proven, 404 no such (or no active) hook, 409 an id with another body, 413, 415, 429, 503."""
    return _take(request, open_hooks(name))


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def stripe_hook(request: HttpRequest, name: str = "") -> HttpResponse:
    """Takes one event of Stripe, signed as Stripe signs; the answers are those of every other call."""
    return _take(request, open_hooks(name, proof=IncomingHook.Proof.STRIPE))


def _take(request: HttpRequest, hooks: list[IncomingHook]) -> HttpResponse:
    if not hooks:
        return _answer(404, "There is no such address here.")
    if request.method == "HEAD":
        # some senders look whether the address answers before they take it
        return HttpResponse()
    sent = request.content_type or ""
    if sent != "application/json" and not sent.endswith("+json"):
        return _answer(415, "Send application/json.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES or len(request.body) > MOST_BYTES:
        return _answer(413, "At most 1 MiB.")
    now = read_clock()
    hook = next((one for one in hooks if _proven(one, request, now)), None)
    if hook is None:
        return _answer(401, "The signature or the secret is missing, wrong or too old.")
    if _too_fast(hook):
        return _answer(429, f"At most {A_SECOND} calls a second.", {"Retry-After": "1"})
    try:
        body = _parsed(request.body)
    except (ValueError, RecursionError) as fault:
        return _answer(400, f"The body is no JSON object that can be taken: {fault}"[:300])
    try:
        kept, work = keep_call(hook, headers=request.headers, body=body, now=now)
        note_received(hook=hook, now=now)
    except DatabaseError:
        logger.exception("A webhook could not be kept.")
        return _answer(503, "It could not be kept just now: send it again.", {"Retry-After": "5"})
    if kept.outcome == "conflict":
        return _answer(409, "An event with this id and another body is known.")
    if work:
        _nudge()
    return _answer(202 if kept.outcome == "new" else 200, "")


def _proven(hook: IncomingHook, request: HttpRequest, now: dt.datetime) -> bool:
    try:
        given = map_of(hook)
    except (BadMap, LookupError):
        given = None
    return is_proven(hook, headers=request.headers, body=request.body, signed_with=(given or {}).get("signed_with", ""), now=now)


def _too_fast(hook: IncomingHook) -> bool:
    """Whether the hook has had its second; False where the cache does not answer."""
    counter = f"hook:{hook.pk}:{int(time.time())}"
    try:
        cache.add(counter, 0, timeout=5)
        return cache.incr(counter) > A_SECOND
    except (RedisError, OSError, ValueError):
        return False


def _nudge() -> None:
    """Wakes a worker in a second, once for all calls until then; where that is lost the sweep comes."""
    try:
        first = cache.add("hooks:nudged", 1, timeout=NUDGE_SECONDS)
    except (RedisError, OSError):
        first = False
    if first:
        work_on_hooks.apply_async(countdown=NUDGE_SECONDS)


def _parsed(raw: bytes) -> dict[str, Any]:
    """The body, an object of strict JSON. Raises ValueError for what is none, or is nested too deep."""
    parsed = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant)
    if not isinstance(parsed, dict):
        raise ValueError("an object is expected")
    level: list[Any] = [parsed]
    for _depth in range(DEEPEST):
        level = [inner for entry in level for inner in (entry.values() if isinstance(entry, dict) else entry) if isinstance(inner, (dict, list))]
    if level:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    return parsed


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _answer(status: int, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    answer = JsonResponse({"detail": detail} if detail else {"taken": True}, status=status, headers=headers)
    answer["Cache-Control"] = "no-store"
    return answer
