"""Plans for the tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.actions.onboarding_plans import make_plan
from accounts.models import Account, OnboardingPlan, PlanTemplate, SuccessPlan

# a Tuesday
NOW = dt.datetime(2026, 11, 17, 9, 0, tzinfo=dt.UTC)
SEEN = {"all": [{"field": "last_seen_on", "op": "is_not_empty"}]}


def step(name: str, **parts: Any) -> dict[str, Any]:
    return {"name": name, "details": "", "required": True, "side": "us", "visible": True, "due_days": None, "rule": None, **parts}


OUTLINE = [
    {"name": "Kick-off", "steps": [step("Meet", due_days=3), step("Name a champion", side="customer", due_days=5), step("Send a gift", required=False, visible=False)]},
    {"name": "Go live", "steps": [step("First use", rule=SEEN, due_days=10)]},
]


def template(name: str = "Standard", *, language: str = "en", outline: list[dict[str, Any]] | None = None) -> PlanTemplate:
    return PlanTemplate.objects.create(key=name.lower(), name=name, language=language, milestones=outline or OUTLINE)


def plan(account: Account, *, now: dt.datetime = NOW, language: str = "en", outline: list[dict[str, Any]] | None = None, name: str = "Standard") -> OnboardingPlan:
    made = PlanTemplate.objects.filter(key=name.lower()).first() or template(name, language=language, outline=outline)
    return make_plan(account_id=account.pk, template=made, actor=account.owner, now=now)


def objective(account: Account, **fields: Any) -> SuccessPlan:
    """Halve the time to close a month from ten days to five within a hundred days; measured by hand unless said otherwise."""
    values = {
        "objective": "Close the month faster", "measure_words": "days to close", "start_value": 10, "target_value": 5, "started_on": NOW.date(),
        "target_on": NOW.date() + dt.timedelta(days=100), **fields,
    }  # fmt: skip
    return SuccessPlan.objects.create(account=account, **values)
