"""The request of a signed-in reader, as the middleware and `login_required` leave it."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class SignedInRequest(HttpRequest):
    """For annotations only: `user` is one of ours, `htmx` says whether a fragment is asked for."""

    user: User  # type: ignore[assignment]
    htmx: HtmxDetails
