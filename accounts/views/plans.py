"""Onboarding plans for those who run them: the list, one plan with its steps and links, the panel of an account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.onboarding_plans import NotTheirs, PlanClosed, PlanRunning, change_step, do_step, make_plan, stop_plan, undo_step
from accounts.actions.plan_links import issue_link, revoke_link
from accounts.actions.working_calendar import organisation_day
from accounts.forms.plans import LinkForm, NewPlanForm, StepDayForm, StopForm
from accounts.models import Account, OnboardingPlan, PlanLink, PlanStep
from accounts.plan_outline import OutlineFault
from accounts.queries import plans as reading
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS
from accounts.signed_in import SignedInRequest
from accounts.views.accounts import account_or_404, account_shell


def visible_or_404(request: SignedInRequest, plan_id: int) -> OnboardingPlan:
    """A plan the reader may see. Raises Http404 for every other one."""
    plan = reading.visible_plan(request.user, plan_id)
    if plan is None:
        raise Http404
    return plan


def changeable_or_refused(request: SignedInRequest, plan_id: int) -> OnboardingPlan:
    """A plan the reader may change. Raises Http404 where it is out of sight, PermissionDenied where it is only seen."""
    plan = visible_or_404(request, plan_id)
    if not OnboardingPlan.objects.changeable_by(request.user).filter(pk=plan_id).exists():
        raise PermissionDenied
    return plan


@require_GET
@login_required
def plans(request: SignedInRequest) -> HttpResponse:
    """Onboarding plans of the reader's book, filtered by their state."""
    view = request.GET.get("view", "running")
    view = view if view in reading.ONBOARDING_VIEWS else "running"
    rows = reading.onboarding_rows(request.user, view=view, after=request.GET.get("after", ""), today=organisation_day(read_clock()))
    return render(request, "accounts/plans.html", {"rows": rows, "view": view, "today": organisation_day(read_clock())})


@login_required
@require_http_methods(["GET", "POST"])
def plan_new(request: SignedInRequest) -> HttpResponse:
    """Makes a plan for an account from a template."""
    given = (request.POST if request.method == "POST" else request.GET).get("account", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    account = account_or_404(request.user, number)
    if not Account.objects.changeable_by(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied
    now = read_clock()
    today = organisation_day(now)
    form = NewPlanForm(request.POST if request.method == "POST" else None, user=request.user, today=today, initial={"starts_on": today})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                plan = make_plan(
                    account_id=account.pk, template=data["template"], actor=request.user, now=now, starts_on=data["starts_on"], owner=data["owner"], name=data["name"]
                )  # fmt: skip
                return redirect("accounts:plan", plan.pk)
            except PlanRunning:
                form.add_error("template", _("A plan of this template runs for the account already."))
            except OutlineFault as fault:
                form.add_error("template", _("The template cannot be used: %(why)s") % {"why": fault.message})
    return render(request, "accounts/plan_new.html", {"form": form, "account": account}, status=status)


@require_GET
@login_required
def plan(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """One plan: milestones and steps, what the customer sees of it, its links."""
    return _page(request, visible_or_404(request, plan_id))


def _page(request: SignedInRequest, found: OnboardingPlan, *, status: int = 200, **context: Any) -> HttpResponse:
    may_write = OnboardingPlan.objects.changeable_by(request.user).filter(pk=found.pk).exists()
    now = read_clock()
    context = {
        "plan": found, "account": found.account, "shown": reading.shown_plan(found, today=organisation_day(now)), "may_write": may_write, "now": now,
        "link_form": LinkForm(account=found.account, user=request.user) if may_write else None, "stop_form": StopForm(), **context,
    }  # fmt: skip
    return render(request, "accounts/plan.html", context, status=status)


_DOES = ("done", "undo", "day", "show", "hide")


@require_POST
@login_required
def plan_step(request: SignedInRequest, plan_id: int, step_id: int, do: str) -> HttpResponse:
    """Does a step or takes that back, moves its day, shows it to the customer or not."""
    if do not in _DOES:
        raise Http404
    found = changeable_or_refused(request, plan_id)
    get_object_or_404(PlanStep, pk=step_id, plan=found)
    now = read_clock()
    try:
        if do == "done":
            do_step(step_id=step_id, how=PlanStep.How.HAND, actor=request.user, now=now)
        elif do == "undo":
            undo_step(step_id=step_id, how=PlanStep.How.HAND, actor=request.user, now=now)
        elif do == "day":
            form = StepDayForm(request.POST)
            if not form.is_valid():
                return _page(request, found, status=422, refused_step=step_id, refusal=_("Choose a day."))
            change_step(step_id=step_id, due_on=form.cleaned_data["due_on"], now=now)
        else:
            change_step(step_id=step_id, visible=do == "show", now=now)
    except PlanClosed:
        return _page(request, visible_or_404(request, plan_id), status=409, refused_step=step_id, refusal=_("The plan has ended: this can no longer be changed."))
    except NotTheirs:
        return _page(request, found, status=409, refused_step=step_id, refusal=_("What the customer does has to be shown to the customer."))
    return redirect(f"{reverse('accounts:plan', args=[plan_id])}#s{step_id}")


@require_POST
@login_required
def plan_stop(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """Ends a plan before it is done, with a reason."""
    found = changeable_or_refused(request, plan_id)
    form = StopForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=422, stop_form=form)
    try:
        stop_plan(plan_id=found.pk, reason=form.cleaned_data["reason"], actor=request.user, now=read_clock())
    except PlanClosed:
        return _page(request, visible_or_404(request, plan_id), status=409)
    messages.success(request, _("The plan was stopped. Its links open nothing any more."))
    return redirect("accounts:plan", plan_id)


@require_POST
@login_required
@never_cache
def plan_link(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """Makes a link and shows it this once."""
    found = changeable_or_refused(request, plan_id)
    form = LinkForm(request.POST, account=found.account, user=request.user)
    if not form.is_valid():
        return _page(request, found, status=422, link_form=form)
    try:
        link, token = issue_link(plan_id=found.pk, actor=request.user, now=read_clock(), days=form.cleaned_data["days"], contact=form.cleaned_data["contact"])
    except PlanClosed:
        return _page(request, visible_or_404(request, plan_id), status=409)
    return _page(request, found, new_link=settings.PUBLIC_BASE_URL.rstrip("/") + reverse("shared-plan", args=[token]), made=link)


@require_POST
@login_required
def plan_link_revoke(request: SignedInRequest, plan_id: int, link_id: int) -> HttpResponse:
    """Ends a link at once."""
    found = changeable_or_refused(request, plan_id)
    link = get_object_or_404(PlanLink, pk=link_id, plan=found)
    revoke_link(link_id=link.pk, now=read_clock())
    messages.success(request, _("The link opens nothing any more."))
    return redirect("accounts:plan", plan_id)


@require_GET
@login_required
def panel(request: SignedInRequest, account_id: int) -> HttpResponse:
    """The plans of an account: onboarding and objectives."""
    account = account_or_404(request.user, account_id)
    today = organisation_day(read_clock())
    shown = reading.plans_of(account, request.user, today=today)
    if request.htmx:
        return render(request, "accounts/_account_plans.html", {"account": account, "may_write": request.user.role in WRITES_ACCOUNTS, "plans": shown, "today": today})
    return account_shell(request, account, only="plans", panel="accounts/_account_plans.html", plans=shown, today=today)
