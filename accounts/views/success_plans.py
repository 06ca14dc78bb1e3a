"""Success plans for those who run them: the list with what is late, one plan with its course, measures and reviews."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions import success_plans as acting
from accounts.actions.success_plans import MeasuredByItself, PlanIsClosed, StalePlan
from accounts.actions.working_calendar import organisation_day
from accounts.forms.plans import CloseForm, JudgeForm, ObjectiveForm, PlanReviewForm, ReviewForm, ValueForm
from accounts.models import Account, SuccessPlan, SuccessReview
from accounts.queries import plans as reading
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from accounts.success_progress import Course, course_of
from accounts.views.accounts import account_or_404

# what the page of a plan writes, each with its form and what the page calls it
_FORMS: dict[str, type[forms.Form]] = {"measure": ValueForm, "judge": JudgeForm, "close": CloseForm, "review": PlanReviewForm}
_CONTEXT = {"measure": "measure_form", "judge": "judge_form", "close": "close_form", "review": "plan_form"}


def _visible(request: SignedInRequest, plan_id: int) -> SuccessPlan:
    plan = reading.visible_objective(request.user, plan_id)
    if plan is None:
        raise Http404
    return plan


def _changeable(request: SignedInRequest, plan_id: int) -> SuccessPlan:
    plan = _visible(request, plan_id)
    if not SuccessPlan.objects.changeable_by(request.user).filter(pk=plan_id).exists():
        raise PermissionDenied
    return plan


def _today() -> dt.date:
    return organisation_day(read_clock())


@require_GET
@login_required
def objectives(request: SignedInRequest) -> HttpResponse:
    """Success plans of the reader's book, the nearest target date first."""
    view = request.GET.get("view", "open")
    view = view if view in reading.OBJECTIVE_VIEWS else "open"
    rows = reading.objective_rows(request.user, view=view, after=request.GET.get("after", ""))
    return render(request, "accounts/objectives.html", {"rows": rows, "view": view, "today": _today(), "courses": [(plan, course(plan, _today())) for plan in rows.rows]})


def course(plan: SuccessPlan, today: dt.date) -> Course:
    """Where a plan stands on a day."""
    return course_of(
        start=plan.start_value, target=plan.target_value, current=plan.current_value, started_on=plan.started_on, target_on=plan.target_on, today=today
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def objective_new(request: SignedInRequest) -> HttpResponse:
    """Agrees on an objective with an account."""
    given = (request.POST if request.method == "POST" else request.GET).get("account", "")
    account = account_or_404(request.user, int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0)
    if not Account.objects.changeable_by(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied
    today = _today()
    form = ObjectiveForm(request.POST if request.method == "POST" else None, user=request.user, initial={"started_on": today, "target_on": today + dt.timedelta(days=182)})
    if request.method == "POST" and form.is_valid():
        try:
            made = acting.open_success_plan(account_id=account.pk, terms=form.terms(), reviews=form.review_days(), actor=request.user, now=read_clock())
            return redirect("accounts:objective", made.pk)
        except ValidationError as fault:
            form.add_error(None, fault)
    return render(request, "accounts/objective_form.html", {"form": form, "account": account}, status=422 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "POST"])
def objective_edit(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """Changes the terms; what somebody else saved meanwhile is shown before it is overwritten."""
    plan = _changeable(request, plan_id)
    initial = {name: getattr(plan, name) for name in ("objective", "measure", "feature", "measure_words", "start_value", "target_value", "started_on", "target_on", "owner")}
    form = ObjectiveForm(request.POST if request.method == "POST" else None, user=request.user, changes=True, initial=initial)
    status, conflict = 200, False
    if request.method == "POST":
        status = 422
        version = request.POST.get("version", "")
        if form.is_valid():
            try:
                number = int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0
                acting.change_success_plan(plan_id=plan.pk, version=number, terms=form.terms(), now=read_clock())
                return redirect("accounts:objective", plan.pk)
            except StalePlan:
                status, conflict = 409, True
            except PlanIsClosed:
                form.add_error(None, _("The plan was closed: open it again first."))
            except ValidationError as fault:
                form.add_error(None, fault)
    return render(request, "accounts/objective_form.html", {"form": form, "account": plan.account, "plan": plan, "conflict": conflict}, status=status)


@require_GET
@login_required
def objective(request: SignedInRequest, plan_id: int) -> HttpResponse:
    """One success plan: its course, its values over time, its reviews."""
    return _page(request, _visible(request, plan_id))


def _page(request: SignedInRequest, plan: SuccessPlan, *, status: int = 200, **context: Any) -> HttpResponse:
    today = _today()
    reviews = list(plan.reviews.select_related("held_by").order_by("due_on", "pk")[:100])
    due = next((row for row in reviews if row.held_at is None), None)
    context = {
        "plan": plan, "account": plan.account, "course": course(plan, today), "reviews": reviews, "due": due, "today": today,
        "values": list(plan.measurements.order_by("-day")[:12]),
        "may_write": plan.status != SuccessPlan.Status.CLOSED and SuccessPlan.objects.changeable_by(request.user).filter(pk=plan.pk).exists(),
        "may_reopen": plan.status == SuccessPlan.Status.CLOSED and SuccessPlan.objects.changeable_by(request.user).filter(pk=plan.pk).exists(),
        **{_CONTEXT[do]: form(auto_id=f"{do}_%s") for do, form in _FORMS.items()}, "review_form": ReviewForm(today=today, by_hand=not plan.measure), **context,
    }  # fmt: skip
    return render(request, "accounts/objective.html", context, status=status)


@require_POST
@login_required
def objective_do(request: SignedInRequest, plan_id: int, do: str) -> HttpResponse:
    """Measures, judges, closes or reopens a plan, or plans a review of it."""
    plan = _changeable(request, plan_id)
    now = read_clock()
    if do == "reopen":
        acting.reopen_success_plan(plan_id=plan.pk, now=now)
        return redirect("accounts:objective", plan.pk)
    if do not in _FORMS:
        raise Http404
    form = _FORMS[do](request.POST, auto_id=f"{do}_%s")
    if not form.is_valid():
        return _page(request, plan, status=422, **{_CONTEXT[do]: form})
    data = form.cleaned_data
    changes: dict[str, Callable[[], Any]] = {
        "measure": lambda: acting.measure_by_hand(plan_id=plan.pk, value=data["value"], now=now),
        "judge": lambda: acting.judge_success_plan(plan_id=plan.pk, behind=data["course"] == "behind", reason=data["reason"], actor=request.user, now=now),
        "review": lambda: acting.plan_review(plan_id=plan.pk, due_on=data["due_on"]),
        "close": lambda: acting.close_success_plan(plan_id=plan.pk, outcome=data["outcome"], actor=request.user, now=now),
    }
    return _changed(request, plan, changes[do])


@require_POST
@login_required
def objective_review(request: SignedInRequest, plan_id: int, review_id: int) -> HttpResponse:
    """Notes what came of a review."""
    plan = _changeable(request, plan_id)
    review = get_object_or_404(SuccessReview, pk=review_id, plan=plan)
    form = ReviewForm(request.POST, today=_today(), by_hand=not plan.measure)
    if not form.is_valid():
        return _page(request, plan, status=422, review_form=form)
    data = form.cleaned_data
    return _changed(
        request, plan,
        lambda: acting.hold_review(review_id=review.pk, note=data["note"], actor=request.user, now=read_clock(), value=form.value_given, next_on=data["next_on"]),
    )  # fmt: skip


def _changed(request: SignedInRequest, plan: SuccessPlan, change: Callable[[], Any]) -> HttpResponse:
    """The plan's page after a change; where it was refused, with the reason and nothing changed."""
    try:
        change()
    except PlanIsClosed:
        return _page(request, _visible(request, plan.pk), status=409, refusal=_("The plan was closed: open it again first."))
    except MeasuredByItself:
        return _page(request, plan, status=409, refusal=_("This plan measures itself."))
    messages.success(request, _("Saved."))
    return redirect("accounts:objective", plan.pk)
