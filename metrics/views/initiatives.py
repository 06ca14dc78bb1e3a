"""The register of initiatives: list, page with its measure, form, taking away."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.decorators import login_required
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import wording
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from metrics import words
from metrics.actions.initiatives import FIELDS, StaleRow, change_initiative, create_initiative, delete_initiative
from metrics.dashboards import shown
from metrics.decisions.audience import audience_words
from metrics.decisions.measuring import Measured, Side, measure
from metrics.decisions.reader import Reader
from metrics.decisions.spending import PARTS, in_reporting, spent_by_tag
from metrics.decisions.worked import verdict_of
from metrics.forms.decisions import InitiativeForm
from metrics.formulas.comparison import Estimate
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import WrongQuestion
from metrics.models import BudgetPart, Initiative
from metrics.views.decisions import not_for_agents
from surveys.readings import signed

PAGE = 50


def _writer(request: SignedInRequest) -> None:
    if not Reader(request.user, read_clock()).writes:
        raise PermissionDenied


@login_required
@require_GET
@not_for_agents
def initiatives(request: SignedInRequest) -> HttpResponse:
    """The list, the latest first, with what was planned and spent."""
    reader = Reader(request.user, read_clock())
    status = request.GET.get("status", "")
    found = Initiative.objects.select_related("owner", "segment").order_by("-starts_on", "-pk")
    if status in Initiative.Status.values:
        found = found.filter(status=status)
    day, _mark, pk = request.GET.get("after", "").partition("~")
    try:
        place = (dt.date.fromisoformat(day), int(pk)) if day else None
    except ValueError:
        raise Http404 from None
    if place:
        found = found.filter(Q(starts_on__lt=place[0]) | Q(starts_on=place[0], pk__lt=place[1]))
    rows = list(found[: PAGE + 1])
    spent = spent_by_tag([row.cost_tag for row in rows[:PAGE]], today=reader.today) if reader.sees_whole else {}
    plans = in_reporting([(row.plan_technology + row.plan_people + row.plan_tools, row.currency) for row in rows[:PAGE]], today=reader.today)
    shown_rows = [
        {
            "row": row, "kpi": goal_word(row), "target": target_word(row), "plan": plan, "spent": spent.get(row.cost_tag),
            "audience": audience_words(row), **_kept(row, reader),
        }
        for row, plan in zip(rows, plans, strict=False)
    ]  # fmt: skip
    more = f"{rows[PAGE - 1].starts_on.isoformat()}~{rows[PAGE - 1].pk}" if len(rows) > PAGE else ""
    context = {
        "rows": shown_rows, "status": status, "reader": reader, "statuses": [("", _("all")), *Initiative.Status.choices],
        "next": f"?{urlencode({'status': status, 'after': more})}" if more else "",
    }  # fmt: skip
    return render(request, "metrics/initiatives.html", context)


def _kept(row: Initiative, reader: Reader) -> dict[str, Any]:
    """What the last night's measure over the whole base says; for those whose figures are of everything."""
    kept = (row.measured or {}).get("effect") if reader.scope is None else None
    if not kept or row.kpi not in CATALOGUE:
        return {"effect": "", "verdict": ""}
    return {"effect": change_word(row, Decimal(kept["value"]), is_total=bool(row.measured.get("total"))), "verdict": verdict_of(kept, row.direction)}


def goal_word(row: Initiative) -> str:
    """The figure it is measured by."""
    return str(CATALOGUE[row.kpi].title) if row.kpi in CATALOGUE else row.kpi


def _variant(row: Initiative) -> str:
    return row.variant or CATALOGUE[row.kpi].variants[0]


def target_word(row: Initiative) -> str:
    """The target as people read it; empty for none."""
    return "" if row.target is None or row.kpi not in CATALOGUE else shown(CATALOGUE[row.kpi], _variant(row), str(row.target))


def change_word(row: Initiative, value: Decimal, *, is_total: bool = False) -> str:
    """A change of its figure as people read it: points, percentage points, percent of a sum, money, time."""
    kpi, variant = CATALOGUE[row.kpi], _variant(row)
    unit = kpi.unit_of(variant)
    if is_total:
        return f"{signed(100 * value, 1)} %"
    if unit == "fraction":
        return _("%(points)s pp") % {"points": signed(100 * value, 1)}
    if unit in {"money", "seconds"}:
        sign = "+" if value > 0 else "−" if value < 0 else ""
        return f"{sign}{shown(kpi, variant, str(abs(value))) if unit == 'money' else wording.duration(abs(value))}"
    return signed(value, 1 if unit == "points" else 2)


@login_required
@require_GET
@not_for_agents
def initiative(request: SignedInRequest, pk: int) -> HttpResponse:
    """One initiative: what it is, its plan against its spending, what was learned, who changed it; the measure loads after."""
    reader = Reader(request.user, read_clock())
    row = get_object_or_404(Initiative.objects.select_related("owner", "segment", "created_by"), pk=pk)
    context = {
        "row": row, "reader": reader, "goal": goal_word(row), "variant": words.variant(_variant(row)) if row.kpi in CATALOGUE else row.variant, "target": target_word(row),
        "audience": audience_words(row), "changes": _changes(row), "measure_href": reverse("metrics:initiative_measure", args=[row.pk]),
        "spending": _spending(row, reader) if reader.sees_whole else None,
    }  # fmt: skip
    return render(request, "metrics/initiative.html", context)


def _spending(row: Initiative, reader: Reader) -> dict[str, Any]:
    spent = spent_by_tag([row.cost_tag], today=reader.today)[row.cost_tag]
    plans = in_reporting([(getattr(row, f"plan_{part}"), row.currency) for part in PARTS], today=reader.today)
    lines = [(BudgetPart(part).label, plan, None if spent.missing else spent.by_part[part]) for part, plan in zip(PARTS, plans, strict=True)]
    plan = None if None in plans else sum((amount for amount in plans if amount is not None), Decimal(0))
    used = spent.total / plan if spent.total is not None and plan else None
    return {
        "lines": lines, "plan": plan, "spent": spent, "used": used, "over": used is not None and used > 1, "bar": None if used is None else float(min(used, Decimal(1)) * 100),
        "costs_href": f"{reverse('admin:accounts_costentry_changelist')}?{urlencode({'q': row.cost_tag})}" if reader.user.role == "admin" else "",
    }  # fmt: skip


def _changes(row: Initiative) -> list[dict[str, Any]]:
    """The last entries of its log, in words."""
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Initiative), object_id=str(row.pk)).select_related("user").order_by("-action_time", "-pk")
    told = []
    for entry in entries[:20]:
        try:
            changes = json.loads(entry.change_message)
        except ValueError:
            changes = {}
        told.append({"entry": entry, "fields": [(_field(name), *pair) for name, pair in changes.items()] if isinstance(changes, dict) else []})
    return told


def _field(name: str) -> str:
    return word_of(Initiative, name) if name in FIELDS else name


def word_of(model: type[Model], name: str) -> str:
    """What a field is called."""
    return str(getattr(model._meta.get_field(name), "verbose_name", name))


@login_required
@require_GET
@not_for_agents
def initiative_measure(request: SignedInRequest, pk: int) -> HttpResponse:
    """What was measured, over the reader's accounts, as a fragment."""
    reader = Reader(request.user, read_clock())
    row = get_object_or_404(Initiative.objects.select_related("segment"), pk=pk)
    try:
        found = measure(row, reader, scope=reader.scope)
    except WrongQuestion as wrong:
        return render(request, "metrics/_decisions_fault.html", {"fault": str(wrong), "name": "measure"}, status=422)
    return render(request, "metrics/_initiative_measure.html", {"row": row, "reader": reader, "found": found, **_told(row, found)})


def _told(row: Initiative, found: Measured) -> dict[str, Any]:
    if found.inside is None or row.kpi not in CATALOGUE:
        return {}
    sides = [{"name": _("The audience"), **_side(row, found, found.inside)}]
    if found.outside:
        sides.append({"name": _("Everybody else"), **_side(row, found, found.outside)})
    effect, after = found.effect, found.inside.after
    up = row.direction == Initiative.Direction.UP
    return {
        "goal": goal_word(row), "sides": sides, "target": target_word(row), "reached": _reached(row, after, up=up),
        "effect": change_word(row, effect.value, is_total=found.is_total) if effect else "", "effect_span": _change_span(row, effect, found),
        "verdict": "" if effect is None else _verdict(effect, up=up),
    }  # fmt: skip


def _reached(row: Initiative, after: Estimate | None, *, up: bool) -> bool | None:
    """Whether the target is met; None without one, or without a figure."""
    if row.target is None or after is None:
        return None
    return after.value >= row.target if up else after.value <= row.target


def _verdict(effect: Estimate, *, up: bool) -> str:
    beyond = effect.beyond_chance
    return "unknown" if beyond is None else "chance" if not beyond else "better" if (effect.value > 0) == up else "worse"


def _change_span(row: Initiative, estimate: Estimate | None, found: Measured) -> str:
    interval = estimate.interval if estimate else None
    if interval is None:
        return ""
    return _("%(low)s to %(high)s") % {edge: change_word(row, value, is_total=found.is_total) for edge, value in zip(("low", "high"), interval, strict=True)}


def _audience_query(row: Initiative) -> dict[str, str]:
    """The audience as filters of the page of a KPI, as far as that knows them: tags are none of its dimensions."""
    told = {"segment": row.segment.key if row.segment else "", "plan": row.plan, "country": row.country}
    return {f"filter.{name}": value for name, value in told.items() if value and name in CATALOGUE[row.kpi].dimensions}


def _side(row: Initiative, found: Measured, side: Side) -> dict[str, Any]:
    kpi, variant = CATALOGUE[row.kpi], _variant(row)
    fraction = kpi.unit_of(variant) == "fraction"

    def said(estimate: Estimate | None, days: tuple[dt.date, dt.date]) -> dict[str, Any]:
        query = {"start": days[0].isoformat(), "end": days[1].isoformat(), "variant": variant, **(_audience_query(row) if side is found.inside else {})}
        span = ""
        if estimate is not None and estimate.interval is not None:
            low, high = estimate.interval
            # a share cannot be under 0; one of money may be over 1
            low = max(low, Decimal(0)) if fraction and estimate.value >= 0 else low
            span = _("%(low)s to %(high)s") % {"low": shown(kpi, variant, str(low)), "high": shown(kpi, variant, str(high))}
        return {
            "value": shown(kpi, variant, None if estimate is None else str(estimate.value)), "span": span, "count": estimate.count if estimate else None,
            "href": f"{reverse('metrics:kpi', args=[row.kpi])}?{urlencode(query)}",
        }  # fmt: skip

    return {
        "accounts": side.accounts, "before": said(side.before, found.before), "after": said(side.after, found.after),
        "change": change_word(row, side.change.value, is_total=found.is_total) if side.change else "", "change_span": _change_span(row, side.change, found),
    }  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
@not_for_agents
def initiative_new(request: SignedInRequest) -> HttpResponse:
    """The form of a new one."""
    _writer(request)
    form = InitiativeForm(request.POST or None, initial={"owner": request.user.pk})
    if request.method == "POST" and form.is_valid():
        row = create_initiative(values=form.values(), actor=request.user, now=read_clock())
        messages.success(request, _("The initiative is in the register."))
        return redirect("metrics:initiative", row.pk)
    return render(request, "metrics/initiative_form.html", {"form": form, "groups": _groups(form), "row": None}, status=422 if form.is_bound else 200)


@login_required
@require_http_methods(["GET", "POST"])
@not_for_agents
def initiative_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """The form; where somebody was faster, both values stand side by side and nothing is saved."""
    _writer(request)
    row = get_object_or_404(Initiative, pk=pk)
    version, status, conflict = row.version, 200, list[dict[str, str]]()
    form = InitiativeForm(request.POST or None, instance=row)
    if request.method == "POST":
        version, status = _version(request), 422
        if form.is_valid():
            try:
                changed = change_initiative(initiative_id=pk, values=form.values(), version=version, actor=request.user, now=read_clock())
            except StaleRow as stale:
                version, status, conflict = stale.row.version, 409, conflict_of(stale.row, form.values(), _field)
            else:
                messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
                return redirect("metrics:initiative", pk)
    context = {"form": form, "groups": _groups(form), "row": Initiative.objects.get(pk=pk), "version": version, "conflict": conflict}
    return render(request, "metrics/initiative_form.html", context, status=status)


def _version(request: SignedInRequest) -> int:
    """The version that the form showed; 0, which none has, where it says none."""
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def conflict_of(row: Any, values: dict[str, Any], name_of: Any) -> list[dict[str, str]]:
    """Every field on which what stands and what was typed differ."""
    differ = {name: (getattr(row, name), value) for name, value in values.items() if getattr(row, name) != value}
    return [{"field": name_of(name), "theirs": str(theirs or wording.DASH), "mine": str(mine or wording.DASH)} for name, (theirs, mine) in differ.items()]


def _groups(form: InitiativeForm) -> list[tuple[str, str, list[Any]]]:
    return [
        (_("What"), "", [form[name] for name in ("name", "goal", "owner", "status")]),
        (_("Measured by"), "", [form[name] for name in ("measure", "direction", "target_text", "starts_on", "ends_on")]),
        (_("For whom"), _("What is empty does not narrow. The segment is that of the first day."), [form[name] for name in ("segment", "plan", "country", "tag")]),
        (_("What it may cost"), "", [form[name] for name in ("plan_technology", "plan_people", "plan_tools", "currency")]),
        (_("Afterwards"), "", [form["learned"]]),
    ]


@login_required
@require_http_methods(["GET", "POST"])
@not_for_agents
def initiative_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    """Asks, and takes away; the log keeps all that it said."""
    _writer(request)
    row = get_object_or_404(Initiative, pk=pk)
    stale = False
    if request.method == "POST":
        try:
            delete_initiative(initiative_id=pk, version=_version(request), actor=request.user, now=read_clock())
        except Initiative.DoesNotExist:
            raise Http404 from None
        except StaleRow:
            stale = True
        else:
            messages.success(request, _("The initiative was taken out of the register."))
            return redirect("metrics:initiatives")
    return render(request, "metrics/initiative_delete.html", {"row": Initiative.objects.get(pk=row.pk), "stale": stale}, status=409 if stale else 200)
