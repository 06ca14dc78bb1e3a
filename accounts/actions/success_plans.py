"""Success plans: agreeing on one, measuring it, judging it, reviewing it, closing it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts import sentences
from accounts.actions.work_items import WorkItemClosed, close_work_item, open_work_item
from accounts.actions.working_calendar import hour_of_day, organisation_day
from accounts.models import SuccessMeasurement, SuccessPlan, SuccessReview, User, WorkItem
from accounts.queries.success_measures import measured
from accounts.success_progress import course_of

PLAN, REVIEW = "success_plan", "success_review"
DUE_HOUR = 17
BATCH = 500
_TERMS = ("objective", "measure", "feature", "measure_words", "start_value", "target_value", "started_on", "target_on", "owner")
Status = SuccessPlan.Status


class PlanIsClosed(ValueError):
    """The plan was closed: what belongs to it stands."""


class StalePlan(ValueError):
    """Somebody else saved the plan in the meantime."""


class MeasuredByItself(ValueError):
    """The measure is a field: nobody types its value."""


def open_success_plan(*, account_id: int, terms: Mapping[str, Any], reviews: list[dt.date], actor: User | None, now: dt.datetime) -> SuccessPlan:
    """A plan with its terms (see SuccessPlan) and the days on which it is reviewed; a field is measured at once.

    Raises ValidationError where the terms contradict each other.
    """
    del actor
    with transaction.atomic():
        plan = SuccessPlan(account_id=account_id, created_at=now, updated_at=now, **{name: terms[name] for name in _TERMS if name in terms})
        plan.full_clean(exclude=["why"])
        plan.save()
        SuccessReview.objects.bulk_create([SuccessReview(plan=plan, due_on=day) for day in sorted(set(reviews))])
        _measure([plan], now=now)
    return plan


def change_success_plan(*, plan_id: int, version: int, terms: Mapping[str, Any], now: dt.datetime) -> SuccessPlan:
    """Changes the terms. Raises StalePlan, PlanIsClosed, ValidationError."""
    with transaction.atomic():
        plan = _locked(plan_id)
        if plan.version != version:
            raise StalePlan
        before = (plan.measure, plan.feature)
        for name in _TERMS:
            if name in terms:
                setattr(plan, name, terms[name])
        if (plan.measure, plan.feature) != before:
            plan.current_value, plan.measured_at = None, None
            plan.measurements.all().delete()
        plan.updated_at = now
        plan.version += 1
        plan.full_clean(exclude=["why"])
        plan.save()
        _measure([plan], now=now)
    return plan


def measure_by_hand(*, plan_id: int, value: Decimal, now: dt.datetime) -> SuccessPlan:
    """Notes today's value of a plan that is measured by hand. Raises MeasuredByItself, PlanIsClosed."""
    with transaction.atomic():
        plan = _locked(plan_id)
        if plan.measure:
            raise MeasuredByItself
        _note(plan, value, now=now)
        plan.version += 1
        plan.save()
    return plan


def judge_success_plan(*, plan_id: int, behind: bool, reason: str, actor: User | None, now: dt.datetime) -> SuccessPlan:
    """A person's word on the course, which holds until the next review, or until the target is reached or its date passes.

    Raises PlanIsClosed, ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("a judgement has a reason")
    with transaction.atomic():
        plan = _locked(plan_id)
        plan.judged_by, plan.updated_at = actor, now
        plan.status, plan.why = Status.BEHIND if behind else Status.ON_TRACK, sentences.why("success_judged", text=reason.strip()[:300])
        plan.version += 1
        plan.save()
    return plan


def plan_review(*, plan_id: int, due_on: dt.date) -> SuccessReview:
    """Another day on which the plan is reviewed; planned already it stays one. Raises PlanIsClosed."""
    with transaction.atomic():
        plan = _locked(plan_id)
        review, _new = SuccessReview.objects.get_or_create(plan=plan, due_on=due_on)
    return review


def hold_review(*, review_id: int, note: str, actor: User | None, now: dt.datetime, value: Decimal | None = None, next_on: dt.date | None = None) -> SuccessReview:
    """Notes what came of a review, closes its work and plans the next one; held already it stays as it was.

    A value is taken where the plan is measured by hand. Raises PlanIsClosed.
    """
    with transaction.atomic():
        plan = _locked(SuccessReview.objects.values_list("plan_id", flat=True).get(pk=review_id))
        review = SuccessReview.objects.get(pk=review_id)
        if review.held_at is not None:
            return review
        if value is not None and not plan.measure:
            _note(plan, value, now=now)
        review.held_at, review.held_by, review.note, review.value = now, actor, note.strip()[:500], plan.current_value
        review.save()
        plan.judged_by, plan.updated_at = None, now
        plan.version += 1
        _settle(plan, now=now)
        plan.save()
        if next_on is not None:
            SuccessReview.objects.get_or_create(plan=plan, due_on=next_on)
        _close_work(REVIEW, [review.pk], actor=actor, now=now)
    return review


def close_success_plan(*, plan_id: int, outcome: str, actor: User | None, now: dt.datetime) -> SuccessPlan:
    """Closes a plan with what came of it; its open work ends. Raises PlanIsClosed, ValueError without an outcome."""
    if not outcome.strip():
        raise ValueError("a plan is closed with an outcome")
    with transaction.atomic():
        plan = _locked(plan_id)
        plan.status, plan.closed_at, plan.outcome, plan.updated_at = Status.CLOSED, now, outcome.strip()[:500], now
        plan.version += 1
        plan.save()
        _close_work(PLAN, [plan.pk], actor=actor, now=now)
        _close_work(REVIEW, list(plan.reviews.values_list("pk", flat=True)), actor=actor, now=now)
    return plan


def reopen_success_plan(*, plan_id: int, now: dt.datetime) -> SuccessPlan:
    """Takes a closing back; open already it stays as it was."""
    with transaction.atomic():
        plan = SuccessPlan.objects.select_for_update(no_key=True).get(pk=plan_id)
        if plan.status == Status.CLOSED:
            plan.status, plan.closed_at, plan.outcome = Status.ON_TRACK, None, ""
            plan.updated_at = now
            plan.version += 1
            _settle(plan, now=now)
            plan.save()
    return plan


# ── sweeps ──────────────────────────────────────────────────────────────────


def measure_success_plans(*, now: dt.datetime) -> int:
    """Measures the open plans whose measure is a field, settles the course of all of them; returns how many. May run twice."""
    done, last = 0, 0
    while True:
        with transaction.atomic():
            rows = SuccessPlan.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(pk__gt=last).exclude(status=Status.CLOSED).order_by("pk")
            plans = list(rows.filter(account__churned_at__isnull=True)[:BATCH])
            if not plans:
                return done
            _measure(plans, now=now)
            done, last = done + len(plans), plans[-1].pk


def open_due_reviews(*, now: dt.datetime) -> int:
    """Opens work for reviews whose day has come, once each, and for plans that are overdue; returns how many were opened."""
    today, opened = organisation_day(now), 0
    due = SuccessReview.objects.filter(held_at__isnull=True, told_on__isnull=True, due_on__lte=today, plan__account__churned_at__isnull=True).exclude(plan__status=Status.CLOSED)
    for review in due.select_related("plan").order_by("due_on", "pk")[:BATCH]:
        with transaction.atomic():
            if not SuccessReview.objects.filter(pk=review.pk, told_on__isnull=True).update(told_on=today):
                continue
            plan = review.plan
            open_work_item(
                account_id=plan.account_id, type=WorkItem.Type.OBJECTIVE, reason=f"objective {plan.pk} review {review.pk}", title=plan.objective,
                why=sentences.why("success_review", objective=plan.objective), now=now, due_at=hour_of_day(today, DUE_HOUR), owner_id=plan.owner_id, subject_type=REVIEW,
                subject_id=str(review.pk),
            )  # fmt: skip
            opened += 1
    return opened


# ── the course ──────────────────────────────────────────────────────────────


def _locked(plan_id: int) -> SuccessPlan:
    plan = SuccessPlan.objects.select_for_update(no_key=True).get(pk=plan_id)
    if plan.status == Status.CLOSED:
        raise PlanIsClosed
    return plan


def _measure(plans: list[SuccessPlan], *, now: dt.datetime) -> None:
    """Reads the fields of these plans at once and settles their courses; writes only what changed."""
    values = measured([plan.pk for plan in plans if plan.measure], today=organisation_day(now))
    for plan in plans:
        before = (plan.current_value, plan.status, plan.why)
        value = values.get(plan.pk)
        fresh = plan.measured_at is not None and organisation_day(plan.measured_at) == organisation_day(now) and plan.current_value == value
        if value is not None and not fresh:
            _note(plan, value, now=now)
        else:
            _settle(plan, now=now)
        if before != (plan.current_value, plan.status, plan.why) or not fresh:
            plan.save(update_fields=["current_value", "measured_at", "status", "why"])


def _note(plan: SuccessPlan, value: Decimal, *, now: dt.datetime) -> None:
    SuccessMeasurement.objects.update_or_create(plan=plan, day=organisation_day(now), defaults={"value": value})
    plan.current_value, plan.measured_at = value, now
    _settle(plan, now=now)


def _settle(plan: SuccessPlan, *, now: dt.datetime) -> None:
    """Status and reason from the numbers; a person's judgement stands against "on track" and "behind" alone."""
    course = course_of(
        start=plan.start_value, target=plan.target_value, current=plan.current_value, started_on=plan.started_on, target_on=plan.target_on, today=organisation_day(now)
    )  # fmt: skip
    if plan.judged_by_id is not None and course.status in {Status.ON_TRACK, Status.BEHIND}:
        return
    plan.status, plan.why = course.status, course.why


def _close_work(subject: str, ids: list[int], *, actor: User | None, now: dt.datetime) -> None:
    rows = WorkItem.objects.open().filter(subject_type=subject, subject_id__in=[str(pk) for pk in ids]).order_by("pk")
    for pk in rows.values_list("pk", flat=True):
        try:
            close_work_item(item_id=pk, actor=actor, now=now)
        except WorkItemClosed:
            continue
