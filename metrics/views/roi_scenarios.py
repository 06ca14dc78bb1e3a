"""Saved scenarios: kept, changed, copied, deleted, brought back, side by side; and the table of one as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from metrics import words
from metrics.actions.roi_scenarios import StaleScenario, delete_scenario, describe_scenario, duplicate_scenario, keep_scenario, restore_scenario, save_choices
from metrics.forms.roi import ScenarioForm, StudioForm
from metrics.models import RoiScenario
from metrics.roi.choices import LARGEST_K, LONGEST
from metrics.roi.comparing import MOST, comparison
from metrics.roi.live import LiveFigures
from metrics.roi.studio import Studio, length
from metrics.views.roi import Reading, may_write, reading_of, studio_context


def _writer(request: SignedInRequest) -> None:
    if not may_write(request.user):
        raise PermissionDenied


def _own(request: SignedInRequest, pk: int) -> RoiScenario:
    """A scenario the reader may change. Raises Http404 for others, PermissionDenied for those who only read."""
    _writer(request)
    return get_object_or_404(RoiScenario.objects.changeable_by(request.user), pk=pk)


def _posted(request: SignedInRequest) -> Reading:
    """What the page held when it was saved: its choices travel as one text."""
    return reading_of(request.user, QueryDict(request.POST.get("choices", "")[:4000]).dict(), read_clock())


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _page(pk: int) -> str:
    return f"{reverse('metrics:roi')}?scenario={pk}"


def _again(request: SignedInRequest, reading: Reading, status: int, **more: Any) -> HttpResponse:
    """The studio with everything that was typed, and what was wrong."""
    return render(request, "metrics/roi.html", studio_context(request.user, reading, **more), status=status)


@login_required
@require_POST
def keep(request: SignedInRequest) -> HttpResponse:
    """Saves what the page holds as a new scenario."""
    _writer(request)
    reading, form = _posted(request), ScenarioForm(request.POST)
    if not form.is_valid() or reading.studio.errors:
        return _again(request, reading, 422, scenario_form=form)
    row = keep_scenario(**form.cleaned_data, choices=reading.choices.texts(), live=reading.studio.live, live_at=reading.live_at, actor=request.user, now=read_clock())
    messages.success(request, _("%(name)s is saved.") % {"name": row.name})
    return redirect(_page(row.pk))


@login_required
@require_POST
def save(request: SignedInRequest, pk: int) -> HttpResponse:
    """Saves what the page holds in place of the scenario's assumptions; not where somebody else was faster."""
    row = _own(request, pk)
    reading = _posted(request)
    if reading.studio.errors:
        return _again(request, reading, 422)
    on = {} if reading.frozen else {"live": reading.studio.live, "live_at": reading.live_at}
    try:
        save_choices(scenario_id=row.pk, version=_version(request), choices=reading.choices.texts(), actor=request.user, now=read_clock(), **on)  # type: ignore[arg-type]
    except StaleScenario as stale:
        return _stale(request, reading, stale.scenario)
    messages.success(request, _("%(name)s is saved.") % {"name": row.name})
    return redirect(_page(row.pk))


def _stale(request: SignedInRequest, reading: Reading, theirs: RoiScenario) -> HttpResponse:
    """Nothing was saved: what was typed stands in the fields, beside it what the other one saved."""
    if theirs.deleted_at is not None:
        return _again(request, reading, 409, conflict=theirs, theirs=[], seen_version=theirs.version)
    alike = Studio(LiveFigures.thawed(theirs.live), StudioForm(theirs.choices).choices())
    told = comparison([theirs, theirs], [alike, reading.studio], k=reading.choices.focus_k, months=reading.choices.focus_months)
    return _again(request, reading, 409, conflict=theirs, theirs=[row for row in told.inputs if row.cells[1].differs], seen_version=theirs.version)


@login_required
@require_POST
def describe(request: SignedInRequest, pk: int) -> HttpResponse:
    """Another name, note and circle of readers."""
    row, form = _own(request, pk), ScenarioForm(request.POST)
    if not form.is_valid():
        reading = reading_of(request.user, {"scenario": str(row.pk)}, read_clock())
        return _again(request, reading, 422, describe_form=form)
    try:
        describe_scenario(scenario_id=row.pk, version=_version(request), **form.cleaned_data, actor=request.user, now=read_clock())
    except StaleScenario as stale:
        if stale.scenario.deleted_at is not None:
            raise Http404 from None
        reading = reading_of(request.user, {"scenario": str(row.pk)}, read_clock())
        return _again(request, reading, 409, describe_form=form, described=stale.scenario)
    messages.success(request, _("%(name)s is saved.") % {"name": form.cleaned_data["name"]})
    return redirect(_page(row.pk))


@login_required
@require_POST
def duplicate(request: SignedInRequest, pk: int) -> HttpResponse:
    """A copy of one's own, of any scenario that one may read."""
    _writer(request)
    row = get_object_or_404(RoiScenario.objects.visible_to(request.user).there(), pk=pk)
    copy = duplicate_scenario(scenario_id=row.pk, actor=request.user, now=read_clock())
    messages.success(request, _("%(name)s is saved.") % {"name": copy.name})
    return redirect(_page(copy.pk))


@login_required
@require_POST
def delete(request: SignedInRequest, pk: int) -> HttpResponse:
    """Takes a scenario out of sight, with a way back."""
    row = _own(request, pk)
    if row.deleted_at is not None:
        raise Http404
    try:
        delete_scenario(scenario_id=row.pk, version=_version(request), actor=request.user, now=read_clock())
    except StaleScenario:
        messages.error(request, _("%(name)s was changed by somebody else meanwhile, so it was not deleted.") % {"name": row.name})
        return redirect(_page(row.pk))
    return redirect(f"{reverse('metrics:roi')}?deleted={row.pk}")


@login_required
@require_POST
def restore(request: SignedInRequest, pk: int) -> HttpResponse:
    """Brings a deleted scenario back."""
    row = restore_scenario(scenario_id=_own(request, pk).pk, actor=request.user, now=read_clock())
    messages.success(request, _("%(name)s is back.") % {"name": row.name})
    return redirect(_page(row.pk))


@login_required
@require_GET
def compare(request: SignedInRequest) -> HttpResponse:
    """Up to six scenarios side by side, at one k and one length."""
    asked = [int(text) for text in dict.fromkeys(request.GET.getlist("s")) if text.isdecimal() and len(text) < 19]
    found = {row.pk: row for row in RoiScenario.objects.visible_to(request.user).there().filter(pk__in=asked[:MOST]).select_related("author")}
    if set(asked[:MOST]) - set(found):
        raise Http404
    rows = [found[pk] for pk in asked[:MOST]]
    studios = [Studio(LiveFigures.thawed(row.live), StudioForm(row.choices).choices()) for row in rows]
    k, months = _within(request.GET.get("k"), LARGEST_K), _within(request.GET.get("months"), LONGEST)
    if studios:
        k, months = k or studios[0].choices.focus_k, months or studios[0].choices.focus_months
    context: dict[str, Any] = {"rows": rows, "too_many": len(asked) > MOST, "most": MOST, "k": k, "months": months}
    if studios:
        context["table"] = comparison(rows, studios, k=k, months=months)
        context["ways"] = [words.variant(studio.choices.variant) for studio in studios]
    return render(request, "metrics/roi_compare.html", context)


def _within(text: str | None, most: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most else 0


@login_required
@require_GET
def export(request: SignedInRequest) -> StreamingHttpResponse:
    """The table of the board page as CSV: assumptions, gains, returns. Figures alone, no rows of customers."""
    reading = reading_of(request.user, request.GET, read_clock())
    head = [_("Part"), _("Way of counting"), _("More kept a month"), _("Months"), _("Length"), _("Figure"), _("Value"), _("Where it is from")]
    response = StreamingHttpResponse(csv_lines(head, list(_lines(reading.studio)), get_language() or "en"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="roi-{timezone.localdate(read_clock()):%Y-%m-%d}.csv"'
    return response


def _lines(studio: Studio) -> Iterator[list[Any]]:
    states = {"own": _("put in by hand"), "assumed": _("assumed"), "missing": _("not known"), "live": _("live")}
    for row in studio.inputs.values():
        yield [_("Assumption"), "", None, None, "", row.label, row.value, states[row.state]]
    for gains in studio.gains:
        way = words.variant(gains.variant)
        for k, values in gains.rows:
            for months, value in zip(studio.choices.months, values, strict=True):
                yield [_("Gain"), way, k, months, length(months), _("Gain"), value, ""]
        for months, value in zip(studio.choices.months, gains.loss, strict=True):
            yield [_("Loss of doing nothing"), way, None, months, length(months), _("Loss"), value, ""]
    way = words.variant(studio.choices.variant)
    for returns in studio.returns:
        for line in returns.lines:
            figures = ((_("Gain"), line.gain), (_("Cost"), line.cost), (_("Net"), line.net), (_("ROI"), line.roi), (_("Gain for each unit of cost"), line.multiple))
            for name, value in figures:
                yield [_("Return"), way, line.k, line.months, length(line.months), name, value, ""]
        yield [_("Return"), way, returns.k, None, "", _("Paid back in month"), returns.payback, ""]
