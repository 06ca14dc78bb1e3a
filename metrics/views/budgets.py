"""The budget against what was spent: by quarter and part, its lines, the parts that costs are spent from."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import CostEntry, Segment
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from metrics.actions.budgets import change_line, create_line, delete_line, set_parts
from metrics.actions.initiatives import StaleRow
from metrics.charts import Series, bars
from metrics.decisions.budget import Budget, budget
from metrics.decisions.reader import Reader
from metrics.decisions.spending import PARTS, parts_by_category
from metrics.forms.decisions import BudgetLineForm, PartsForm
from metrics.models import BudgetLine, BudgetPart
from metrics.views.chart_files import chart_file
from metrics.views.decisions import not_for_agents
from metrics.views.initiatives import conflict_of, word_of

MOST_LINES = 200


def _reader(request: SignedInRequest, *, writes: bool = False) -> Reader:
    """The reader. Raises Http404 for whose figures are of a part of the base, PermissionDenied for who may not write."""
    reader = Reader(request.user, read_clock())
    if not reader.sees_whole:
        raise Http404
    if writes and not reader.writes:
        raise PermissionDenied
    return reader


def _year(text: str, reader: Reader) -> int:
    if not text:
        return reader.today.year
    if not (text.isascii() and text.isdecimal() and len(text) == 4 and 2000 <= int(text) <= 2100):
        raise Http404
    return int(text)


@login_required
@require_GET
@not_for_agents
def budget_page(request: SignedInRequest) -> HttpResponse:
    """A year's plan and actual cost by quarter and part, of all or of one segment's own lines."""
    reader = _reader(request)
    year, segment = _year(request.GET.get("year", ""), reader), request.GET.get("segment", "")
    if segment and not Segment.objects.filter(key=segment).exists():
        raise Http404
    found = budget(year, today=reader.today, segment=segment or None)
    chart = bars(
        name="budget", title=_("Planned and spent by quarter"), steps=[f"Q{row.period.number}" for row in found.quarters], unit="money", head=_("Quarter"),
        series=[
            Series(_("Planned"), [row.cells[""].plan for row in found.quarters], tone="quiet"),
            Series(_("Spent"), [row.cells[""].actual for row in found.quarters], tone="accent", hatched=False),
        ],
        partial=[place for place, row in enumerate(found.quarters) if row.running], height=220,
    )  # fmt: skip
    file = chart_file(request, [chart])
    if file is not None:
        return file  # type: ignore[return-value]
    lines = BudgetLine.objects.filter(year=year).select_related("segment").order_by("quarter", "part", "pk")
    if segment:
        lines = lines.filter(segment__key=segment)
    context = {
        "found": found, "rows": _rows(found), "parts": [(part, BudgetPart(part).label) for part in PARTS], "reader": reader, "year": year, "segment": segment, "chart": chart,
        "segments": Segment.objects.all(), "lines": lines[:MOST_LINES], "years": [year - 1, year, year + 1], "parts_form": PartsForm(parts=parts_by_category()),
        "mapping": [(BudgetPart(part).label, [CostEntry.Category(name).label for name, of in parts_by_category().items() if of == part]) for part in PARTS],
        "crc_href": f"{reverse('metrics:kpi', args=['crc'])}?{urlencode({'start': f'{year}-01-01', 'end': f'{year + 1}-01-01'})}",
    }  # fmt: skip
    return render(request, "metrics/budget.html", context)


def _rows(found: Budget) -> list[dict[str, Any]]:
    """Each quarter and the year with a line for every part and for all of them."""
    names = {part: str(BudgetPart(part).label) for part in PARTS}
    return [
        {
            "row": row, "name": f"Q{row.period.number}" if row.period.number else _("Whole year"), "all": row.cells[""],
            "parts": [(names[part], row.cells[part]) for part in PARTS if row.cells[part].plan is not None or row.cells[part].actual],
        }
        for row in [*found.quarters, found.whole]
    ]  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
@not_for_agents
def budget_line(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """The form of a line, new or as it stands; where somebody was faster, both stand side by side."""
    reader = _reader(request, writes=True)
    row = get_object_or_404(BudgetLine, pk=pk) if pk else None
    version, status, conflict = row.version if row else 0, 200, list[dict[str, str]]()
    form = BudgetLineForm(request.POST or None, instance=row, initial={} if row else {"year": _year(request.GET.get("year", ""), reader)})
    if request.method == "POST":
        status, typed = 422, request.POST.get("version", "")
        version = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
        if form.is_valid():
            try:
                if pk:
                    change_line(line_id=pk, values=form.values(), version=version, actor=request.user, now=reader.now)
                else:
                    create_line(values=form.values(), actor=request.user, now=reader.now)
            except BudgetLine.DoesNotExist:
                raise Http404 from None
            except StaleRow as stale:
                version, status = stale.row.version, 409
                conflict = conflict_of(stale.row, form.values(), lambda name: word_of(BudgetLine, name))
            else:
                messages.success(request, _("Saved."))
                return redirect(f"{reverse('metrics:budget')}?year={form.cleaned_data['year']}")
    return render(request, "metrics/budget_line.html", {"form": form, "pk": pk, "version": version, "conflict": conflict}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
@not_for_agents
def budget_line_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    """Asks, and takes a line away."""
    reader = _reader(request, writes=True)
    row = get_object_or_404(BudgetLine.objects.select_related("segment"), pk=pk)
    stale = False
    if request.method == "POST":
        typed = request.POST.get("version", "")
        try:
            delete_line(line_id=pk, version=int(typed) if typed.isdecimal() and len(typed) < 10 else 0, actor=request.user, now=reader.now)
        except BudgetLine.DoesNotExist:
            raise Http404 from None
        except StaleRow as error:
            row, stale = error.row, True
        else:
            messages.success(request, _("The line was taken away."))
            return redirect(f"{reverse('metrics:budget')}?year={row.year}")
    return render(request, "metrics/budget_line_delete.html", {"row": row, "stale": stale}, status=409 if stale else 200)


@login_required
@require_POST
@not_for_agents
def budget_parts(request: SignedInRequest) -> HttpResponse:
    """Sets which part the costs of each category are spent from."""
    reader = _reader(request, writes=True)
    form = PartsForm(request.POST, parts=parts_by_category())
    if not form.is_valid():
        messages.error(request, _("Nothing was changed: choose a part for each category."))
    else:
        changed = set_parts(parts=form.cleaned_data, actor=request.user, now=reader.now)
        messages.success(request, _("Saved. Plan and cost of all years follow it.") if changed else _("Nothing was changed."))
    return redirect("metrics:budget")
