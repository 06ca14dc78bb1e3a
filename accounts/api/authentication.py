"""`Authorization: Bearer csk_…`: the key acts for its user."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.actions.api_keys import find_key, note_use
from accounts.models import ApiKey, User
from accounts.queries.clock import read_clock


class KeyAuthentication(BaseAuthentication):
    """A key is taken from the header alone, never from the address."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """The user and the key; None without a header. Raises AuthenticationFailed."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        now = read_clock()
        token = parts[1].decode("ascii", "replace") if len(parts) == 2 else ""
        key = find_key(token=token, now=now)
        if key is None:
            raise AuthenticationFailed(_("The key is unknown, revoked or over."), "invalid_key")
        note_use(key=key, now=now)
        return key.user, key

    def authenticate_header(self, request: Any) -> str:
        """For 401."""
        return 'Bearer realm="Vefa API"'
