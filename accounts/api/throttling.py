"""600 requests a minute and key, counted atomically; without a cache nobody is held up."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = logging.getLogger("vefa.api")
A_MINUTE = 600
_WINDOW = 60
_REST_SECONDS = 10.0


class KeyThrottle(BaseThrottle):
    """One counter a key and minute: `INCR` is atomic, so requests at once are all counted."""

    limit = A_MINUTE
    clock = staticmethod(time.time)
    # after a failure the cache is left alone for a moment, so that its absence costs no time-out a request
    _rests_until = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether the key is within its minute; True where the cache does not answer."""
        if request.auth is None or time.monotonic() < KeyThrottle._rests_until:
            return True
        seconds = self.clock()
        window = int(seconds // _WINDOW)
        self._left = _WINDOW - seconds % _WINDOW
        name = f"api-key:{request.auth.pk}:{window}"
        try:
            cache.add(name, 0, timeout=2 * _WINDOW)
            return cache.incr(name) <= self.limit
        except (RedisError, OSError, ValueError) as fault:
            KeyThrottle._rests_until = time.monotonic() + _REST_SECONDS
            log.warning("the cache does not answer, requests are not counted: %s", type(fault).__name__)
            return True

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return self._left
