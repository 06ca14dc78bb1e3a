"""What a key may do: its scopes first, its user's role second."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.scopes import covers


class ScopePermission(BasePermission):
    """Asks the view for the scope of the method (`scope_for`) and for the roles that may write (`writers`)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raises NotAuthenticated (401) without a key, PermissionDenied (403) naming what lacks."""
        if request.auth is None:
            raise NotAuthenticated(_("Send an API key as Authorization: Bearer csk_…"))
        if not hasattr(view, (request.method or "").lower()):
            # the dispatcher answers 405
            return True
        needed = view.scope_for(request.method)
        if needed and not covers(request.auth.scopes, needed):  # type: ignore[union-attr]
            raise PermissionDenied(_("The key lacks the scope %(scope)s.") % {"scope": needed}, "insufficient_scope")
        if request.method not in SAFE_METHODS and view.writers is not None and request.user.role not in view.writers:  # type: ignore[union-attr]
            raise PermissionDenied(_("The role of the key's user does not write this."), "role")
        return True
