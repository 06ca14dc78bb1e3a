"""What a link to a plan opens: the plan as its customer may see it, and nothing else. Reads alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from accounts.actions.plan_links import token_digest
from accounts.models import Erasure, OnboardingPlan, PlanLink, PlanStep


@dataclass(frozen=True)
class SharedStep:
    """A step that is shown; `theirs` is what the customer ticks, `may_undo` what they ticked and may take back."""

    step: PlanStep
    theirs: bool
    is_late: bool
    may_do: bool
    may_undo: bool


@dataclass(frozen=True)
class SharedMilestone:
    """A milestone with the steps of it that are shown."""

    name: str
    started: bool
    done: bool
    steps: list[SharedStep]


@dataclass(frozen=True)
class SharedPlan:
    """A plan behind a link: counts are those of the steps that are shown. People appear by their initials."""

    link: PlanLink
    plan: OnboardingPlan
    milestones: list[SharedMilestone]
    done: int
    count: int
    initials: str
    owner_initials: str

    @property
    def is_done(self) -> bool:
        """Whether the plan was told to be complete, or waits to be."""
        return self.plan.completed_at is not None


def opened(token: str) -> PlanLink | None:
    """The link of a token, with its plan; None for a token that is none."""
    if not token or len(token) > 200:
        return None
    return PlanLink.objects.filter(token_digest=token_digest(token)).select_related("plan__account", "plan__account__owner", "plan__owner", "contact").first()


def is_over(link: PlanLink, now: dt.datetime) -> bool:
    """Whether a link opens nothing more: revoked, too old, its plan stopped, its contact gone elsewhere or forgotten."""
    if link.revoked_at is not None or now >= link.expires_at or link.plan.status == OnboardingPlan.Status.STOPPED:
        return True
    contact = link.contact
    return contact is not None and (contact.account_id != link.plan.account_id or Erasure.objects.filter(contact_id=contact.pk).exists())


def shared_plan(link: PlanLink, *, today: dt.date) -> SharedPlan:
    """What the page shows; two queries."""
    plan = link.plan
    rows = list(plan.steps.select_related("milestone").order_by("milestone__position", "position"))
    milestones: list[SharedMilestone] = []
    for milestone in plan.milestones.order_by("position"):
        own = [row for row in rows if row.milestone_id == milestone.pk]
        shown = [_shared(row, plan, today) for row in own if row.visible]
        if shown:
            finished = all(row.done_at for row in own if row.required and row.visible) and any(row.done_at for row in own)
            milestones.append(SharedMilestone(milestone.name, milestone.started_at is not None, finished, shown))
    steps = [entry.step for milestone in milestones for entry in milestone.steps]
    owner = plan.owner or plan.account.owner
    return SharedPlan(
        link, plan, milestones, sum(step.done_at is not None for step in steps), len(steps), link.contact.initials if link.contact else "", initials_of(owner.name) if owner else ""
    )  # fmt: skip


def _shared(step: PlanStep, plan: OnboardingPlan, today: dt.date) -> SharedStep:
    theirs = step.side == PlanStep.Side.CUSTOMER
    fixed = plan.told_at is not None and step.required
    return SharedStep(
        step, theirs, step.done_at is None and step.due_on is not None and step.due_on < today, theirs and step.done_at is None,
        theirs and step.done_how == PlanStep.How.CUSTOMER and not fixed,
    )  # fmt: skip


def initials_of(name: str) -> str:
    """One or two letters of a name."""
    words = name.split()
    return "" if not words else words[0][:1] + (words[-1][:1] if len(words) > 1 else "")
