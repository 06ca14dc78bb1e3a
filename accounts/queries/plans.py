"""What the pages of plans show: the lists, one plan with its milestones, the panel of an account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, Count, Exists, IntegerField, Min, OuterRef, Q, QuerySet, Value, When

from accounts.models import Account, OnboardingPlan, PlanLink, PlanMilestone, PlanStep, PlanTemplate, SuccessPlan, SuccessReview, User
from accounts.plan_progress import Progress, StepState, progress_of
from accounts.queries.rule_matches import names_of_rows
from accounts.rules import RuleFault, parse, sentence

PAGE = 25
MOST = 1001
ONBOARDING_VIEWS = ("running", "late", "done", "stopped")
OBJECTIVE_VIEWS = ("open", "late", "closed")


@dataclass(frozen=True)
class PlanRow:
    """A plan of the list: how many required steps are done, how many steps are late, the next day something is due."""

    plan: OnboardingPlan
    required: int
    required_done: int
    late: int
    next_on: dt.date | None

    @property
    def percent(self) -> int:
        """Whole percent of the required steps."""
        return 100 * self.required_done // self.required if self.required else 100


@dataclass(frozen=True)
class Rows:
    """A page of a list, the key behind which it goes on ("" at the end), and the counts of the views, capped at 1,001."""

    rows: list[Any]
    after: str
    counts: dict[str, int] = field(default_factory=dict)


def _late_steps(today: dt.date) -> Q:
    return Q(done_at__isnull=True, due_on__lt=today)


def onboarding_view(user: User, view: str, today: dt.date) -> QuerySet[OnboardingPlan]:
    """The plans of a view that the user may see."""
    plans: QuerySet[OnboardingPlan] = OnboardingPlan.objects.visible_to(user)
    if view == "late":
        return plans.filter(Exists(PlanStep.objects.filter(_late_steps(today), plan=OuterRef("pk"))), status=OnboardingPlan.Status.RUNNING)
    return plans.filter(status=view if view in {"done", "stopped"} else OnboardingPlan.Status.RUNNING)


def onboarding_rows(user: User, *, view: str, after: str, today: dt.date) -> Rows:
    """A page of onboarding plans, begun last on top."""
    plans = onboarding_view(user, view, today).select_related("account", "account__owner", "owner", "account__segment")
    if key := _cursor(after):
        plans = plans.filter(pk__lt=key)
    found = list(plans.order_by("-pk")[: PAGE + 1])
    counts = {name: onboarding_view(user, name, today).order_by()[:MOST].count() for name in ONBOARDING_VIEWS}
    return Rows(_with_counts(found[:PAGE], today), str(found[PAGE - 1].pk) if len(found) > PAGE else "", counts)


def _with_counts(plans: list[OnboardingPlan], today: dt.date) -> list[PlanRow]:
    steps = (
        PlanStep.objects.filter(plan__in=[plan.pk for plan in plans]).values("plan_id").annotate(
            needed=Count("pk", filter=Q(required=True)), done=Count("pk", filter=Q(required=True, done_at__isnull=False)), late=Count("pk", filter=_late_steps(today)),
            next_on=Min("due_on", filter=Q(done_at__isnull=True)),
        )
    )  # fmt: skip
    by_plan: dict[int, Mapping[str, Any]] = {row["plan_id"]: row for row in steps}
    empty: dict[str, Any] = {"needed": 0, "done": 0, "late": 0, "next_on": None}
    return [PlanRow(plan, (row := by_plan.get(plan.pk, empty))["needed"], row["done"], row["late"], row["next_on"]) for plan in plans]


def objective_view(user: User, view: str) -> QuerySet[SuccessPlan]:
    """The success plans of a view that the user may see."""
    plans: QuerySet[SuccessPlan] = SuccessPlan.objects.visible_to(user)
    if view == "closed":
        return plans.filter(status=SuccessPlan.Status.CLOSED)
    if view == "late":
        return plans.filter(status__in=[SuccessPlan.Status.BEHIND, SuccessPlan.Status.OVERDUE])
    return plans.exclude(status=SuccessPlan.Status.CLOSED)


def objective_rows(user: User, *, view: str, after: str) -> Rows:
    """A page of success plans, the nearest target date on top, with the next review of each."""
    plans = objective_view(user, view).select_related("account", "account__owner", "owner", "account__segment")
    day, _sign, number = after.partition("~")
    if (key := _cursor(number)) and (until := _day(day)):
        plans = plans.filter(Q(target_on__gt=until) | Q(target_on=until, pk__gt=key))
    found = list(plans.order_by("target_on", "pk")[: PAGE + 1])
    counts = {name: objective_view(user, name).order_by()[:MOST].count() for name in OBJECTIVE_VIEWS}
    last = found[PAGE - 1] if len(found) > PAGE else None
    return Rows(with_next_review(found[:PAGE]), f"{last.target_on}~{last.pk}" if last else "", counts)


def with_next_review(plans: list[SuccessPlan]) -> list[SuccessPlan]:
    """The plans, each with `next_review` (a day or None)."""
    rows = SuccessReview.objects.filter(plan__in=[plan.pk for plan in plans], held_at__isnull=True).values("plan_id").annotate(day=Min("due_on"))
    days = {row["plan_id"]: row["day"] for row in rows}
    for plan in plans:
        plan.next_review = days.get(plan.pk)  # type: ignore[attr-defined]
    return plans


def _cursor(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class ShownStep:
    """A step on its page: whether it is late, and its rule in words ("" without one)."""

    step: PlanStep
    is_late: bool
    rule: str


@dataclass(frozen=True)
class ShownPlan:
    """A plan with its milestones and steps, its progress and its links."""

    plan: OnboardingPlan
    milestones: list[tuple[PlanMilestone, list[ShownStep]]]
    progress: Progress
    links: list[PlanLink]


def shown_plan(plan: OnboardingPlan, *, today: dt.date) -> ShownPlan:
    """Everything the page of a plan shows."""
    milestones = list(plan.milestones.order_by("position"))
    steps: dict[int, list[PlanStep]] = {milestone.pk: [] for milestone in milestones}
    for step in plan.steps.select_related("done_by").order_by("position"):
        steps[step.milestone_id].append(step)
    progress = progress_of(plan.started_at, [[StepState(step.required, step.done_at) for step in steps[milestone.pk]] for milestone in milestones])
    words = rules_in_words([step.rule for rows in steps.values() for step in rows])
    shown = [
        (milestone, [ShownStep(step, step.done_at is None and step.due_on is not None and step.due_on < today, words(step.rule)) for step in steps[milestone.pk]])
        for milestone in milestones
    ]
    return ShownPlan(plan, shown, progress, list(plan.links.select_related("contact", "issued_by").order_by("-issued_at", "-pk")[:20]))


def rules_in_words(rules: list[Any]) -> Any:
    """A function that says a stored rule in the reader's language; the rows it may name are read once, where there is a rule at all."""
    names = names_of_rows() if any(rules) else {}

    def words(rule: Any) -> str:
        if not rule:
            return ""
        try:
            return sentence(parse(rule), names)
        except RuleFault as fault:
            return str(fault)

    return words


def visible_plan(user: User, plan_id: int) -> OnboardingPlan | None:
    """A plan the user may see, with its account."""
    found: OnboardingPlan | None = (
        OnboardingPlan.objects.visible_to(user).select_related("account", "account__owner", "account__segment", "owner", "template").filter(pk=plan_id).first()
    )
    return found


def visible_objective(user: User, plan_id: int) -> SuccessPlan | None:
    """A success plan the user may see, with its account."""
    found: SuccessPlan | None = (
        SuccessPlan.objects.visible_to(user).select_related("account", "account__owner", "account__segment", "owner", "judged_by").filter(pk=plan_id).first()
    )
    return found


@dataclass(frozen=True)
class AccountPlans:
    """The plans of one account: onboarding (running ones first), and success plans (open ones first)."""

    onboarding: list[PlanRow]
    objectives: list[SuccessPlan]


def plans_of(account: Account, user: User, *, today: dt.date) -> AccountPlans:
    """The latest few of each kind."""
    running_first = Case(When(status=OnboardingPlan.Status.RUNNING, then=Value(0)), default=Value(1), output_field=IntegerField())
    running = list(OnboardingPlan.objects.visible_to(user).filter(account=account).order_by(running_first, "-started_at", "-pk")[:5])
    objectives = SuccessPlan.objects.visible_to(user).filter(account=account).select_related("owner")
    open_ones = list(objectives.exclude(status=SuccessPlan.Status.CLOSED).order_by("target_on", "pk")[:10])
    closed = list(objectives.filter(status=SuccessPlan.Status.CLOSED).order_by("-closed_at", "-pk")[:3])
    return AccountPlans(_with_counts(running, today), with_next_review([*open_ones, *closed]))


def templates() -> list[PlanTemplate]:
    """All templates with `running`, the number of running plans of each; active ones first."""
    running = Count("plans", filter=Q(plans__status=OnboardingPlan.Status.RUNNING))
    return list(PlanTemplate.objects.annotate(running=running).order_by("-active", "name", "pk")[:200])
