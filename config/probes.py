"""Answers monitors before anything else looks at the request.

A probe comes by IP address, without TLS and without a session; host checks, redirects and sessions
(which read the database) would answer for a fault that is not there.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.views.health import healthz, readyz

PROBES = {"/healthz": healthz, "/readyz": readyz}


class ProbeMiddleware:
    """The first of all middlewares."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The probe's answer, or the rest of the house."""
        probe = PROBES.get(request.path_info)
        if probe is None:
            return self.get_response(request)
        response = probe(request)
        # a monitor asks every few seconds; what is wrong stands in the answer, not in the log
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response
