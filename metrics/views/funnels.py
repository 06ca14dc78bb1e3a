"""Funnels: the list, one with its steps, the accounts behind a step, and writing them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.work_items import StaleVersion
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics import words
from metrics.actions.funnels import remove_funnel, save_funnel
from metrics.filters import Filters, filter_bar, read_filters
from metrics.funnel_form import FunnelForm
from metrics.funnels.page import Asked, accounts_page, chart_of, for_conversion_rate, funnel_name, funnel_page, group_names, kind_words
from metrics.funnels.walks import BREAKDOWNS, SIDES
from metrics.kpis.question import WrongQuestion
from metrics.models import Funnel
from metrics.views.chart_files import chart_file
from metrics.voice.links import kpi_address

WRITES_FUNNELS = frozenset({Role.ADMIN, Role.MANAGER})
USUAL = "last_12_months"


def _by(request: SignedInRequest) -> str:
    by = request.GET.get("by", "")
    return by if by in BREAKDOWNS else ""


def _asked(filters: Filters, by: str) -> Asked:
    return Asked(filters.start, filters.end, filters.filters, filters.query(by=by))


@login_required
@require_GET
def funnels(request: SignedInRequest) -> HttpResponse:
    """All funnels with their steps."""
    rows = [(row, funnel_name(row), [kind_words(step.kind) for step in row.steps.all()]) for row in Funnel.objects.prefetch_related("steps")]
    return render(request, "metrics/funnels.html", {"funnels": rows, "may_write": request.user.role in WRITES_FUNNELS})


@login_required
@require_GET
def funnel(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """One funnel: its steps with their figures, and groups beside each other."""
    row = get_object_or_404(Funnel.objects.prefetch_related("steps"), pk=pk)
    now, by, address = read_clock(), _by(request), reverse("metrics:funnel", args=[pk])
    filters = read_filters(request, now=now, usual=USUAL)
    page, fault = None, ""
    if not filters.faults:
        rows_url = "" if request.user.role == Role.ANALYST else reverse("metrics:funnel_accounts", args=[pk])
        try:
            page = funnel_page(row, _asked(filters, by), by=by, user=request.user, now=now, rows_url=rows_url)
        except WrongQuestion as wrong:
            fault = str(wrong)
    chart = chart_of(page) if page else None
    file = chart_file(request, [chart] if chart else [])
    if file is not None:
        return file
    context = {
        "funnel": row,
        "name": funnel_name(row),
        "page": page,
        "chart": chart,
        "fault": fault,
        "filters": filters,
        "bar": filter_bar(filters, request.user, address=address, keep={"by": by}, without_compare=True),
        "by": by,
        "breakdowns": [(_("nothing"), f"{address}?{filters.query()}", not by), *((_name(each), f"{address}?{filters.query(by=each)}", each == by) for each in BREAKDOWNS)],
        "may_write": request.user.role in WRITES_FUNNELS,
        "kpi": _kpi(row, filters),
    }
    return render(request, "metrics/funnel.html", context, status=400 if fault or filters.faults else 200)


def _kpi(row: Funnel, filters: Filters) -> str:
    """The page of the KPI with the same numbers; empty for a funnel that it cannot ask."""
    offer = next((offer for offer in for_conversion_rate() if offer.pk == row.pk), None)
    more: dict[str, Any] = {f"param.{name}": value for name, value in offer.params.items()} if offer else {}
    return kpi_address("conversion_rate", filters, variant="funnel", **more) if offer else ""


def _name(by: str) -> str:
    return _("Month of the first step") if by == "month" else words.dimension(by)


@login_required
@require_GET
def funnel_accounts(request: SignedInRequest, pk: int) -> HttpResponse:
    """The accounts behind a figure of a step; analysts see figures alone."""
    row = get_object_or_404(Funnel.objects.prefetch_related("steps"), pk=pk)
    step, side, by = request.GET.get("step", ""), request.GET.get("side", "") or "reached", _by(request)
    now = read_clock()
    filters = read_filters(request, now=now, usual=USUAL)
    if request.user.role == Role.ANALYST or filters.faults or not (step.isascii() and step.isdecimal()) or side not in SIDES or len(step) > 2:
        raise Http404
    asked, key = _asked(filters, by), request.GET.get("key")
    try:
        page = accounts_page(
            row, asked, step=int(step), side=side, by=by if key is not None else "", key=key or "", after=request.GET.get("after", ""), user=request.user, now=now
        )  # fmt: skip
    except WrongQuestion:
        raise Http404 from None
    kinds = [one.kind for one in row.steps.all()]
    here, following = kind_words(kinds[int(step) - 1]), kind_words(kinds[int(step)]) if int(step) < len(kinds) else ""
    place: dict[str, Any] = {"step": step, "side": "" if side == "reached" else side, **({"key": key} if key is not None else {})}
    context = {
        "funnel": row,
        "name": funnel_name(row),
        "page": page,
        "step": here,
        "next_step": following,
        "side": side,
        "filters": filters,
        "group": f"{_name(by)}: {group_names(by, [key or '']).get(key or '', key or _('without'))}" if by and key is not None else "",
        "back": reverse("metrics:funnel", args=[pk]) + f"?{filters.query(by=by)}",
        "next": asked.link(**place, after=page.after) if page.after else "",
        "first": asked.link(**place) if request.GET.get("after") else "",
    }
    return render(request, "metrics/funnel_accounts.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def funnel_edit(request: SignedInRequest, pk: int = 0) -> HttpResponse:
    """Makes a funnel, or changes one."""
    if request.user.role not in WRITES_FUNNELS:
        raise PermissionDenied
    row = get_object_or_404(Funnel, pk=pk) if pk else None
    form = FunnelForm(request.POST if request.method == "POST" else None, funnel=row)
    conflict = False
    if request.method == "POST" and form.is_valid():
        number = request.POST.get("number", "")
        try:
            saved = save_funnel(
                funnel=row, name=form.cleaned_data["name"], window_days=form.cleaned_data["window_days"], stages=form.stages, actor=request.user,
                number=int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else None,
            )  # fmt: skip
        except StaleVersion:
            conflict = True
        except ValidationError as fault:
            form.add_error(None, fault)
        else:
            messages.success(request, _("Saved."))
            return redirect("metrics:funnel", saved.pk)
    number_now = row.number if row else ""
    context = {"form": form, "funnel": row, "name": funnel_name(row) if row else "", "conflict": conflict, "number": request.POST.get("number", number_now)}
    return render(request, "metrics/funnel_edit.html", context, status=409 if conflict else 200)


@login_required
@require_POST
def funnel_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Takes a funnel away. Events stay."""
    if request.user.role not in WRITES_FUNNELS:
        raise PermissionDenied
    row = get_object_or_404(Funnel, pk=pk)
    name = funnel_name(row)
    remove_funnel(funnel=row)
    messages.success(request, _("The funnel “%(name)s” is gone. What happened to accounts is kept.") % {"name": name})
    return redirect("metrics:funnels")
