"""Saved views of a page: one's own, and what others share."""

from __future__ import annotations

import re
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts.models import SavedView, User


def views_of(user: User, page: str) -> list[SavedView]:
    """One's own views and those shared by colleagues who are still here, by name; at most 200."""
    shared = Q(shared=True, owner__is_active=True)
    return list(SavedView.objects.filter(Q(owner=user) | shared, page=page).select_related("owner").order_by("name", "id")[:200])


def own_views(user: User) -> QuerySet[SavedView]:
    """The views that a person may rename or remove."""
    return SavedView.objects.filter(owner=user)


def readable(query: str) -> str:
    """A query string with its letters as they are, so that what is kept can be read, searched and blotted out."""
    pairs = [(key, value) for key, values in QueryDict(query).lists() for value in values]
    return "&".join(f"{key}={_SIGNS.sub(lambda sign: quote(sign[0], safe=''), value)}" for key, value in pairs)


# what would end a value or begin another one
_SIGNS = re.compile(r"[&=+#%;\x00-\x1f]")
