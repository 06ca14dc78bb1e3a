"""What the demo company decided: initiatives with their costs, a budget, and customers who came back."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.contrib.admin.models import ADDITION

from accounts.models import Account, Segment, User
from config.demo.company import Company, months_later
from config.demo.rows import Row, at, costs
from metrics.actions.initiatives import measure_initiatives, note_change
from metrics.models import BudgetCategory, BudgetLine, Initiative

# key, name, goal, figure, variant, direction, target, status, begins (months before now), lasts (months, 0: goes on), segment, country, plan by part, cost a month by category, learned
_INITIATIVES: tuple[dict[str, Any], ...] = (
    {
        "key": "onboarding-calls", "name": "Onboarding calls for Core", "goal": "Nobody of Core should leave before the first route was planned: three calls in the first 60 days.",
        "kpi": "logo_churn", "direction": "down", "target": "0.05", "status": "done", "begins": 12, "lasts": 6, "segment": "core", "country": "",
        "plan": {"people": 9_000, "tools": 600}, "costs": {"onboarding": 1_450, "tools": 90},
        "learned": "The second call matters most: that is when the data is in and the planners have questions. The third can be a mail.",
    },
    {
        "key": "named-contact", "name": "A named engineer for VIP", "goal": "VIP customers reach one engineer by name; open problems are gone through every second week.",
        "kpi": "nrr", "direction": "up", "target": "1.02", "status": "running", "begins": 8, "lasts": 0, "segment": "vip", "country": "",
        "plan": {"people": 30_000, "technology": 1_500}, "costs": {"team": 2_900, "programme": 150}, "learned": "",
    },
    {
        "key": "first-answers", "name": "First answers within two hours", "goal": "Every ticket gets its first answer from a person within two hours of the working day.",
        "kpi": "first_response_time", "direction": "down", "target": "7200", "status": "running", "begins": 5, "lasts": 0, "segment": "", "country": "",
        "plan": {"technology": 6_000, "people": 8_000, "tools": 2_400}, "costs": {"programme": 1_250, "support": 1_900, "tools": 420}, "learned": "",
    },
    {
        "key": "turkish-webinars", "name": "Webinars in Turkish", "goal": "Planners in Türkiye learn the product in their own language and recommend it.",
        "kpi": "nps", "direction": "up", "target": "25", "status": "stopped", "begins": 10, "lasts": 4, "segment": "", "country": "TR",
        "plan": {"people": 5_000, "tools": 1_200}, "costs": {"training": 900, "marketing": 350}, "learned": "Few came live, many watched later. We record them now and stop the series.",
    },
    {
        "key": "self-service", "name": "Answers to read for small customers", "goal": "Non-core customers find answers themselves, so that serving them costs less than it brings.",
        "kpi": "grr", "direction": "up", "target": "0.9", "status": "planned", "begins": -1, "lasts": 0, "segment": "non_core", "country": "",
        "plan": {"technology": 7_500, "people": 4_000}, "costs": {}, "learned": "",
    },
)  # fmt: skip


def ledger(company: Company, months: int) -> Iterator[Row]:
    """What the programme costs a month, and the cost lines of initiatives with their tags."""
    for row in costs(company, months):
        yield {**row, "tags": ""}
    yield from tagged_costs(company)


def tagged_costs(company: Company) -> Iterator[Row]:
    """The cost lines of initiatives, by month, with their tags."""
    for entry in _INITIATIVES:
        for index in range(entry["begins"]):
            if entry["lasts"] and index >= entry["lasts"]:
                break
            start = months_later(company.today, index - entry["begins"])
            for category, amount in entry["costs"].items():
                yield {
                    "external_id": f"cost-{entry['key']}-{category}-{start:%Y-%m}", "category": category, "amount": amount, "currency": "EUR", "start": start.isoformat(),
                    "tags": f"initiative:{entry['key']}", "description": entry["name"],
                }  # fmt: skip


def comebacks(company: Company, seed: int) -> Iterator[Row]:
    """New spans of customers who had left for some months; three in five of those who left long enough ago."""
    dice = random.Random(f"comebacks {seed}")
    for customer in company.customers:
        if not customer.churned or not customer.terms or (company.today - customer.churned).days < 150 or dice.random() > 0.6:
            continue
        term, start = customer.terms[-1], customer.churned + dt.timedelta(days=dice.randint(45, 140))
        yield {
            "external_id": f"{customer.key}-back", "account": customer.key, "subscription": f"{customer.key}-back", "start": at(start, 0), "end": "",
            "product": f"Kervan {term.plan}", "kind": "plan", "quantity": max(1, round(term.seats * dice.uniform(0.5, 1.1))), "amount": term.price, "currency": customer.currency,
            "interval": "month", "status": "active",
        }  # fmt: skip


def welcome_back(company: Company, seed: int) -> int:
    """Those who came back are customers again; how many."""
    keys = [row["account"] for row in comebacks(company, seed)]
    return Account.objects.filter(external_id__in=keys).update(churned_at=None, churn_reason="", lifecycle_stage="adoption")


def decide(company: Company, *, months: int, now: dt.datetime) -> int:
    """Puts the initiatives into the register and the budget of this year and the last beside the ledger; how many initiatives."""
    people = {user.email: user for user in User.objects.all()}
    owners = [people.get(email) for email in ("elif@kervan.example", "lead@kervan.example", "lead2@kervan.example")]
    segments = {row.key: row for row in Segment.objects.all()}
    rows = []
    for index, entry in enumerate(_INITIATIVES):
        starts = months_later(company.today, -entry["begins"])
        rows.append(
            Initiative(
                **{name: entry[name] for name in ("key", "name", "goal", "kpi", "direction", "status", "country", "learned")}, target=Decimal(entry["target"]),
                owner=owners[index % len(owners)], created_by=people.get("lead@kervan.example"), starts_on=starts, segment=segments.get(entry["segment"]), currency="EUR",
                ends_on=months_later(starts, entry["lasts"]) - dt.timedelta(days=1) if entry["lasts"] else None,
                **{f"plan_{part}": Decimal(amount) for part, amount in entry["plan"].items()},
            )
        )  # fmt: skip
    Initiative.objects.bulk_create(rows, ignore_conflicts=True)
    for row in Initiative.objects.filter(key__in=[row.key for row in rows], created_by__isnull=False).select_related("created_by"):
        if row.created_by:
            note_change(actor=row.created_by, row=row, flag=ADDITION, changes={}, now=now)
    _plan(company, months)
    measure_initiatives(now=now)
    return len(rows)


def _plan(company: Company, months: int) -> None:
    """A budget near to what the ledger says, rounded to thousands; a little too small for people."""
    spent: dict[tuple[int, int, str], Decimal] = {}
    for row in ledger(company, months):
        day, part = dt.date.fromisoformat(str(row["start"])), BudgetCategory.DEFAULTS[str(row["category"])]
        key = (day.year, (day.month + 2) // 3, part)
        spent[key] = spent.get(key, Decimal(0)) + Decimal(str(row["amount"]))
    lines = []
    for quarter in range(1, 5):
        for year in (company.today.year - 1, company.today.year):
            for part, factor in (("people", Decimal("0.97")), ("tools", Decimal("1.15"))):
                typical = max((amount for (of_year, _of, name), amount in spent.items() if of_year == year and name == part), default=Decimal(0))
                if typical:
                    lines.append(BudgetLine(year=year, quarter=quarter, part=part, amount=max(round(typical * factor / 1000), 1) * 1000, currency="EUR", note=""))
    lines.append(BudgetLine(year=company.today.year, quarter=None, part="technology", amount=10_000, currency="EUR", note="Routing of tickets, monitoring"))
    BudgetLine.objects.bulk_create(lines)
