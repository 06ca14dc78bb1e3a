"""What plans include, for the page: every plan that an account has, and one of them with all features."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef

from accounts.models import Account, Feature
from metrics.models import PlanFeature

MOST_PLANS, MOST_FEATURES = 200, 300


@dataclass(frozen=True)
class Plan:
    """One plan: how many accounts have it, and whether somebody chose its features."""

    plan: str
    accounts: int
    features: int
    by_hand: bool


@dataclass(frozen=True)
class Choice:
    """One feature in the form of a plan."""

    pk: int
    key: str
    included: bool
    used: bool


@dataclass(frozen=True)
class PlanTold:
    """One plan with all features."""

    plan: str
    by_hand: bool
    choices: list[Choice]
    cut: bool


def plans() -> list[Plan]:
    """The plans of customers by how many have them; at most 200."""
    open_rows = PlanFeature.objects.filter(valid_to__isnull=True)
    counted: dict[tuple[str, bool], int] = {(row["plan"], row["by_hand"]): row["features"] for row in open_rows.order_by().values("plan", "by_hand").annotate(features=Count("pk"))}
    rows = Account.objects.filter(excluded=False, churned_at__isnull=True).order_by().values("plan").annotate(accounts=Count("pk")).order_by("-accounts", "plan")[:MOST_PLANS]
    return [
        Plan(row["plan"], row["accounts"], counted.get((row["plan"], True)) or counted.get((row["plan"], False), 0), (row["plan"], True) in counted) for row in rows
    ]  # fmt: skip


def plan_told(plan: str) -> PlanTold | None:
    """One plan with its features; None where no account has it."""
    if not Account.objects.filter(plan=plan).exists():
        return None
    mine = PlanFeature.objects.filter(plan=plan, feature=OuterRef("pk"), valid_to__isnull=True)
    features = list(Feature.objects.exclude(key="").annotate(hand=Exists(mine.filter(by_hand=True)), seen=Exists(mine.filter(by_hand=False))).order_by("key")[: MOST_FEATURES + 1])
    by_hand = any(feature.hand for feature in features)
    choices = [Choice(feature.pk, feature.key, feature.hand if by_hand else feature.seen, feature.seen) for feature in features[:MOST_FEATURES]]
    return PlanTold(plan, by_hand, choices, len(features) > MOST_FEATURES)
