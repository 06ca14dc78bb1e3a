"""Making onboarding plans from templates, doing their steps and taking that back, stopping them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.actions.work_items import WorkItemClosed, close_work_item
from accounts.actions.working_calendar import organisation_day, working_days
from accounts.models import OnboardingPlan, PlanMilestone, PlanStep, PlanTemplate, User, WorkItem
from accounts.plan_outline import read_outline
from accounts.plan_progress import Progress, StepState, progress_of
from accounts.working_days import WorkingDays

STEP = "plan_step"


class PlanClosed(ValueError):
    """The plan is done or was stopped: what belongs to it stands."""


class PlanRunning(ValueError):
    """A plan of the template runs for the account already."""


class NotTheirs(ValueError):
    """The step is not the customer's, or not shown to them."""


def make_plan(
    *, account_id: int, template: PlanTemplate, actor: User | None, now: dt.datetime, starts_on: dt.date | None = None, owner: User | None = None, name: str = ""
) -> OnboardingPlan:
    """A running plan with the template's milestones and steps; the first milestone starts at once (or at the beginning of `starts_on`).

    Raises PlanRunning where one of the template runs for the account, OutlineFault where the template cannot be read.
    """
    outline = read_outline(template.milestones)
    today = organisation_day(now)
    started_at = now if starts_on is None or starts_on == today else now + dt.timedelta(days=(starts_on - today).days)
    with transaction.atomic():
        values = {
            "name": name.strip()[:120] or template.name, "language": template.language, "owner": owner, "started_at": started_at, "created_by": actor,
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        plan, new = OnboardingPlan.objects.get_or_create(account_id=account_id, template=template, status=OnboardingPlan.Status.RUNNING, defaults=values)
        if not new:
            raise PlanRunning
        milestones = PlanMilestone.objects.bulk_create([PlanMilestone(plan=plan, position=number, name=entry.name) for number, entry in enumerate(outline)])
        PlanStep.objects.bulk_create(
            [
                PlanStep(
                    plan=plan, milestone=milestone, position=number, name=step.name, details=step.details, required=step.required, side=step.side, visible=step.visible,
                    rule=step.rule, due_days=step.due_days,
                )
                for milestone, entry in zip(milestones, outline, strict=True) for number, step in enumerate(entry.steps)
            ]
        )  # fmt: skip
        settle_plan(plan=plan, days=working_days(today), now=now)
    return plan


def locked_plan(plan_id: int) -> OnboardingPlan:
    """The plan's row, locked until the transaction ends. Raises OnboardingPlan.DoesNotExist."""
    return OnboardingPlan.objects.select_for_update(no_key=True).get(pk=plan_id)


def settle_plan(*, plan: OnboardingPlan, days: WorkingDays, now: dt.datetime) -> Progress:
    """Works out which milestones have started, what is due when, and whether the plan is complete; the row must be locked.

    Once the completion was told it stands, whatever is done to optional steps.
    """
    milestones = list(plan.milestones.order_by("position"))
    steps: dict[int, list[PlanStep]] = {milestone.pk: [] for milestone in milestones}
    for step in plan.steps.order_by("position"):
        steps[step.milestone_id].append(step)
    progress = progress_of(plan.started_at, [[StepState(step.required, step.done_at) for step in steps[milestone.pk]] for milestone in milestones])
    for milestone, start in zip(milestones, progress.starts, strict=True):
        changed = milestone.started_at != start
        if changed:
            milestone.started_at = start
            milestone.save(update_fields=["started_at"])
        for step in steps[milestone.pk]:
            due = None if start is None or step.due_days is None else days.later(organisation_day(start), step.due_days)
            if not step.due_by_hand and due != step.due_on:
                step.due_on = due
                step.save(update_fields=["due_on"])
    if plan.told_at is None and plan.completed_at != progress.completed_at:
        plan.completed_at = progress.completed_at
    plan.updated_at = now
    plan.version += 1
    plan.save(update_fields=["completed_at", "updated_at", "version"])
    return progress


def do_step(*, step_id: int, how: str, actor: User | None, now: dt.datetime) -> PlanStep:
    """Marks a step done; done already it stays as it was. `how` is one of PlanStep.How.

    Closes the work that told of its being late. Raises PlanClosed for a plan that was stopped, and NotTheirs where
    the customer presses what is ours.
    """
    with transaction.atomic():
        plan, step = _locked(step_id)
        if plan.status == OnboardingPlan.Status.STOPPED:
            raise PlanClosed
        _check_side(step, how)
        if step.done_at is not None:
            return step
        step.done_at, step.done_how, step.done_by = now, how, actor
        step.save(update_fields=["done_at", "done_how", "done_by"])
        settle_plan(plan=plan, days=working_days(organisation_day(now)), now=now)
        close_work_of(steps=[step.pk], actor=actor, now=now)
    return step


def undo_step(*, step_id: int, how: str, actor: User | None, now: dt.datetime) -> PlanStep:
    """Takes back that a step was done, and what followed from it. A rule that is contradicted so is asked no more.

    Raises PlanClosed for a plan that was stopped, and for a required step once the completion was told; NotTheirs
    where the customer takes back what somebody else did.
    """
    with transaction.atomic():
        plan, step = _locked(step_id)
        if plan.status == OnboardingPlan.Status.STOPPED or (plan.told_at is not None and step.required):
            raise PlanClosed
        _check_side(step, how)
        if step.done_at is None:
            return step
        if how == PlanStep.How.CUSTOMER and step.done_how != PlanStep.How.CUSTOMER:
            raise NotTheirs
        step.rule_off = step.rule_off or step.done_how == PlanStep.How.RULE
        step.done_at, step.done_how, step.done_by = None, "", None
        step.save(update_fields=["done_at", "done_how", "done_by", "rule_off"])
        settle_plan(plan=plan, days=working_days(organisation_day(now)), now=now)
    return step


def change_step(*, step_id: int, now: dt.datetime, due_on: dt.date | None = None, visible: bool | None = None) -> PlanStep:
    """Moves a step to another day, or shows it to the customer or not. Raises PlanClosed, NotTheirs for hiding what is the customer's."""
    with transaction.atomic():
        plan, step = _locked(step_id)
        if plan.status != OnboardingPlan.Status.RUNNING:
            raise PlanClosed
        if due_on is not None and due_on != step.due_on:
            step.due_on, step.due_by_hand = due_on, True
        if visible is not None:
            if not visible and step.side == PlanStep.Side.CUSTOMER:
                raise NotTheirs
            step.visible = visible
        step.save(update_fields=["due_on", "due_by_hand", "visible"])
        if due_on is not None and due_on >= organisation_day(now):
            close_work_of(steps=[step.pk], actor=None, now=now)
    return step


def stop_plan(*, plan_id: int, reason: str, actor: User | None, now: dt.datetime) -> OnboardingPlan:
    """Ends a running plan before it is done; its links open nothing more and its work is dropped. Raises PlanClosed, ValueError without a reason."""
    if not reason.strip():
        raise ValueError("a plan is stopped for a reason")
    with transaction.atomic():
        plan = locked_plan(plan_id)
        if plan.status != OnboardingPlan.Status.RUNNING:
            raise PlanClosed
        plan.status, plan.stopped_at, plan.stop_reason = OnboardingPlan.Status.STOPPED, now, reason.strip()[:300]
        plan.completed_at = plan.completed_at if plan.told_at else None
        plan.updated_at = now
        plan.version += 1
        plan.save(update_fields=["status", "stopped_at", "stop_reason", "completed_at", "updated_at", "version"])
        close_work_of(steps=list(plan.steps.values_list("pk", flat=True)), actor=actor, now=now, dropped=True)
    return plan


def close_work_of(*, steps: list[int], actor: User | None, now: dt.datetime, dropped: bool = False) -> None:
    """Closes the open work that told of these steps being late."""
    rows = WorkItem.objects.open().filter(subject_type=STEP, subject_id__in=[str(step) for step in steps]).order_by("pk")
    for pk in rows.values_list("pk", flat=True):
        try:
            close_work_item(item_id=pk, actor=actor, now=now, dropped=dropped)
        except WorkItemClosed:
            continue


def _locked(step_id: int) -> tuple[OnboardingPlan, PlanStep]:
    """The plan first, so that two people at two steps of it wait for each other; then the step as it is now."""
    plan_id = PlanStep.objects.values_list("plan_id", flat=True).get(pk=step_id)
    plan = locked_plan(plan_id)
    return plan, PlanStep.objects.select_related("milestone").get(pk=step_id)


def _check_side(step: PlanStep, how: str) -> None:
    if how == PlanStep.How.CUSTOMER and (step.side != PlanStep.Side.CUSTOMER or not step.visible):
        raise NotTheirs
