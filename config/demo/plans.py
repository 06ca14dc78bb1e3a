"""Plans of the demo: onboarding of the youngest customers, and objectives of the larger ones."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

from accounts.actions.onboarding_plans import do_step, make_plan, stop_plan
from accounts.actions.plan_links import issue_link
from accounts.actions.plan_sweeps import do_steps_by_rule, open_late_steps, tell_completed_plans
from accounts.actions.success_plans import measure_by_hand, measure_success_plans, open_due_reviews, open_success_plan
from accounts.models import Account, PlanStep, PlanTemplate

_ONBOARDED = 14
_OBJECTIVES = (
    ("Plan every route before seven in the morning", "active_days", "", 12, 20, 120, -70),
    ("More planners use it every day", "users", "", 4, 9, 150, -60),
    ("Close the month two days earlier", "", "days to close a month", 9, 7, 180, -100),
    ("Half as many empty kilometres", "", "percent of kilometres driven empty", 24, 12, 200, -150),
    ("Fewer problems at once", "open_tickets", "", 5, 1, 90, -95),
    ("From watched to healthy", "health", "", 55, 75, 120, -40),
)


def plan_demo(*, seed: int, now: dt.datetime) -> int:
    """Begins plans as they would have been begun, does some of their steps, and measures objectives; returns how many plans there are."""
    dice = random.Random(f"plans {seed}")
    templates = {template.language: template for template in PlanTemplate.objects.filter(key__in=["onboarding", "baslangic"])}
    if not templates:
        return 0
    made = 0
    young = Account.objects.filter(churned_at=None, excluded=False, owner__isnull=False).order_by("-signed_up_at", "pk").select_related("owner")
    for number, account in enumerate(young[:_ONBOARDED]):
        begun = now - dt.timedelta(days=4 + number * 4, hours=dice.randint(0, 5))
        plan = make_plan(account_id=account.pk, template=templates.get(account.language, templates["en"]), actor=account.owner, now=begun)
        steps = list(PlanStep.objects.filter(plan=plan, rule__isnull=True).order_by("milestone__position", "position"))
        wanted = len(steps) if number >= _ONBOARDED - 2 else dice.randint(0, min(len(steps) - 1, 1 + number))
        for place, step in enumerate(steps[:wanted]):
            theirs = step.side == PlanStep.Side.CUSTOMER
            do_step(
                step_id=step.pk, how=PlanStep.How.CUSTOMER if theirs else PlanStep.How.HAND, actor=None if theirs else account.owner,
                now=min(begun + dt.timedelta(days=(place + 1) * dice.uniform(1.5, 4)), now - dt.timedelta(hours=1)),
            )  # fmt: skip
        if number % 3 != 2:
            issue_link(plan_id=plan.pk, actor=account.owner, now=begun, contact=account.contacts.order_by("pk").first())
        if number == 5:
            stop_plan(plan_id=plan.pk, reason="They start in spring, when the new depot opens", actor=account.owner, now=now)
        made += 1
    large = Account.objects.filter(churned_at=None, excluded=False, owner__isnull=False).order_by("-snapshot__mrr_micros", "pk").select_related("owner")
    for number, account in enumerate(large[: 2 * len(_OBJECTIVES)]):
        words, measure, counted, start, target, lasts, since = _OBJECTIVES[number % len(_OBJECTIVES)]
        begun = now + dt.timedelta(days=since - number)
        terms = {
            "objective": words, "measure": measure, "feature": "", "measure_words": counted, "start_value": Decimal(start), "target_value": Decimal(target),
            "started_on": begun.date(), "target_on": begun.date() + dt.timedelta(days=lasts),
        }  # fmt: skip
        reviews = [begun.date() + dt.timedelta(days=30 * month) for month in range(1, lasts // 30) if begun.date() + dt.timedelta(days=30 * month) >= now.date()]
        plan_of_success = open_success_plan(account_id=account.pk, terms=terms, reviews=reviews, actor=account.owner, now=begun)
        if not measure:
            for week in range(0, -since, 14):
                value = Decimal(start) + (Decimal(target) - Decimal(start)) * Decimal(week) / Decimal(lasts) * Decimal(str(round(dice.uniform(0.4, 1.2), 2)))
                measure_by_hand(plan_id=plan_of_success.pk, value=round(value, 1), now=begun + dt.timedelta(days=week))
        made += 1
    do_steps_by_rule(now=now)
    tell_completed_plans(now=now)
    open_late_steps(now=now)
    measure_success_plans(now=now)
    open_due_reviews(now=now)
    return made
