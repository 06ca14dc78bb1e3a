"""What a playbook would have done in the past year, and what it changed: fragments that the pages of playbooks load."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Playbook, PlaybookVersion
from accounts.playbooks import PlaybookFaults
from accounts.queries.clock import read_clock
from accounts.queries.playbook_plans import plan_of
from accounts.roles import SEES_EVERYTHING
from accounts.signed_in import SignedInRequest
from accounts.wording import month
from metrics.charts import Chart, Series, bars
from metrics.dashboards import scope_of
from metrics.playbook_history.back_run import BackRun, back_run
from metrics.playbook_history.effect import ENOUGH, Effect, effect_of
from metrics.playbook_history.moments import CannotTell
from metrics.playbook_history.recovered import recovered
from metrics.views.chart_files import chart_file


def _playbook(request: SignedInRequest, key: str) -> Playbook:
    row = Playbook.objects.visible_to(request.user).filter(key=key).first()
    if row is None:
        raise Http404
    return row


def _version(row: Playbook, asked: str) -> PlaybookVersion | None:
    """The version asked for by its number; else the draft, else the newest one."""
    versions = list(row.versions.order_by("-number"))
    found = next((version for version in versions if asked.isdecimal() and version.number == int(asked)), None)
    return found or (versions[0] if versions else None)


@login_required
@require_GET
def playbook_back_run(request: SignedInRequest, key: str) -> HttpResponseBase:
    """How often the newest version (or `?version=`) would have started in twelve months, by month and by person."""
    row = _playbook(request, key)
    version = _version(row, request.GET.get("version", ""))
    context: dict[str, Any] = {"playbook": row, "version": version, "sees_people": request.user.role in SEES_EVERYTHING or request.user.role == "manager"}
    if version is None:
        return render(request, "metrics/_playbook_back_run.html", context)
    now = read_clock()
    try:
        found = back_run(plan=plan_of(version), now=now, scope=scope_of(request.user), churned_too=version.includes_churned, excluded_too=version.includes_excluded)
    except CannotTell:
        return render(request, "metrics/_playbook_back_run.html", context | {"by_hand": True})
    except PlaybookFaults as faults:
        return render(request, "metrics/_playbook_back_run.html", context | {"fault": faults.faults[0].message})
    chart = _months(found)
    answer = chart_file(request, [chart])
    return answer if answer is not None else render(request, "metrics/_playbook_back_run.html", context | {"found": found, "chart": chart})


def _months(found: BackRun) -> Chart:
    return bars(
        name="back-run", title=_("Runs it would have started, by month"), steps=[month(day) for day in found.months],
        series=[Series(_("Runs"), list(found.months.values()))], unit="count",
        partial=[len(found.months) - 1], empty=_("It would not have started once."), height=200,
    )  # fmt: skip


@login_required
@require_GET
def playbook_effect(request: SignedInRequest, key: str) -> HttpResponse:
    """Churn and health of the treated beside the held out, with intervals, and what that advises."""
    row, now = _playbook(request, key), read_clock()
    version = row.versions.filter(published_at__isnull=False).order_by("-number").first()
    scope = scope_of(request.user)
    context = {
        "playbook": row, "version": version, "found": effect_of(playbook_id=row.pk, now=now, scope=scope), "enough": ENOUGH,
        "money": recovered(playbook_id=row.pk, trigger=version.trigger if version else {}, now=now, scope=scope),
    }  # fmt: skip
    return render(request, "metrics/_playbook_effect.html", context)


@login_required
@require_GET
def playbook_effects(request: SignedInRequest) -> HttpResponse:
    """The cells "effect" of the list of playbooks, each for its own place on the page."""
    scope, now = scope_of(request.user), read_clock()
    cells: list[tuple[Playbook, Effect]] = [(row, effect_of(playbook_id=row.pk, now=now, scope=scope)) for row in Playbook.objects.visible_to(request.user)[:100]]
    return render(request, "metrics/_playbook_effects.html", {"cells": cells})
