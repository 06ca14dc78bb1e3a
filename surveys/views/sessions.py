"""Who is signed in in the browser that opens a public page. Reads only: these pages keep no session and set no cookie."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.models import User


def signed_in_user(request: HttpRequest) -> int | None:
    """The number of the user whose session the browser brings along; None for all but our own people, without a question to the database."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    number = str(session.get(SESSION_KEY, ""))
    user = User.objects.filter(pk=int(number), is_active=True).first() if number.isdecimal() else None
    # a session from before the password was changed is nobody's
    if user is None or not constant_time_compare(str(session.get(HASH_SESSION_KEY, "")), user.get_session_auth_hash()):
        return None
    return user.pk
