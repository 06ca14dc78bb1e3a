"""The page of one KPI."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.signed_in import SignedInRequest
from metrics.dashboards import last_months
from metrics.kpi_page import kpi_page
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import WrongQuestion


@login_required
@require_GET
def kpi(request: SignedInRequest, name: str) -> HttpResponse:
    """One KPI: meaning, figure, numerator and denominator, months, breakdown."""
    if name not in CATALOGUE:
        raise Http404
    now = timezone.now()
    start, end = last_months(now)
    start, end = request.GET.get("start") or start, request.GET.get("end") or end
    entry, fault, page = CATALOGUE[name], "", None
    try:
        page = kpi_page(
            name, variant=request.GET.get("variant") or None, by=request.GET.get("by") or None, start=start, end=end, user=request.user, now=now,
            clock=request.GET.get("clock") or None,
        )  # fmt: skip
    except WrongQuestion as wrong:
        fault = str(wrong)
    context = {
        "page": page,
        "kpi": entry,
        "fault": fault,
        "start": start,
        "end": end,
        "by": request.GET.get("by", ""),
        "variant": request.GET.get("variant", "") or entry.variants[0],
        "clock": request.GET.get("clock", "") or entry.params["clock"].default if "clock" in entry.params else "",
        "has_clock": "clock" in entry.params,
    }
    return render(request, "metrics/kpi.html", context, status=400 if fault else 200)
