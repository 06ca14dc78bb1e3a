"""The catalogue of KPIs: all of them by group, searched as one types; values and contradictions load after it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from metrics.catalogue import overview
from metrics.dashboards import last_months
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.told import GROUPS


@login_required
@require_GET
def catalogue(request: SignedInRequest) -> HttpResponse:
    """The page; asked for by the search field it answers with the list alone."""
    text = request.GET.get("q", "").strip()[:100]
    context = {"groups": overview.groups(text), "q": text, "count": len(CATALOGUE), "start": last_months(read_clock(), 1)[0]}
    return render(request, "metrics/_catalogue_list.html" if request.htmx and request.htmx.target == "catalogue" else "metrics/catalogue.html", context)


@login_required
@require_GET
def values(request: SignedInRequest, group: str) -> HttpResponse:
    """The lines of one group with their values of the last closed month."""
    if group not in GROUPS:
        raise Http404
    found = next((one for one in overview.groups(request.GET.get("q", "").strip()) if one.key == group), None)
    entries = overview.with_values(found.entries, user=request.user, now=read_clock()) if found else []
    return render(request, "metrics/_catalogue_rows.html", {"entries": entries, "loaded": True})


@login_required
@require_GET
def contradictions(request: SignedInRequest) -> HttpResponse:
    """What is counted in several ways, side by side."""
    return render(request, "metrics/_catalogue_contradictions.html", {"contradictions": overview.contradictions(user=request.user, now=read_clock())})
