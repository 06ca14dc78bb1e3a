"""The ROI studio: the guided page, why the lost left, and its charts. Everything stands in the address; nothing is changed here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from accounts.models import Segment, User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics.charts.chart import FULL, HALF
from metrics.forms.roi import ScenarioForm, StudioForm
from metrics.models import RoiScenario
from metrics.roi.choices import Choices
from metrics.roi.comparing import MOST
from metrics.roi.kept import evidence_for, live_for, realised_for
from metrics.roi.live import SPANS, LiveFigures
from metrics.roi.pictures import charts
from metrics.roi.studio import Studio
from metrics.views.chart_files import chart_file

WRITERS = frozenset({Role.ADMIN, Role.MANAGER})
# fields that are no inputs of the return
LISTS = ("k", "months", "spread", "seed")
# scenarios listed on the page, the newest first
LISTED = 50


def may_write(user: User) -> bool:
    """Whether the reader keeps scenarios."""
    return user.role in WRITERS


@dataclass
class Reading:
    """What an address of the studio says: its form, the choices, the scenario that is open, the figures it stands on."""

    typed: Mapping[str, str]
    choices: Choices
    scenario: RoiScenario | None
    studio: Studio
    live_at: dt.datetime
    # the figures are the frozen ones of the scenario
    frozen: bool


def reading_of(user: User, data: Mapping[str, Any], now: dt.datetime) -> Reading:
    """Reads an address (or what was stored of one). Raises Http404 for a scenario the reader does not find."""
    scenario = _scenario(user, str(data.get("scenario") or ""))
    # a scenario that was just opened, nothing tried out yet
    given: Mapping[str, Any] = {**scenario.choices, "scenario": scenario.pk} if scenario is not None and "edited" not in data else data
    form = StudioForm(given)
    choices = form.choices()
    choices = replace(choices, scenario=scenario.pk if scenario else None, seen=choices.seen or (scenario.version if scenario else 0))
    frozen = scenario is not None and not choices.fresh
    live, live_at = (LiveFigures.thawed(scenario.live), scenario.live_at) if scenario and frozen else live_for(user, basis=choices.basis, now=now)
    errors = {name: [str(fault) for fault in faults] for name, faults in form.errors.items()}
    typed = {name: str(given.get(name, "") or "") for name in form.fields}
    return Reading(typed, choices, scenario, Studio(live, choices, typed=typed, errors=errors), live_at, frozen)


def _list_text(reading: Reading, name: str) -> str:
    """What stands in a field that is no input: what was typed where it was refused, else what is taken."""
    if name in reading.studio.errors:
        return reading.typed[name]
    chosen = reading.choices
    return {"k": ", ".join(map(str, chosen.ks)), "months": ", ".join(map(str, chosen.months)), "spread": format(chosen.spread, "f"), "seed": str(chosen.seed)}[name]


def _scenario(user: User, text: str) -> RoiScenario | None:
    if not text:
        return None
    row = RoiScenario.objects.visible_to(user).there().filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
    if row is None:
        raise Http404
    return row


def studio_context(user: User, reading: Reading, *, scenario_form: ScenarioForm | None = None, **more: Any) -> dict[str, Any]:
    """Everything the page of the studio shows."""
    query, scenario = reading.choices.query(), reading.scenario
    changes = scenario is not None and RoiScenario.objects.changeable_by(user).filter(pk=scenario.pk).exists()
    writes = may_write(user)
    saved = list(RoiScenario.objects.visible_to(user).there().select_related("author")[:LISTED])
    mine = set(RoiScenario.objects.changeable_by(user).filter(pk__in=[row.pk for row in saved]).values_list("pk", flat=True)) if writes else set()
    return {
        "studio": reading.studio, "choices": reading.choices, "typed": reading.studio.inputs, "errors": reading.studio.errors, "query": query,
        "address": f"{reverse('metrics:roi')}?{query}" if query else reverse("metrics:roi"), "spans": SPANS, "segments": list(Segment.objects.all()), "live_at": reading.live_at,
        "frozen": reading.frozen, "scenario": scenario, "may_change": changes, "may_write": writes, "sees_rows": user.role != Role.ANALYST,
        "saved": [(row, row.pk in mine) for row in saved], "most": MOST,
        "changed": scenario is not None and (reading.choices.texts() != scenario.choices or reading.choices.fresh),
        "fresh_query": reading.choices.query(fresh=True), "frozen_query": reading.choices.query(fresh=False), "loose_query": reading.choices.query(scenario=None, fresh=False),
        "carried": query if not reading.studio.errors else urlencode({name: text for name, text in reading.typed.items() if text}),
        "list_faults": [(name, reading.studio.errors.get(name, [])) for name in LISTS], "raw": reading.typed, "values": {name: _list_text(reading, name) for name in LISTS},
        "scenario_form": scenario_form or ScenarioForm(initial={"name": "", "note": ""}), **more,
    }  # fmt: skip


@login_required
@require_GET
def studio(request: SignedInRequest) -> HttpResponse:
    """The guided page. A change of an input brings the figures alone; a field that is refused keeps what was typed."""
    reading = reading_of(request.user, request.GET, read_clock())
    context = studio_context(request.user, reading)
    faulty = bool(reading.studio.errors)
    if request.htmx and request.htmx.target == "studio":
        response = render(request, "metrics/_roi_changes.html", {**context, "oob": True}, status=422 if faulty else 200)
        if not faulty:
            response["HX-Push-Url"] = context["address"]
        return response
    context["deleted"] = _deleted(request.user, request.GET.get("deleted", ""))
    return render(request, "metrics/roi.html", context, status=400 if faulty else 200)


def _deleted(user: User, text: str) -> RoiScenario | None:
    """The scenario that was just deleted, where the reader may bring it back."""
    if not text.isdecimal() or len(text) > 18:
        return None
    return RoiScenario.objects.changeable_by(user).filter(pk=int(text), deleted_at__isnull=False).first()


@login_required
@require_GET
def evidence(request: SignedInRequest) -> HttpResponse:
    """Why the lost left: always of today, whatever scenario is open."""
    choices = StudioForm(request.GET).choices()
    found, _at = evidence_for(request.user, basis=choices.basis, now=read_clock())
    return render(request, "metrics/_roi_evidence.html", {"evidence": found, "choices": choices, "sees_rows": request.user.role != Role.ANALYST})


@login_required
@require_GET
def looked_back(request: SignedInRequest) -> HttpResponse:
    """Planned against realised: always of today, whatever scenario is open."""
    choices = StudioForm(request.GET).choices()
    found, _at = realised_for(request.user, basis=choices.basis, now=read_clock())
    return render(request, "metrics/_roi_realised.html", {"realised": found})


@login_required
@require_GET
def pictures(request: SignedInRequest) -> HttpResponseBase:
    """The charts, and each of them as a file."""
    reading = reading_of(request.user, request.GET, read_clock())
    found = charts(reading.studio, width=HALF)
    return chart_file(request, found) or render(request, "metrics/_roi_charts.html", {"charts": found})


@login_required
@require_GET
def board(request: SignedInRequest) -> HttpResponseBase:
    """The page for the board: the same choices, made to be printed."""
    reading = reading_of(request.user, request.GET, read_clock())
    found = charts(reading.studio, width=FULL)
    now = read_clock()
    context = {**studio_context(request.user, reading), "charts": found, "now": now}
    return chart_file(request, found) or render(request, "metrics/roi_board.html", context)
