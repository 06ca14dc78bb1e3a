"""The way of the demo's customers through the stages: their stays so far, and rules that lead them on from today."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from accounts.models import Account, LifecycleStage, StageStay
from config.demo.company import Company, Customer
from metrics.actions.stage_sweeps import sweep_everybody

# a renewal is worked on for so many days before its date
RENEWAL_DAYS = 60
ESTABLISHED_AFTER = dt.timedelta(days=120)

RULES: dict[str, dict[str, Any]] = {
    "renewal": {
        "start_rule": {"all": [{"field": "renews_on", "op": "in_next_days", "value": str(RENEWAL_DAYS)}, {"field": "churned", "op": "eq", "value": False}]},
        "end_rule": {"all": [{"field": "renews_on", "op": "in_more_than_days", "value": str(RENEWAL_DAYS)}]},
        "next_stage_id": "established",
    },
    "churned": {
        "start_rule": {"all": [{"field": "churned", "op": "eq", "value": True}]},
        "end_rule": {"all": [{"field": "churned", "op": "eq", "value": False}]},
        "next_stage_id": "adoption",
    },
}


def _points(customer: Customer, today: dt.date) -> list[tuple[dt.date, str]]:
    """When the customer entered which stage, up to today."""
    onboarded = customer.onboarded
    points = [(customer.signed_up, "trial"), (customer.trial_until, "onboarding")]
    points += [(onboarded, "adoption"), (onboarded + ESTABLISHED_AFTER, "established")] if onboarded else []
    end = customer.churned or today
    kept = [point for point in points if point[0] <= end]
    return [*kept, (customer.churned, "churned")] if customer.churned else kept


def walk_stages(company: Company, *, now: dt.datetime) -> int:
    """Writes the stays instead of those that the import began, sets the rules, and lets them lead on; returns how many stays there are."""
    stages = dict(Account.objects.values_list("external_id", "lifecycle_stage_id"))
    ids = dict(Account.objects.values_list("external_id", "pk"))
    stays = []
    for customer in company.customers:
        points = [(dt.datetime.combine(day, dt.time(8), dt.UTC), stage) for day, stage in sorted(_points(customer, company.today), key=lambda point: point[0])]
        points = [point for point in points if point[0] < now]
        if not points or points[-1][1] != stages[customer.key]:
            points.append((max(now - dt.timedelta(days=20), points[-1][0] if points else now), stages[customer.key]))
        for (start, stage), following in itertools.zip_longest(points, points[1:]):
            end, left_for = following or (None, None)
            stays.append(StageStay(account_id=ids[customer.key], stage_id=stage, valid_from=start, valid_to=end, left_for_id=left_for, reason=StageStay.Reason.RULE))
    StageStay.objects.all().delete()
    StageStay.objects.bulk_create(stays)
    for key, fields in RULES.items():
        LifecycleStage.objects.filter(key=key, start_rule__isnull=True).update(**fields)
    sweep_everybody(now=now)
    return StageStay.objects.count()
