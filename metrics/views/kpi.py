"""The page of one KPI: form, figure, variants, target; the change of its target."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Segment, User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics.actions.kpi_settings import SETS_TARGETS, set_target
from metrics.catalogue import form, targets
from metrics.catalogue.asked import FUNNEL, Asked
from metrics.catalogue.page import KpiPage, kpi_page, variants
from metrics.kpis.catalogue import CATALOGUE, told
from metrics.kpis.engine import WrongQuestion
from metrics.kpis.told import GROUPS, names, sources
from metrics.views.chart_files import chart_file


@login_required
@require_GET
def kpi(request: SignedInRequest, name: str) -> HttpResponseBase:
    """One KPI: what it means, the figure, its sides, parts, months, groups; variants load after it."""
    now = read_clock()
    read = _asked(name, request.GET, now)
    asked = form.with_funnel(read, request.GET.get(FUNNEL, ""), request.GET.get("funnel_shown", ""))
    if asked is not read and not asked.faults:
        return redirect(f"{reverse('metrics:kpi', args=[name])}?{asked.query()}")
    page, fault = _page(asked, request.user, now)
    if page is not None:
        taken_out = chart_file(request, [page.chart])
        if taken_out is not None:
            return taken_out
    return render(request, "metrics/kpi.html", _context(request, asked, page, fault, now), status=200 if page else 400)


def _asked(name: str, query: QueryDict, now: dt.datetime) -> Asked:
    if name not in CATALOGUE:
        raise Http404
    return Asked.read(name, query, now=now)


def _page(asked: Asked, user: User, now: dt.datetime) -> tuple[KpiPage | None, str]:
    """The figure, or what is wrong with the question beside the faults at its fields."""
    if asked.faults:
        return None, ""
    try:
        return kpi_page(asked, user=user, now=now), ""
    except WrongQuestion as wrong:
        return None, str(wrong)


def _context(request: SignedInRequest, asked: Asked, page: KpiPage | None, fault: str, now: dt.datetime) -> dict[str, Any]:
    entry = asked.kpi
    said = told(entry.name)
    given = set(asked.params)
    return {
        "asked": asked,
        "kpi": entry,
        "told": said,
        "page": page,
        "fault": fault,
        "sees_rows": request.user.role != Role.ANALYST,
        "group": GROUPS[said.group],
        "kind": names.KINDS[entry.kind],
        "timing": names.TIMINGS[entry.timing],
        "good": names.GOOD[entry.good],
        "unit": names.UNITS[entry.unit],
        "sources": sources(said),
        "variant": asked.variant or (page.figure["variant"] if page else entry.variants[0]),
        "segments": form.segments(),
        "dimensions": form.dimensions(entry),
        "intervals": names.INTERVALS.items(),
        "compares": names.COMPARE.items(),
        "params": form.params(asked),
        "funnel": form.funnel(asked),
        "open_params": bool(given) or any(key.startswith("param.") for key in asked.faults),
        "filters": form.filters(asked),
        "open_filters": bool(asked.filters or asked.as_of or "as_of" in asked.faults or asked.interval != "month"),
        "group_names": form.named(asked.by, [line.name for line in page.groups]) if page and asked.by else {},
        "variants_url": f"{reverse('metrics:kpi_variants', args=[entry.name])}?{asked.query(by='', compare='')}" if len(entry.variants) > 1 and page else "",
        "sets_targets": request.user.role in SETS_TARGETS,
        "target": target_form(asked, {}, now) if request.user.role in SETS_TARGETS else None,
        "history": targets.history(entry.name),
        "clear": reverse("metrics:kpi", args=[entry.name]),
    }


@login_required
@require_GET
def kpi_variants(request: SignedInRequest, name: str) -> HttpResponse:
    """The variants side by side, over the same period."""
    now = read_clock()
    asked = _asked(name, request.GET, now)
    if asked.faults:
        return HttpResponse(status=400)
    try:
        found = variants(asked, user=request.user, now=now)
    except WrongQuestion as wrong:
        return render(request, "metrics/_support_fault.html", {"fault": str(wrong)}, status=422)
    return render(request, "metrics/_kpi_variants.html", {"variants": found, "kpi": asked.kpi})


def target_form(asked: Asked, typed: dict[str, str], now: dt.datetime, faults: dict[str, str] | None = None) -> dict[str, Any]:
    """What the form of a target shows: what was typed, else what is in force."""
    kpi = asked.kpi
    variant = typed.get("variant", asked.variant if asked.variant != kpi.variants[0] else "")
    found = targets.of(targets.in_force(targets.today_of(now), kpi.name), kpi, variant or kpi.variants[0], asked.segment or None)
    unit = targets.default_unit(kpi.name, variant)
    return {
        "variant": variant,
        "segment": typed.get("segment", asked.segment),
        "target": typed.get("target", targets.typed(unit, found.target)),
        "warn": typed.get("warn", targets.typed(unit, found.warn)),
        "owner": typed.get("owner", str(found.owner.pk) if found.owner else ""),
        "note": typed.get("note", found.note),
        "valid_from": typed.get("valid_from", targets.today_of(now).isoformat()),
        "suffix": targets.suffix(unit),
        "owners": [(str(pk), name or email) for pk, name, email in User.objects.filter(is_active=True).order_by("name", "pk").values_list("pk", "name", "email")[:500]],
        "faults": faults or {},
    }


@login_required
@require_POST
def kpi_target(request: SignedInRequest, name: str) -> HttpResponse:
    """Writes a target from a day on; admins and managers. Faults come back at their fields with what was typed."""
    now = read_clock()
    if name not in CATALOGUE:
        raise Http404
    if request.user.role not in SETS_TARGETS:
        raise PermissionDenied
    asked = Asked.read(name, QueryDict(""), now=now)
    typed = {key: request.POST.get(key, "").replace("\x00", "").strip()[:300] for key in ("variant", "segment", "target", "warn", "owner", "note", "valid_from")}
    faults, values = _typed_target(asked, typed)
    if not faults:
        try:
            set_target(kpi=name, variant=typed["variant"], note=typed["note"], actor=request.user, **values)
        except ValidationError as wrong:
            faults = {key: " ".join(told_why) for key, told_why in wrong.message_dict.items()}
    if faults:
        page, _fault = _page(asked, request.user, now)
        return render(request, "metrics/kpi.html", _context(request, asked, page, "", now) | {"target": target_form(asked, typed, now, faults), "open_target": True}, status=422)
    messages.success(request, _("The target is saved."))
    query = f"?{asked.query(variant=typed['variant'], segment=typed['segment'])}" if typed["variant"] or typed["segment"] else ""
    return redirect(f"{reverse('metrics:kpi', args=[name])}{query}")


def _typed_target(asked: Asked, typed: dict[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """(faults by field, values) of a typed target."""
    faults: dict[str, str] = {}
    values: dict[str, Any] = {"segment": None, "owner": None}
    if typed["variant"] and typed["variant"] not in asked.kpi.variants:
        faults["variant"] = _("There are: %(names)s.") % {"names": ", ".join(asked.kpi.variants)}
        return faults, values
    if typed["variant"] == asked.kpi.variants[0]:
        typed["variant"] = ""
    unit = targets.default_unit(asked.kpi.name, typed["variant"])
    for field in ("target", "warn"):
        values[field] = Decimal(0)
        try:
            values[field] = targets.read_typed(unit, typed[field])
        except ValueError as wrong:
            faults[field] = str(wrong)
    if typed["segment"]:
        values["segment"] = Segment.objects.filter(key=typed["segment"]).first()
        if values["segment"] is None:
            faults["segment"] = _("There is no such segment.")
    if typed["owner"]:
        values["owner"] = User.objects.filter(pk=int(typed["owner"]), is_active=True).first() if typed["owner"].isdecimal() and len(typed["owner"]) < 19 else None
        if values["owner"] is None:
            faults["owner"] = _("There is no such person.")
    try:
        values["valid_from"] = dt.date.fromisoformat(typed["valid_from"])
    except ValueError:
        faults["valid_from"] = _("A day, as 2026-03-31.")
    return faults, values
