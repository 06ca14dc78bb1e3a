"""Middleware of the frame: language, time zone, the length of a session, cache headers of fragments."""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

Handler = Callable[[HttpRequest], HttpResponse]
LANGUAGE_COOKIE = "vefa-language"
# a session ends after SESSION_COOKIE_AGE without a request, and after these at the latest
LONGEST_SESSION = 7 * 24 * 3600
LONGEST_ADMIN_SESSION = 12 * 3600
# the idle end is moved on at most this often, so that reading pages does not write each time
SLIDE_EVERY = 15 * 60


class ReaderLocaleMiddleware:
    """Chooses a language before anybody is known: the cookie, else what the browser asks for."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activates the language for this request."""
        chosen = request.COOKIES.get(LANGUAGE_COOKIE, "")
        if chosen not in dict(settings.LANGUAGES):
            chosen = translation.get_language_from_request(request)
        translation.activate(chosen)
        request.LANGUAGE_CODE = chosen
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response


class ReaderPreferencesMiddleware:
    """A signed-in reader's language and time zone win."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activates them for this request."""
        if request.user.is_authenticated:
            _watch_session(request)
        user = request.user
        zone = settings.ORGANISATION_TIME_ZONE
        if user.is_authenticated:
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
            zone = user.time_zone or zone
        with timezone.override(zoneinfo.ZoneInfo(zone)):
            return self.get_response(request)


def _watch_session(request: HttpRequest) -> None:
    """Ends a session that is too old; moves the idle end of a young one on."""
    since, seen = request.session.get("since"), request.session.get("seen")
    if since is None or seen is None:
        return
    # the real time, in a sandbox too: whoever moves its clock on by a month stays signed in
    now = int(time.time())
    if now - since > (LONGEST_ADMIN_SESSION if request.user.is_staff else LONGEST_SESSION):
        logout(request)
    elif now - seen > SLIDE_EVERY:
        request.session["seen"] = now


class FragmentCacheMiddleware:
    """Fragments and signed-in pages are never kept by a cache; a fragment never turns into a sign-in page."""

    def __init__(self, get_response: Handler):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Adds the headers."""
        response = self.get_response(request)
        if getattr(request, "htmx", False) and response.status_code == 302 and response.headers.get("Location", "").startswith(reverse("login") + "?"):
            response = _sign_in_anew(request)
        patch_vary_headers(response, ["HX-Request"])
        if getattr(request, "user", None) is not None and request.user.is_authenticated and not response.has_header("Cache-Control"):
            patch_cache_control(response, no_store=True, private=True)
        return response


def _sign_in_anew(request: HttpRequest) -> HttpResponse:
    """Sends the whole page to sign in when a session ended under it, and back to it afterwards."""
    page = request.headers.get("HX-Current-URL", "")
    after = page if url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()) else "/"
    return HttpResponse(status=204, headers={"HX-Redirect": f"{reverse('login')}?{urlencode({'next': after})}"})
