"""Runs of playbooks: the list, the log of one with what a person may do to it, starting one by hand, the panel of an account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.playbook_runs import NoSuchStep, RunEnded, StepOver, drop_step, stop_run
from accounts.actions.playbook_sweeps import StartRefused, start_by_hand
from accounts.actions.playbook_undo import TooLate, may_resume, restore_step, resume_run
from accounts.event_words import say_event
from accounts.models import Account, PlaybookPass, PlaybookRun, PlaybookStepLog
from accounts.playbooks.moments import date_name
from accounts.playbooks.telling import outline, say_reason, shown_name, step_title
from accounts.queries import playbooks as reading
from accounts.queries.clock import read_clock
from accounts.queries.rule_matches import names_of_rows
from accounts.roles import WRITES_ACCOUNTS
from accounts.rules.telling import Names
from accounts.signed_in import SignedInRequest
from accounts.views.accounts import account_or_404, account_shell
from accounts.views.playbooks import entry_or_404, page_context, writes

Outcome = PlaybookStepLog.Outcome


@require_GET
@login_required
def playbook_runs(request: SignedInRequest, key: str) -> HttpResponse:
    """The runs of a playbook at accounts the reader sees, and what was passed over."""
    entry, known = entry_or_404(request, key), names_of_rows()
    status, after = request.GET.get("status", ""), request.GET.get("after", "")
    page = reading.runs(request.user, entry.row, status=status, after=after)
    rows = [{"row": row, "because": _because(row), "ended": _ended(row), "stands": _stands(row, known)} for row in page.rows]
    passed = [{"row": row, "because": _because(row), "reason": say_reason(row.reason)} for row in reading.passes(request.user, entry.row)] if not after and not status else []
    context = page_context(entry, known, here="runs") | {
        "rows": rows, "after": page.after, "status": status, "statuses": PlaybookRun.Status.choices, "passed": passed, "writes": writes(request),
    }  # fmt: skip
    return render(request, "accounts/playbook_runs.html", context)


def _because(row: PlaybookRun | PlaybookPass) -> str:
    """What started it: an event, a date, idle days, a person."""
    kind, _sign, rest = row.occasion.partition(":")
    if row.event is not None:
        return say_event(row.event.kind)
    if kind == "manual" or (isinstance(row, PlaybookRun) and row.started_by is not None):
        return _("by hand")
    if kind == "idle":
        return _("nobody was seen")
    return date_name(kind) if rest else _("by rule")


def _ended(row: PlaybookRun) -> str:
    return say_reason(row.end_reason) if row.end_reason and row.end_reason not in {"held_out"} else ""


def _stands(row: PlaybookRun, names: Names) -> str:
    """The step a run stands at, in words."""
    if row.status != PlaybookRun.Status.RUNNING or row.version is None:
        return ""
    return next((step_title(step, names) for step in row.version.steps if step.get("key") == row.step), "")


def _run(request: SignedInRequest, run_id: int, *, changeable: bool = False) -> PlaybookRun:
    found = PlaybookRun.objects.visible_to(request.user).select_related("playbook", "version", "account__owner", "started_by", "event").filter(pk=run_id).first()
    if found is None:
        raise Http404
    if changeable and not PlaybookRun.objects.changeable_by(request.user).filter(pk=run_id).exists():
        raise PermissionDenied
    return found


@require_GET
@login_required
def playbook_run(request: SignedInRequest, run_id: int) -> HttpResponse:
    """One run: every step with what became of it, and why."""
    return _run_page(request, _run(request, run_id))


def _run_page(request: SignedInRequest, run: PlaybookRun, *, fault: str = "", status: int = 200) -> HttpResponse:
    may_change = PlaybookRun.objects.changeable_by(request.user).filter(pk=run.pk).exists()
    context = {
        "run": run, "playbook": run.playbook, "name": shown_name(run.playbook), "because": _because(run), "ended": _ended(run), "may_change": may_change, "fault": fault,
        "steps": _log(run, may_change=may_change), "may_resume": may_change and may_resume(run, read_clock()),
    }  # fmt: skip
    return render(request, "accounts/playbook_run.html", context, status=status)


def _log(run: PlaybookRun, *, may_change: bool) -> list[dict[str, Any]]:
    """The drawn steps of the run's version, each with its row of the log."""
    if run.version is None:
        return []
    log, names = reading.log_of(run), names_of_rows()
    drawn = outline(run.version.steps, names)
    places = {step["key"]: place for place, step in enumerate(drawn)}
    stands = places.get(run.step, len(drawn)) if run.status == PlaybookRun.Status.RUNNING else len(drawn)
    open_ = run.status == PlaybookRun.Status.RUNNING and may_change
    for place, step in enumerate(drawn):
        row = log.get(step["key"])
        coming = place >= stands
        if row is not None:
            step |= {"outcome": row.outcome, "at": row.at, "actor": row.actor, "says": _outcome(row), **_subject(row)}
        else:
            step |= {"outcome": "" if coming else "not", "says": "" if coming else _("not on the way this run took")}
        step["may_drop"] = open_ and coming and (row is None or row.outcome == Outcome.WAITING) and step["kind"] != "stop"
        step["may_restore"] = open_ and coming and row is not None and row.outcome == Outcome.DROPPED
        step["letters"] = step["letters"] if place >= stands else []
    return drawn


def _outcome(row: PlaybookStepLog) -> str:
    told = str(row.get_outcome_display())
    return f"{told}: {say_reason(row.reason)}" if row.reason else told


def _subject(row: PlaybookStepLog) -> dict[str, str]:
    """Where what a step made can be seen."""
    if row.subject_type == "work_item" and row.subject_id.isdecimal():
        return {"subject": reverse("accounts:work_item", args=[int(row.subject_id)]), "subject_word": _("the work")}
    return {}


@require_POST
@login_required
def playbook_run_stop(request: SignedInRequest, run_id: int) -> HttpResponse:
    """Ends a run early, with the reason."""
    run = _run(request, run_id, changeable=True)
    reason = request.POST.get("reason", "").strip()
    if not reason or len(reason) > 40 or "\x00" in reason:
        return _run_page(request, run, fault=_("Say in a few words why it stops here."), status=422)
    try:
        stop_run(run_id=run.pk, now=read_clock(), actor=request.user, reason=reason)
    except RunEnded:
        messages.error(request, _("The run is over already."))
    else:
        messages.success(request, _("Stopped. What had not left yet is taken back."), extra_tags=reverse("accounts:playbook_run_resume", args=[run.pk]))
    return redirect("accounts:playbook_run", run.pk)


@require_POST
@login_required
def playbook_run_resume(request: SignedInRequest, run_id: int) -> HttpResponse:
    """Takes a stop back: the run goes on where it stood."""
    run = _run(request, run_id, changeable=True)
    try:
        resume_run(run_id=run.pk, actor=request.user, now=read_clock())
    except TooLate:
        messages.error(request, _("This can no longer be taken back: start the playbook anew where it is needed."))
    else:
        messages.success(request, _("It goes on where it stood."))
    place = reverse("accounts:playbook_run", args=[run.pk])
    return HttpResponse(headers={"HX-Redirect": place}) if request.htmx else redirect(place)


@require_POST
@login_required
def playbook_step_drop(request: SignedInRequest, run_id: int, step: str) -> HttpResponse:
    """Leaves a step out, with the reason."""
    run = _run(request, run_id, changeable=True)
    reason = request.POST.get("reason", "").strip()
    if not reason or len(reason) > 80 or "\x00" in reason:
        return _run_page(request, run, fault=_("Say in a few words why the step is left out."), status=422)
    try:
        drop_step(run_id=run.pk, step=step, actor=request.user, now=read_clock(), reason=reason)
    except NoSuchStep as missing:
        raise Http404 from missing
    except (RunEnded, StepOver):
        messages.error(request, _("Too late: the step is over."))
    else:
        messages.success(request, _("Left out. The run goes on with the next step."))
    return redirect("accounts:playbook_run", run.pk)


@require_POST
@login_required
def playbook_step_restore(request: SignedInRequest, run_id: int, step: str) -> HttpResponse:
    """Takes back that a step was left out."""
    run = _run(request, run_id, changeable=True)
    try:
        restore_step(run_id=run.pk, step=step, actor=request.user, now=read_clock())
    except NoSuchStep as missing:
        raise Http404 from missing
    except (RunEnded, StepOver):
        messages.error(request, _("Too late: the run has gone past this step."))
    else:
        messages.success(request, _("The step is back."))
    return redirect("accounts:playbook_run", run.pk)


@require_GET
@login_required
def account_playbooks(request: SignedInRequest, account_id: int) -> HttpResponse:
    """The panel of an account: what runs here and what waits, what ran, and which one may be started."""
    account = account_or_404(request.user, account_id)
    context = _panel(request, account)
    if request.htmx:
        return render(request, "accounts/_account_playbooks.html", {"account": account, "may_write": request.user.role in WRITES_ACCOUNTS, **context})
    return account_shell(request, account, only="playbooks", panel="accounts/_account_playbooks.html", **context)


def _panel(request: SignedInRequest, account: Account) -> dict[str, Any]:
    known = names_of_rows()
    rows = [
        {
            "row": run, "name": shown_name(run.playbook), "because": _because(run), "stands": _stands(run, known), "ended": _ended(run),
            "failed": sum(step.outcome == Outcome.FAILED for step in run.log.all()),
        }
        for run in reading.at_account(request.user, account)
    ]  # fmt: skip
    may_start = Account.objects.changeable_by(request.user).filter(pk=account.pk).exists()
    choices = [(row.key, shown_name(row)) for row in reading.by_hand(request.user)] if may_start else []
    return {"rows": rows, "choices": choices, "may_start": may_start}


@require_POST
@login_required
def account_playbook_start(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Starts a playbook on an account by hand; its audience and its caps hold."""
    account = account_or_404(request.user, account_id)
    if not Account.objects.changeable_by(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied
    row = next((book for book in reading.by_hand(request.user) if book.key == request.POST.get("playbook")), None)
    if row is None:
        messages.error(request, _("Choose a playbook."))
        return redirect(account)
    try:
        run = start_by_hand(playbook_id=row.pk, account_id=account.pk, actor=request.user, now=read_clock(), anyway=request.POST.get("anyway") == "1")
    except StartRefused as refused:
        messages.error(request, _("“%(name)s” was not started: %(reason)s.") % {"name": shown_name(row), "reason": say_reason(refused.reason)})
        return redirect("accounts:account_playbooks", account.pk)
    messages.success(request, _("“%(name)s” runs. Its first step is done within a minute.") % {"name": shown_name(row)})
    return redirect("accounts:playbook_run", run.pk)
