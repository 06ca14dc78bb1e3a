"""Pages of lifetimes: cohorts as a table of colours, the curve of tenures, lifetime value, the accounts behind a cell."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Segment
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics.lifetime_page import OPENED, SPANS, VARIANTS, LifetimeFilter, accounts_behind, cohort_table, tenure_page, value_lines


def _chosen(request: SignedInRequest) -> tuple[LifetimeFilter, list[Segment]]:
    segments = list(Segment.objects.all())
    return LifetimeFilter.read(request.GET.dict(), [segment.key for segment in segments]), segments


def _context(request: SignedInRequest, **more: Any) -> dict[str, Any]:
    chosen, segments = _chosen(request)
    sees_rows = request.user.role != Role.ANALYST
    return {"chosen": chosen, "segments": segments, "spans": SPANS, "variants": VARIANTS, "opened": OPENED if sees_rows else (), **more}


@login_required
@require_GET
def cohorts(request: SignedInRequest) -> HttpResponse:
    """The table of cohorts; tenure and value load after it."""
    context = _context(request)
    context["table"] = cohort_table(user=request.user, chosen=context["chosen"], now=timezone.now())
    return render(request, "metrics/cohorts.html", context)


@login_required
@require_GET
def tenure(request: SignedInRequest) -> HttpResponse:
    """The panel of tenures."""
    context = _context(request)
    context["page"] = tenure_page(user=request.user, chosen=context["chosen"], now=timezone.now())
    return render(request, "metrics/_tenure.html", context)


@login_required
@require_GET
def value(request: SignedInRequest) -> HttpResponse:
    """The panel of lifetime value."""
    context = _context(request)
    context["lines"] = value_lines(user=request.user, chosen=context["chosen"], now=timezone.now())
    return render(request, "metrics/_lifetime_value.html", context)


@login_required
@require_GET
def accounts(request: SignedInRequest) -> HttpResponse:
    """The accounts behind a cell. Analysts see no rows."""
    if request.user.role == Role.ANALYST:
        raise Http404
    context = _context(request)
    try:
        context["behind"] = accounts_behind(
            user=request.user, chosen=context["chosen"], cohort=request.GET.get("cohort", ""), cell=int(request.GET.get("cell", "")), now=timezone.now()
        )
    except ValueError:
        raise Http404 from None
    behind = context["behind"]
    context["sides"] = [(_("Still there"), behind.counts[0], behind.there), (_("Not there"), behind.counts[1], behind.gone)]
    return render(request, "metrics/cohort_accounts.html", context)
