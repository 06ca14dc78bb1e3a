"""The short way to the public pages: no session, no login, no cookie, so none of what serves those.

These pages are opened by thousands within minutes of a mailing; the middleware of signed-in readers
would cost them more than the answer itself. What protects every page stands before this one; the
views bring their own headers.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils import timezone

PREFIXES = ("/s/", "/u/", "/p/")
ALONE = frozenset({"/s", "/u", "/p"})


class PublicPagesMiddleware:
    """Answers public addresses itself; everything else goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The view's answer, or the rest of the house."""
        path = request.path_info
        if not path.startswith(PREFIXES) and path not in ALONE:
            return self.get_response(request)
        # another host is refused here as everywhere
        request.get_host()
        match = resolve(path)
        request.resolver_match = match
        with timezone.override(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)):
            return match.func(request, *match.args, **match.kwargs)
