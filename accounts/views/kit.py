"""The page of states: every component as it can look."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest


@require_GET
@login_required
def kit(request: SignedInRequest) -> HttpResponse:
    """For admins, and for everybody while DEBUG is on."""
    if not settings.DEBUG and request.user.role != Role.ADMIN:
        raise Http404
    now = read_clock()
    context = {
        "falling": [6600, 6600, 6500, 6600, 6600, 6100, 6000, 6400, 5900, None, 6100, 5500, 5500, 5000, 4900, 4200, 4200, 3800],
        "rising": [7600, 7700, 7800, 7700, 7900, 8000, 8200, 8800],
        "moments": [now, now - dt.timedelta(minutes=12), now - dt.timedelta(days=13), timezone.localdate(read_clock()) + dt.timedelta(days=27)],
    }
    return render(request, "accounts/kit.html", context)
