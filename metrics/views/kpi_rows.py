"""The rows behind a figure as a page and as CSV. Readers of figures alone find nothing here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from accounts.actions.exports import record_export
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from metrics.catalogue import form
from metrics.catalogue.asked import Asked
from metrics.catalogue.rows import PART, SIDES, exported, kpi_rows
from metrics.kpis.catalogue import CATALOGUE, told
from metrics.kpis.engine import WrongQuestion
from metrics.kpis.rows import why_no_rows


def _asked(request: SignedInRequest, name: str) -> tuple[Asked, str]:
    """What is asked and which side. Raises Http404 for another KPI, another side, and for readers of figures alone."""
    side = request.GET.get("side", "")
    if name not in CATALOGUE or request.user.role == Role.ANALYST or (side not in ("", *SIDES) and not side.startswith(PART)):
        raise Http404
    return Asked.read(name, request.GET, now=read_clock()), side


@login_required
@require_GET
def rows(request: SignedInRequest, name: str) -> HttpResponse:
    """One page of the rows that the figure counts; their sum is the figure's."""
    asked, side = _asked(request, name)
    after = request.GET.get("after", "")
    page, fault = None, " ".join(asked.faults.values())
    if not fault:
        try:
            page = kpi_rows(asked, user=request.user, now=read_clock(), side=side, after=after)
        except WrongQuestion as wrong:
            fault = str(wrong)
    variant = asked.variant or asked.kpi.variants[0]
    # a figure that is a calculation has none, and that is an answer
    reason, inputs = why_no_rows(name, variant), asked.query(variant="", by="", compare="", params={}, filters={})
    context: dict[str, Any] = {
        "asked": asked,
        "kpi": asked.kpi,
        "page": page,
        "fault": "" if page else reason or fault,
        "inputs": [] if page else [(CATALOGUE[one].title, f"{reverse('metrics:kpi', args=[one])}?{inputs}") for one in told(name).inputs],
        "side": side,
        "part": side.removeprefix(PART) if side.startswith(PART) else "",
        "variant": page.figure["variant"] if page else variant,
        "narrowed": form.narrowed_by(asked),
        "back": f"{reverse('metrics:kpi', args=[name])}?{asked.query()}",
        "sides": [(one, f"?{asked.query(extra={'side': one})}") for one in ("", *SIDES)],
        "next": f"?{asked.query(extra={'side': side, 'after': page.next_after})}" if page and page.next_after else "",
        "first": f"?{asked.query(extra={'side': side})}" if after else "",
        "csv": f"{reverse('metrics:kpi_rows_csv', args=[name])}?{asked.query(extra={'side': side})}" if page else "",
    }
    return render(request, "metrics/kpi_rows.html", context, status=200 if page or (reason and not asked.faults) else 400)


@login_required
@require_GET
def rows_csv(request: SignedInRequest, name: str) -> HttpResponse | StreamingHttpResponse:
    """All the rows as CSV; who took them out is written down."""
    asked, side = _asked(request, name)
    if asked.faults:
        raise Http404
    now = read_clock()
    try:
        head, lines = exported(asked, user=request.user, now=now, side=side)
    except WrongQuestion:
        raise Http404 from None
    record_export(actor=request.user, what=f"rows of {name}", title=str(asked.kpi.title), choices=asked.query(extra={"side": side}), now=now)
    response = StreamingHttpResponse(csv_lines(head, lines, get_language() or "en"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-rows-{timezone.localdate(read_clock()):%Y-%m-%d}.csv"'
    return response
