"""Why one work item stands above another: the parts of two ranks side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import User, WorkAssumption, WorkItem
from accounts.queries.effort import Effort
from accounts.queries.work_filter import Days

# what a rank is made of, in the order in which the page tells it
FACTORS = ("yearly", "risk", "saves", "minutes")


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One item with the parts of its rank; money a year and an hour in millionths, risk and saved share from 0 to 1."""

    item: WorkItem
    group: int
    sunk: bool
    hour: int
    yearly: int
    risk: Decimal | None
    by_health: bool
    saves: Decimal
    minutes: int
    due_at: dt.datetime

    @property
    def place(self) -> tuple[int, bool, int, int]:
        """Where it stands in the order of rank."""
        return self.group, self.sunk, -self.hour, self.item.pk

    def factor(self, name: str) -> float:
        """A part as what it multiplies the rank by."""
        value = getattr(self, name)
        return 0.0 if value is None else 1 / value if name == "minutes" else float(value)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The upper item, the lower one, what decides between them, and which part of the rank differs most (where the rank decides)."""

    upper: Ranked
    lower: Ranked
    decided_by: str
    most: str = ""


def ranked(item: WorkItem, *, days: Days, over: Mapping[int, Effort], assumptions: Mapping[str, WorkAssumption]) -> Ranked:
    """An item (with its account and snapshot) as the list ranks it."""
    snapshot, assumed = item.account.snapshot, assumptions.get(item.type)
    risk = snapshot.churn_risk if snapshot.churn_risk is not None else 1 - Decimal(snapshot.health) / 10_000 if snapshot.health is not None else None
    return Ranked(
        item=item, group=days.group(item.due_at), sunk=item.segment_id in over, hour=item.rank_micros, yearly=12 * snapshot.mrr_micros, risk=risk,
        by_health=snapshot.churn_risk is None, saves=assumed.saves if assumed else Decimal(0), minutes=assumed.minutes if assumed else 60, due_at=item.due_at,
    )  # fmt: skip


def compare(one: Ranked, other: Ranked) -> Compared:
    """Which of two stands above, and by what: `group`, `budget`, `hour` or `age`."""
    upper, lower = sorted((one, other), key=lambda each: each.place)
    if upper.group != lower.group:
        return Compared(upper=upper, lower=lower, decided_by="group")
    if upper.sunk != lower.sunk:
        return Compared(upper=upper, lower=lower, decided_by="budget")
    if upper.hour == lower.hour:
        return Compared(upper=upper, lower=lower, decided_by="age")
    # the part by which the upper one leads most; nothing at all below counts as all there is
    leads = {name: upper.factor(name) / (lower.factor(name) or 1e-9) for name in FACTORS}
    return Compared(upper=upper, lower=lower, decided_by="hour", most=max(FACTORS, key=lambda name: leads[name]))


def two_items(user: User, ids: list[int]) -> list[WorkItem]:
    """The open items of these ids that the user may see, with what their rank is made of; one statement."""
    items = WorkItem.objects.visible_to(user).filter(pk__in=ids, status="open")
    return list(items.select_related("account__snapshot", "segment").order_by("pk")[:2])


def assumptions() -> dict[str, WorkAssumption]:
    """What each type of work is thought to save and to take."""
    return {row.type: row for row in WorkAssumption.objects.all()}
