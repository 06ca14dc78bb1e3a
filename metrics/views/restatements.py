"""The page of restatements: what became of closed months, and why; its export."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.exports import record_export
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from metrics.kpis.catalogue import CATALOGUE
from metrics.models import ClosedMonth, Restatement
from metrics.months import FAMILIES, SETTLING
from metrics.restated import Wanted, choices, closed_months, exported, header, may_see, page_of, segment_names, title_of


def _wanted(request: SignedInRequest) -> Wanted:
    if not may_see(request.user):
        raise PermissionDenied
    return Wanted.read(request.GET.dict())


@login_required
@require_GET
def restatements(request: SignedInRequest) -> HttpResponse:
    """The list with its filters; of one KPI also its months as first closed and now."""
    wanted = _wanted(request)
    here = reverse("metrics:restatements")
    page = page_of(request.user, wanted)
    context = {
        "page": page,
        "wanted": wanted,
        "choices": choices(),
        "chosen_month": f"{wanted.month:%Y-%m}" if wanted.month else "",
        "closed": closed_months(wanted.kpi, segment="" if wanted.segment == "all" else wanted.segment) if wanted.kpi else [],
        "title": title_of(wanted.kpi) if wanted.kpi else "",
        "last": ClosedMonth.objects.order_by("-month").first(),
        "settling_days": SETTLING.days,
        "opens_imports": request.user.role == Role.ADMIN,
        "next": f"{here}?{wanted.query(page.next_after)}" if page.next_after else "",
        "first": f"{here}?{wanted.query()}" if wanted.after is not None else "",
        "export": f"{reverse('metrics:restatements_csv')}?{wanted.query()}",
    }
    return render(request, "metrics/restatements.html", context)


@login_required
@require_GET
def closed_panel(request: SignedInRequest, name: str) -> HttpResponse:
    """The closed months of a KPI as a fragment for its page; nothing where none is kept or the reader sees a part of the base only."""
    if name not in CATALOGUE:
        raise Http404
    segment = request.GET.get("segment", "")[:60]
    closed = closed_months(name, segment=segment) if may_see(request.user) and name in FAMILIES else []
    if not closed:
        return HttpResponse()
    address = f"{reverse('metrics:restatements')}?{Wanted(kpi=name, segment=segment).query()}"
    return render(request, "metrics/_closed_panel.html", {"closed": closed, "who": segment_names().get(segment, segment), "restatements": address})


@login_required
@require_POST
def restatements_csv(request: SignedInRequest) -> StreamingHttpResponse:
    """The list as a file; a POST, since it leaves an entry in the log."""
    wanted, now = _wanted(request), read_clock()
    record_export(actor=request.user, what="restatements", title="restatements", about=Restatement, choices=wanted.query(), now=now)
    response = StreamingHttpResponse(csv_lines(header(), exported(request.user, wanted), get_language() or "en"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="restatements-{timezone.localdate(now):%Y-%m-%d}.csv"'
    return response
