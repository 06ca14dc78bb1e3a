"""The list of accounts whose score moved."""

from __future__ import annotations

import zoneinfo
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.models import Segment
from accounts.queries.clock import read_clock
from accounts.queries.work_filter import reader_of
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest
from metrics.forms.moved import DAYS, POINTS, MovedForm
from metrics.health.moved import moved as moved_accounts

READS = WRITES_ACCOUNTS | {Role.VIEWER}


@login_required
@require_GET
def moved(request: SignedInRequest) -> HttpResponse:
    """Accounts of the reader's books whose score moved by at least so many points, most at stake first."""
    if request.user.role not in READS:
        raise Http404
    now = read_clock()
    reader = reader_of(request.user, now=now)
    form = MovedForm({"points": POINTS, "days": DAYS, **request.GET.dict()})
    context: dict[str, Any] = {"form": form, "found": None}
    status = 400
    if form.is_valid():
        status = 200
        today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
        found = moved_accounts(owners=reader.books, today=today, after=request.GET.get("after", ""), **form.values)  # type: ignore[arg-type]
        segments = Segment.objects.in_bulk()
        query = {name: value for name, value in form.values.items() if value}
        context |= {
            "found": found, "rows": [{"row": row, "segment": segments.get(row.segment_id or 0), "up": row.points > 0, "size": abs(row.points)} for row in found.rows],
            "next_url": f"{reverse('moved')}?{urlencode({**query, 'after': found.after})}" if found.after else "", "points": form.values["points"],
            "days": form.values["days"], "first_url": f"{reverse('moved')}?{urlencode(query)}" if request.GET.get("after") else "",
        }  # fmt: skip
    return render(request, "metrics/moved.html", context, status=status)
