"""Who is signed in in the browser that opens a public page. Reads only: these pages keep no session and set no cookie."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest


def signed_in_user(request: HttpRequest) -> int | None:
    """The number of the user whose session the browser brings along; None for all but our own people, without a question to the database."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user.pk if user.is_authenticated else None
