"""What a link was fetched with a moment ago, kept in Valkey for a minute: signs of a scanner, never a row.

A Valkey that does not answer costs the signs, not the page: calls wait a quarter of a second at most,
and after one that failed nobody asks again for a while.
"""

from __future__ import annotations

import datetime as dt
import functools
import time

import redis
from django.conf import settings

from surveys.tokens import token_digest

LIVES_SECONDS = 60
_WAIT_SECONDS = 0.25
_REST_SECONDS = 5.0
# the field of the link in the mail that people do not see
HIDDEN = "h"

_rests_until = 0.0


@functools.cache
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=_WAIT_SECONDS, socket_connect_timeout=_WAIT_SECONDS, decode_responses=True)


def trace_key(token: str) -> str:
    """Where the fetches of a link are remembered; not the token itself."""
    return f"vefa:fetched:{token_digest(token).hex()}"


def note_fetch(token: str, what: str, now: dt.datetime) -> None:
    """Remembers for a minute that a link was fetched with this score (`"9"`), or its hidden form (`HIDDEN`)."""
    if time.monotonic() < _rests_until:
        return
    key = trace_key(token)
    try:
        with _valkey().pipeline(transaction=False) as pipe:
            pipe.hset(key, what, f"{now.timestamp():.3f}")
            pipe.expire(key, LIVES_SECONDS)
            pipe.execute()
    except redis.RedisError:
        _rest()


def fetched(token: str) -> dict[str, float]:
    """What the link was fetched with in the last minute, and when (seconds of the epoch)."""
    if time.monotonic() < _rests_until:
        return {}
    try:
        return {str(what): float(at) for what, at in _valkey().hgetall(trace_key(token)).items()}
    except redis.RedisError:
        _rest()
        return {}


def forget(token: str) -> None:
    """Drops what is remembered of a link."""
    _valkey().delete(trace_key(token))


def _rest() -> None:
    global _rests_until
    _rests_until = time.monotonic() + _REST_SECONDS
