"""What plans do by themselves: steps that a rule says are done, late steps and reviews that become work, completions that are told.

Each may run twice and as often as wished; `accounts.tick` calls them.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict

from django.db import transaction
from django.db.models import F, Q

from accounts import sentences
from accounts.actions.event_log import record_event
from accounts.actions.onboarding_plans import STEP, close_work_of, locked_plan, settle_plan
from accounts.actions.work_items import open_work_item
from accounts.actions.working_calendar import hour_of_day, organisation_day, working_days
from accounts.models import OnboardingPlan, PlanStep, WorkItem
from accounts.queries.rule_matches import matching
from accounts.rules import RuleFault, parse

# how long a completion may be taken back before it is told
GRACE = dt.timedelta(minutes=1)
BATCH = 500
DUE_HOUR = 17


def tell_completed_plans(*, now: dt.datetime) -> int:
    """Records `onboarding.completed` for plans that have been complete for a minute; returns how many."""
    waiting = OnboardingPlan.objects.filter(status=OnboardingPlan.Status.RUNNING, completed_at__lte=now - GRACE).order_by("completed_at")
    told = 0
    for pk in list(waiting.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            plan = locked_plan(pk)
            if plan.status != OnboardingPlan.Status.RUNNING or plan.completed_at is None or plan.completed_at > now - GRACE:
                continue
            milestones = plan.milestones.count()
            record_event(
                account_id=plan.account_id, kind="onboarding.completed", occurred_at=plan.completed_at, origin="app", subject_type="onboarding_plan", subject_id=str(plan.pk),
                payload={"milestones": milestones, "days": (plan.completed_at - plan.started_at).days}, dedupe_key=f"plan:{plan.pk}",
            )  # fmt: skip
            plan.status, plan.told_at, plan.updated_at = OnboardingPlan.Status.DONE, now, now
            plan.version += 1
            plan.save(update_fields=["status", "told_at", "updated_at", "version"])
            close_work_of(steps=list(plan.steps.values_list("pk", flat=True)), actor=None, now=now)
            told += 1
    return told


def open_late_steps(*, now: dt.datetime) -> int:
    """Opens work for each step that was due before today, once per step and day; returns how many. Customers that left are left alone."""
    today = organisation_day(now)
    late = (
        PlanStep.objects.filter(
            done_at__isnull=True, due_on__lt=today, plan__status=OnboardingPlan.Status.RUNNING, plan__account__churned_at__isnull=True, plan__account__excluded=False
        )
        .filter(Q(late_told_on__isnull=True) | ~Q(late_told_on=F("due_on")))
        .order_by("due_on", "pk")
    )
    opened = 0
    for pk in list(late.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            plan = locked_plan(PlanStep.objects.values_list("plan_id", flat=True).get(pk=pk))
            step = PlanStep.objects.get(pk=pk)
            if step.done_at is not None or step.due_on is None or step.due_on >= today or step.late_told_on == step.due_on or plan.status != OnboardingPlan.Status.RUNNING:
                continue
            theirs = step.side == PlanStep.Side.CUSTOMER
            open_work_item(
                account_id=plan.account_id, type=WorkItem.Type.LIFECYCLE, reason=f"plan {plan.pk} step {step.pk}", title=step.name,
                why=sentences.why("plan_step_late_theirs" if theirs else "plan_step_late", plan=plan.name), now=now, due_at=hour_of_day(today, DUE_HOUR), owner_id=plan.owner_id,
                priority=WorkItem.Priority.NORMAL if step.required else WorkItem.Priority.LOW, subject_type=STEP, subject_id=str(step.pk),
            )  # fmt: skip
            step.late_told_on = step.due_on
            step.save(update_fields=["late_told_on"])
            opened += 1
    return opened


def do_steps_by_rule(*, now: dt.datetime) -> int:
    """Marks steps whose rule the account meets, one statement a distinct rule; returns how many. A step waits for its milestone to start."""
    rows = PlanStep.objects.filter(
        done_at__isnull=True, rule__isnull=False, rule_off=False, plan__status=OnboardingPlan.Status.RUNNING, milestone__started_at__lte=now
    ).order_by("pk")  # fmt: skip
    by_rule: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for pk, account_id, rule in rows.values_list("pk", "plan__account_id", "rule").iterator():
        by_rule[json.dumps(rule, sort_keys=True)].append((pk, account_id))
    done, today = 0, organisation_day(now)
    days = working_days(today) if by_rule else None
    for text, steps in by_rule.items():
        try:
            rule = parse(json.loads(text))
        except RuleFault:
            # a field that rules knew once; the step can still be done by hand
            continue
        met = set(matching(rule, now=now, today=today, account_ids=sorted({account_id for _pk, account_id in steps})))
        for pk, account_id in steps:
            if account_id in met:
                with transaction.atomic():
                    plan = locked_plan(PlanStep.objects.values_list("plan_id", flat=True).get(pk=pk))
                    if plan.status != OnboardingPlan.Status.RUNNING:
                        continue
                    changed = PlanStep.objects.filter(pk=pk, done_at__isnull=True, rule_off=False).update(done_at=now, done_how=PlanStep.How.RULE)
                    if changed and days is not None:
                        settle_plan(plan=plan, days=days, now=now)
                        close_work_of(steps=[pk], actor=None, now=now)
                    done += changed
    return done
