"""The lifecycle: stages side by side, the lists of a stage, its editor with a preview, an account's way, the map of the journey."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.customers import change_account
from accounts.actions.dirty import mark_dirty
from accounts.actions.stages import check_stage, delete_stage, let_rules_decide, save_stage, stages_with
from accounts.actions.work_items import StaleVersion
from accounts.models import Account, LifecycleStage, StageStay, Standing
from accounts.queries.clock import read_clock
from accounts.roles import READS_PROGRAMMES, Role
from accounts.signed_in import SignedInRequest
from accounts.stage_rules import StageFault, read_stage
from accounts.wording import goal_name, stage_name
from metrics.forms.stages import StageForm
from metrics.lifecycle.journey import journey, summary
from metrics.lifecycle.page import STANDINGS, columns, listed, preview, read_after, told_rules, way_of
from metrics.tasks import stages as sweep_task
from metrics.views.decisions import not_for_agents

WRITES_STAGES = frozenset({Role.ADMIN, Role.MANAGER})


def _writer(request: SignedInRequest) -> None:
    if request.user.role not in WRITES_STAGES:
        raise PermissionDenied


@login_required
@require_GET
@not_for_agents
def lifecycle(request: SignedInRequest) -> HttpResponse:
    """All stages side by side. Analysts read the figures of the whole base."""
    found = columns(request.user, now=read_clock())
    context = {
        "columns": found, "writes": request.user.role in WRITES_STAGES, "sees_rows": request.user.role != Role.ANALYST,
        "accounts": sum(one.accounts for one in found), "no_rules": not any(one.stage.start_rule or one.stage.end_rule for one in found),
        "reads_map": request.user.role in READS_PROGRAMMES,
    }  # fmt: skip
    return render(request, "metrics/lifecycle.html", context)


@login_required
@require_GET
@not_for_agents
def stage(request: SignedInRequest, key: str) -> HttpResponse:
    """One stage: its rules in words, and the accounts in it by how they do. Analysts see no rows."""
    if request.user.role == Role.ANALYST:
        raise Http404
    row, now = get_object_or_404(LifecycleStage.objects.select_related("next_stage"), pk=key), read_clock()
    column = next(one for one in columns(request.user, now=now) if one.stage.key == key)
    usual = "" if row.is_leaving else next((standing.value for standing, count in column.standings if count), Standing.STUCK.value)
    standing = request.GET.get("standing", usual)
    if standing not in {"", *Standing.values}:
        raise Http404
    try:
        after = read_after(request.GET.get("after", ""))
    except ValueError as fault:
        raise Http404 from fault
    read = read_stage(row)
    told = told_rules(read)
    context = {
        "stage": row, "column": column, "standing": standing, "page": listed(request.user, row, standing, now=now, after=after), "after": request.GET.get("after", ""),
        "told": told, "goals": [(goal_name(goal.name), told[f"goal:{goal.key}"]) for goal in read.goals], "faults": read.faults.values(),
        "writes": request.user.role in WRITES_STAGES,
        "standing_name": dict(Standing.choices).get(standing, ""), "standings": STANDINGS,
    }  # fmt: skip
    return render(request, "metrics/lifecycle_stage.html", context)


# ── The editor ───────────────────────────────────────────────────────────────


@login_required
@require_http_methods(["GET", "POST"])
def stage_edit(request: SignedInRequest, key: str = "") -> HttpResponse:
    """A stage's form, a new one without a key: admins and leads."""
    _writer(request)
    row = get_object_or_404(LifecycleStage, pk=key) if key else None
    form, status, conflict = StageForm(stage=row), 200, False
    version = row.version if row else None
    if request.method == "POST":
        form, status = StageForm(request.POST, stage=row), 422
        if form.is_valid():
            try:
                given = request.POST.get("version", "")
                saved = save_stage(stage=form.made(), version=(int(given) if given.isdecimal() and len(given) < 9 else 0) if row else None, now=read_clock())
            except StageFault as fault:
                form.blame(fault)
            except StaleVersion:
                # what was typed stays; saving once more puts it over the other's
                conflict, status = True, 409
            else:
                sweep_task.delay_on_commit()  # type: ignore[attr-defined]
                messages.success(request, _("%(stage)s is saved. Accounts are being looked at by its rules.") % {"stage": stage_name(saved)})
                return redirect("lifecycle:stage", key=saved.pk)
    return _editor(request, form, row, status=status, conflict=conflict, version=version)


def _editor(request: SignedInRequest, form: StageForm, row: LifecycleStage | None, *, status: int = 200, **more: Any) -> HttpResponse:
    empty = row is not None and not StageStay.objects.filter(stage=row).exists() and not StageStay.objects.filter(left_for=row).exists()
    return render(request, "metrics/lifecycle_edit.html", {"form": form, "stage": row, "may_delete": empty, "version": row.version if row else None, **more}, status=status)


@login_required
@require_POST
def stage_preview(request: SignedInRequest, key: str = "") -> HttpResponse:
    """Who would move if the form were saved as it stands. Stores nothing."""
    _writer(request)
    row = get_object_or_404(LifecycleStage, pk=key) if key else None
    form = StageForm(request.POST, stage=row)
    found = None
    if form.is_valid():
        made = form.made()
        try:
            check_stage(made)
        except StageFault as fault:
            form.blame(fault)
        else:
            rows = stages_with(made)
            found = preview(request.user, rows, made.key, now=read_clock())
    names = {one.key: stage_name(one) for one in LifecycleStage.objects.all()} | {"": _("no stage")}
    if request.POST.get("name") and row is None:
        names[request.POST.get("key", "")] = request.POST["name"]
    context: dict[str, Any] = {"found": found, "faults": [fault for faults in form.errors.values() for fault in faults], "names": names}
    if getattr(request, "htmx", False):
        return render(request, "metrics/_lifecycle_preview.html", context)
    return _editor(request, form, row, preview=True, **context)


@login_required
@require_POST
def stage_delete(request: SignedInRequest, key: str) -> HttpResponse:
    """Takes away a stage that nobody is or was in."""
    _writer(request)
    row = get_object_or_404(LifecycleStage, pk=key)
    try:
        delete_stage(stage=row)
    except StageFault as fault:
        messages.error(request, str(fault))
        return redirect("lifecycle:edit", key=key)
    messages.success(request, _("The stage %(stage)s is gone.") % {"stage": stage_name(row)})
    return redirect("lifecycle:stages")


# ── An account's way ─────────────────────────────────────────────────────────


def _way(request: SignedInRequest, account: Account, *, fault: str = "", status: int = 200) -> HttpResponse:
    context = {
        "account": account, "way": way_of(account, now=read_clock()), "stages": LifecycleStage.objects.all(), "fault": fault,
        "may_write": Account.objects.changeable_by(request.user).filter(pk=account.pk).exists(),
    }  # fmt: skip
    return render(request, "metrics/_lifecycle_panel.html" if getattr(request, "htmx", False) else "metrics/lifecycle_way.html", context, status=status)


@login_required
@require_GET
def panel(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Where an account is on its way, how it does, and where it was: a fragment, or a page around it where no script asks."""
    return _way(request, get_object_or_404(Account.objects.visible_to(request.user).select_related("lifecycle_stage"), pk=account_id))


@login_required
@require_POST
def move(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Puts an account into a stage by hand, or lets the rules decide again."""
    get_object_or_404(Account.objects.visible_to(request.user), pk=account_id)
    account = get_object_or_404(Account.objects.changeable_by(request.user).select_related("lifecycle_stage"), pk=account_id)
    now: dt.datetime = read_clock()
    if request.POST.get("do") == "rules":
        if let_rules_decide(account=account):
            mark_dirty([account.pk], reason="stage")
    else:
        chosen = LifecycleStage.objects.filter(pk=request.POST.get("stage", "")).first()
        if chosen is None:
            return _way(request, account, fault=_("Choose a stage."), status=422)
        change_account(account_id=account.pk, fields={"lifecycle_stage": chosen}, actor=request.user, now=now)
    if getattr(request, "htmx", False):
        return _way(request, Account.objects.select_related("lifecycle_stage").get(pk=account.pk))
    return redirect("lifecycle:panel", account_id=account.pk)


# ── The map ──────────────────────────────────────────────────────────────────


@login_required
@require_GET
def journey_map(request: SignedInRequest) -> HttpResponse:
    """Stage by stage the moments, surveys, mails and playbooks, with the gaps. For whoever reads programmes."""
    if request.user.role not in READS_PROGRAMMES:
        raise Http404
    rows = journey(request.user, now=read_clock())
    context = {"rows": rows, "gaps": summary(rows), "writes": request.user.role in WRITES_STAGES}
    return render(request, "metrics/journey.html", context)
