"""Segments: their order, size, money and time; one of them with its history; the editor with its preview."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import wording
from accounts.models import Segment
from accounts.queries.clock import read_clock
from accounts.queries.effort import effort_by_segment
from accounts.queries.rule_matches import names_of_rows
from accounts.roles import Role
from accounts.rules import RuleFault, sentence
from accounts.rules.telling import Names
from accounts.signed_in import SignedInRequest
from metrics.actions.segment_rules import Refused, StaleSegment, change_segment, delete_segment, make_segment, move_segment
from metrics.charts import Chart, Series
from metrics.charts import lines as line_chart
from metrics.charts.chart import HALF
from metrics.forms.segments import SegmentForm, initial_of
from metrics.segments import standing
from metrics.segments.preview import preview, with_change
from metrics.segments.reading import read_rule
from metrics.segments.sizes import Size, history, sizes_now
from metrics.tasks import segments as sweep
from metrics.views.chart_files import chart_file
from metrics.views.segment_preview import shown, tried

# whoever reads figures of the whole base; the rules are made by those who lead
READS = frozenset({Role.ADMIN, Role.MANAGER, Role.VIEWER, Role.ANALYST})
WRITES = frozenset({Role.ADMIN, Role.MANAGER})
HISTORY_DAYS = 90
NOTHING = Size(0, 0)


def _reads(request: SignedInRequest) -> None:
    if request.user.role not in READS:
        raise PermissionDenied


def _writes(request: SignedInRequest) -> None:
    if request.user.role not in WRITES:
        raise PermissionDenied


def _said(segment: Segment, names: Names) -> dict[str, str]:
    """The rule in words, or why it cannot be read."""
    if segment.rule is None:
        return {"words": "", "fault": ""}
    try:
        return {"words": sentence(read_rule(segment.rule), names), "fault": ""}
    except RuleFault as fault:
        return {"words": "", "fault": str(fault)}


def _month_start(now: dt.datetime) -> dt.datetime:
    return now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _efforts(now: dt.datetime) -> dict[str, dict[str, Any]]:
    """Of each segment's key the minutes logged this month and their share of all; and whether that is over the plan by a tenth and more."""
    found = effort_by_segment(people=None, since=_month_start(now), now=now)
    total = sum(entry.minutes for entry in found)
    told = {}
    for entry in found:
        share = entry.minutes / total if total else None
        over = share is not None and entry.planned is not None and share > float(entry.planned) * 1.1
        told[entry.key] = {"minutes": entry.minutes, "share": share, "over": over, "width": min(100.0, 100 * (share or 0)), "mark": min(99.5, 100 * float(entry.planned or 0))}
    return told


def _charts(wanted: Mapping[int | None, str], now: dt.datetime, *, width: int) -> list[Chart]:
    """MRR and accounts over the last 90 days, a line a segment."""
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    found = history(until=today, days=HISTORY_DAYS, segments=wanted)
    steps = [wording.short_day(day) for day in found.days]
    empty = _("Nothing is kept yet: the size of every segment is written down once a day.")
    note = _("As kept once a day; without customers who left and test accounts.")
    common: dict[str, Any] = {"steps": steps, "head": _("Day"), "zero": True, "width": width, "empty": empty, "note": note}
    return [
        line_chart(name="segment-mrr", title=_("MRR"), series=[Series(word, found.mrr[key]) for key, word in wanted.items()], unit="money", **common),
        line_chart(name="segment-accounts", title=_("Accounts"), series=[Series(word, found.accounts[key]) for key, word in wanted.items()], unit="count", **common),
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@require_GET
@login_required
def segments(request: SignedInRequest) -> HttpResponseBase:
    """All segments in the order in which their rules are asked, with what each takes of the base, of MRR and of time."""
    _reads(request)
    now = read_clock()
    rows = list(Segment.objects.order_by("position", "pk"))
    charts = _charts({row.pk: wording.segment_name(row) for row in rows}, now, width=HALF)
    if (file := chart_file(request, charts)) is not None:
        return file
    sizes, efforts, names = sizes_now(now=now), _efforts(now), names_of_rows()
    accounts, mrr = sum(size.accounts for size in sizes.values()), sum(size.mrr_micros for size in sizes.values())
    entries = []
    for row in rows:
        size = sizes.get(row.pk, NOTHING)
        entries.append(
            {
                "segment": row, "size": size, "share": _share(size.accounts, accounts), "mrr_share": _share(size.mrr_micros, mrr), "effort": efforts.get(row.key),
                **_said(row, names),
            }
        )  # fmt: skip
    without = sizes.get(None, NOTHING)
    planned = sum(row.effort_share for row in rows if row.effort_share is not None)
    context = {
        "entries": entries, "without": without, "without_share": _share(without.accounts, accounts), "without_mrr_share": _share(without.mrr_micros, mrr),
        "accounts": accounts, "mrr": mrr, "charts": charts, "progress": standing.progress(), "writes": request.user.role in WRITES, "planned": planned,
        "overplanned": planned > 1, "minutes": sum(entry["minutes"] for entry in efforts.values()), "month": wording.month(now), "sees_rows": request.user.role != Role.ANALYST,
        "currency": settings.REPORTING_CURRENCY,
    }  # fmt: skip
    return render(request, "metrics/segments.html", context)


@require_GET
@login_required
def segment_progress(request: SignedInRequest) -> HttpResponse:
    """How far everybody is placed after a change; asks again until it is over."""
    _reads(request)
    return render(request, "metrics/_segment_progress.html", {"progress": standing.progress()})


@require_GET
@login_required
def segment(request: SignedInRequest, key: str) -> HttpResponseBase:
    """One segment: its rule in words, size and MRR over time, members, who holds whom there."""
    _reads(request)
    row, now = get_object_or_404(Segment, key=key), read_clock()
    charts = _charts({row.pk: wording.segment_name(row)}, now, width=HALF)
    if (file := chart_file(request, charts)) is not None:
        return file
    sizes = sizes_now(now=now)
    size = sizes.get(row.pk, NOTHING)
    sees_rows = request.user.role != Role.ANALYST
    held = list(standing.overrides(request.user, now=now, segment=row)[: standing.MEMBERS + 1]) if sees_rows else []
    context = {
        "segment": row, "size": size, "share": _share(size.accounts, sum(one.accounts for one in sizes.values())), "charts": charts,
        "mrr_share": _share(size.mrr_micros, sum(one.mrr_micros for one in sizes.values())), "effort": _efforts(now).get(row.key), "month": wording.month(now),
        "members": standing.members(request.user, row) if sees_rows else [], "held": held[: standing.MEMBERS], "more_held": len(held) > standing.MEMBERS,
        "sees_rows": sees_rows, "writes": request.user.role in WRITES, "progress": standing.progress(), **_said(row, names_of_rows()),
    }  # fmt: skip
    return render(request, "metrics/segment.html", context)


@require_GET
@login_required
def segment_overrides(request: SignedInRequest) -> HttpResponse:
    """Everything that holds an account in a segment over the rules: what, who, why, until when."""
    if request.user.role in {Role.ANALYST, Role.AGENT}:
        raise PermissionDenied
    rows = standing.overrides(request.user, now=read_clock())
    after = request.GET.get("after", "")
    if after.isdecimal() and len(after) < 19:
        rows = rows.filter(pk__lt=int(after))
    found = list(rows[: standing.PAGE + 1])
    more = found[standing.PAGE - 1].pk if len(found) > standing.PAGE else None
    return render(
        request, "metrics/segment_overrides.html", {"rows": found[: standing.PAGE], "more": more, "writes": request.user.role in WRITES, "reads": request.user.role in READS}
    )


# ── The editor ───────────────────────────────────────────────────────────────


@login_required
@require_http_methods(["GET", "POST"])
def segment_edit(request: SignedInRequest, key: str = "") -> HttpResponse:
    """Makes or changes a segment; `do=preview` shows what the typed rule would do and saves nothing."""
    _writes(request)
    row = get_object_or_404(Segment, key=key) if key else None
    now, status, conflict, found = read_clock(), 200, None, None
    form = SegmentForm(initial=initial_of(row))
    if request.method == "POST":
        form = SegmentForm(request.POST)
        if not form.is_valid():
            status = 200 if form.goes_on else 422
        elif request.POST.get("do") == "preview":
            found = shown(request, preview(with_change(segment=row, rule=form.cleaned_data["rule"]), now=now), segment=row, rule=form.cleaned_data["rule"], now=now)
        else:
            try:
                saved = _save(request, row, form, now)
            except Refused as refused:
                form.add_error({"effort_share": "effort"}.get(refused.field, refused.field), str(refused))
                status = 422
            except StaleSegment:
                # what was typed stays; saving once more puts it over the other's
                conflict, status = get_object_or_404(Segment, key=key), 409
            else:
                return saved
    context = {
        "segment": row, "form": form, "found": found, "conflict": conflict, "version": conflict.version if conflict else request.POST.get("version", row.version if row else ""),
        "conflict_words": _said(conflict, names_of_rows())["words"] if conflict else "", "try": request.POST.get("try", ""),
        "tried": tried(request, row, form.cleaned_data["rule"], now=now) if found is not None else None,
        "unreadable": _said(row, names_of_rows())["fault"] if row and request.method == "GET" else "", "currency": settings.REPORTING_CURRENCY,
    }  # fmt: skip
    return render(request, "metrics/segment_edit.html", context, status=status)


def _save(request: SignedInRequest, row: Segment | None, form: SegmentForm, now: dt.datetime) -> HttpResponse:
    fields: dict[str, Any] = {
        "name": form.cleaned_data["name"], "description": form.cleaned_data["description"], "rule": form.cleaned_data["rule"], "effort_share": form.effort_share(),
        "actor": request.user, "now": now,
    }  # fmt: skip
    if row is None:
        saved = make_segment(**fields)
    else:
        version = request.POST.get("version", "")
        saved = change_segment(segment=row, version=int(version) if version.isdecimal() and len(version) < 10 else 0, **fields)
    _nudge()
    messages.success(request, _("Saved. Accounts move as soon as the sweep has gone through them."))
    return redirect("segments:segment", key=saved.key)


def _nudge() -> None:
    """Wakes the sweep; the beat would within 20 seconds."""
    sweep.delay_on_commit()  # type: ignore[attr-defined]


@login_required
@require_POST
def segment_move(request: SignedInRequest, key: str) -> HttpResponse:
    """Asks a segment one place earlier or later."""
    _writes(request)
    row = get_object_or_404(Segment, key=key)
    if move_segment(segment=row, up=request.POST.get("way") == "up", actor=request.user, now=read_clock()):
        _nudge()
    return redirect(f"{reverse('segments:list')}#s-{row.key}")


@login_required
@require_POST
def segment_delete(request: SignedInRequest, key: str) -> HttpResponse:
    """Deletes a segment that nobody is or was in."""
    _writes(request)
    row = get_object_or_404(Segment, key=key)
    try:
        delete_segment(segment=row, actor=request.user, now=read_clock())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("segments:segment", key=row.key)
    _nudge()
    messages.success(request, _("“%(name)s” is deleted.") % {"name": wording.segment_name(row)})
    return redirect("segments:list")
