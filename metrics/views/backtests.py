"""Backtests: asked for, listed, followed while they run, read, and their weights taken as a draft."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics.actions.backtests import OpenDraft, ask, draft_from
from metrics.backtest.page import page_of
from metrics.backtest.question import say_refusal
from metrics.forms.backtests import BacktestForm
from metrics.kpis.question import add_months
from metrics.models import BacktestRun
from metrics.tasks import backtests as work_off
from metrics.views.chart_files import chart_file

WRITES = frozenset({Role.ADMIN, Role.MANAGER})
SHOWN = 50
# how far back the form looks at first
MONTHS = 12


def may_read(user: User) -> bool:
    """Figures of the whole base without rows of accounts: everybody but agents."""
    return user.role != Role.AGENT


def _reader(request: SignedInRequest) -> User:
    if not may_read(request.user):
        raise PermissionDenied
    return request.user


def _writer(request: SignedInRequest) -> User:
    if request.user.role not in WRITES:
        raise PermissionDenied
    return request.user


@login_required
@require_http_methods(["GET", "POST"])
def backtests(request: SignedInRequest) -> HttpResponse:
    """The past runs and the form for another one."""
    user, now = _reader(request), read_clock()
    today = timezone.localdate(now)
    first: dt.date = add_months(today.replace(day=1), -MONTHS)
    form = BacktestForm(request.POST or None, now=now, initial={"start": first, "end": today})
    if request.method == "POST":
        _writer(request)
        if form.is_valid():
            data = form.cleaned_data
            row = ask(model=data["model"], start=data["start"], end=data["end"], horizon_days=data["horizon_days"], user=user, now=now)
            work_off.delay_on_commit(row.pk)  # type: ignore[attr-defined]
            return redirect("metrics:backtest", pk=row.pk)
    runs = BacktestRun.objects.select_related("made_by")[:SHOWN]
    context = {"form": form, "runs": [_listed(row) for row in runs], "writes": user.role in WRITES}
    return render(request, "metrics/backtests.html", context, status=400 if form.errors else 200)


def _listed(row: BacktestRun) -> dict[str, object]:
    return {"row": row, "auc": row.figures.get("auc", {}), "refusal": say_refusal(row.refusal)}


@login_required
@require_GET
def backtest(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """One run: how far it is, why it was refused, or its figures."""
    user = _reader(request)
    row = get_object_or_404(BacktestRun.objects.select_related("made_by", "model"), pk=pk)
    context = {"row": row, "figures": row.figures, "refusal": say_refusal(row.refusal), "writes": user.role in WRITES}
    if row.status == BacktestRun.Status.DONE:
        page = page_of(row)
        answer = chart_file(request, page.charts.values())
        if answer is not None:
            return answer
        context["page"] = page
    waits = row.status in {BacktestRun.Status.QUEUED, BacktestRun.Status.RUNNING}
    if request.htmx and not waits:
        # what was followed is over: the page shows it
        response = HttpResponse()
        response["HX-Refresh"] = "true"
        return response
    return render(request, "metrics/_backtest_progress.html" if request.htmx else "metrics/backtest.html", context | {"waits": waits})


@login_required
@require_POST
def backtest_draft(request: SignedInRequest, pk: int) -> HttpResponse:
    """Takes the proposed weights as a new version that does not score until somebody activates it."""
    actor = _writer(request)
    row = get_object_or_404(BacktestRun, pk=pk)
    try:
        draft = draft_from(row=row, actor=actor, now=read_clock())
    except OpenDraft as fault:
        messages.error(request, _("%(model)s is open as a draft already. Activate it or throw it away first.") % {"model": fault.draft})
        return redirect("metrics:health_model", pk=fault.draft.pk)
    if draft is None:
        messages.error(request, _("This backtest proposes no weights for the model as it is now."))
        return redirect("metrics:backtest", pk=row.pk)
    messages.success(request, _("%(model)s was made with the proposed weights. It scores once it is activated.") % {"model": draft})
    return redirect("metrics:health_model", pk=draft.pk)
