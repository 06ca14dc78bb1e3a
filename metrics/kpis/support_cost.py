"""What support costs: cost lines spread over their days. Definitions: `docs/metrics.md`, support."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from decimal import Decimal

from accounts.models import CostEntry, ExchangeRate
from metrics.formulas.numbers import ratio
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, add_months
from metrics.kpis.revenue import mrr
from metrics.kpis.shoppers import shoppers
from metrics.kpis.support_times import resolution_time

Figures = dict[str | None, Figure]
CATEGORIES = ("support", "quality", "service")
Counts = dict[str | None, int]


@dataclass
class Costs:
    """Money of one group, in the reporting currency: each line once, and by category."""

    total: Decimal = Decimal(0)
    by_category: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, Decimal(0)))
    missing: set[str] = field(default_factory=set)


def days_within(entry: CostEntry, question: Question) -> tuple[int, int]:
    """How many of a line's days begin in the period, and how many it has; without an end: the month of its start."""
    end = entry.end or add_months(entry.start.replace(day=1), 1)
    start = entry.start if entry.end else entry.start.replace(day=1)

    def first_day(moment: dt.datetime) -> dt.date:
        # the first day of the zone that begins at the moment or after it
        local = moment.astimezone(question.zone)
        midnight = dt.datetime.combine(local.date(), dt.time(), tzinfo=question.zone)
        return local.date() if midnight.astimezone(dt.UTC) >= moment else local.date() + dt.timedelta(days=1)

    left, right = max(start, first_day(question.start)), min(end, first_day(question.until))
    return max(0, (right - left).days), (end - start).days


def _customers(question: Question) -> Counts:
    """Customers at the end by segment: subscription accounts by MRR, e-commerce accounts by orders."""
    subscribed = mrr(replace(question, filters={**question.filters, "business_model": ("subscription",)}), "segment")
    counts: Counts = {key: figure.parts["customers"] for key, figure in subscribed.items()}
    for key, shop in shoppers(question, "segment").items():
        counts[key] = counts.get(key, 0) + shop.customers_end
    return {key: count for key, count in counts.items() if count}


def _rates(question: Question) -> dict[str, Decimal]:
    """The last rate of each currency before the end of the period."""
    rates = {question.currency: Decimal(1)}
    for currency, day, rate in ExchangeRate.objects.order_by("currency", "day").values_list("currency", "day", "rate"):
        if currency != question.currency and dt.datetime.combine(day, dt.time(), tzinfo=question.zone) < question.until:
            rates[currency] = rate
    return rates


def _is_asked(question: Question, key: str | None) -> bool:
    """Whether rows of a segment are asked for."""
    wanted = question.filters.get("segment")
    return (question.segment is None or key == question.segment) and (wanted is None or (key or "") in wanted)


def _shares(entry_segment: str | None, asked: Counts, everyone: Counts, *, all_of_them: bool, narrowed: bool) -> dict[str | None, Decimal]:
    """Which part of a line falls to which segment: its own wholly; one without a segment by customers.

    A reader who sees some accounts only gets the share of those customers.
    """
    if entry_segment is not None:
        part = ratio(asked.get(entry_segment, 0), everyone.get(entry_segment, 0)) or Decimal(0)
        return {entry_segment: Decimal(1) if all_of_them else part}
    total = sum(everyone.values())
    if not total:
        return {} if narrowed else {None: Decimal(1)}
    return {key: Decimal(count) / total for key, count in asked.items()}


def whole_amount(question: Question) -> tuple[Decimal | None, list[str]]:
    """What support cost in the period, over everybody, and the currencies without a rate (then the amount is None)."""
    rates, total, missing = _rates(question), Decimal(0), set()
    for entry in CostEntry.objects.filter(start__lt=question.until.astimezone(question.zone).date() + dt.timedelta(days=1)):
        inside, days = days_within(entry, question) if {entry.category, *entry.tags} & set(CATEGORIES) else (0, 1)
        if not inside:
            continue
        if entry.currency not in rates:
            missing.add(entry.currency)
            continue
        total += entry.amount * rates[entry.currency] * inside / days
    return (None if missing else total), sorted(missing)


def support_cost(question: Question, by: str | None) -> Figures:
    """The cost of the period as an amount, for each resolved ticket, or for each customer at the end.

    A line belongs to its category and to those named in its tags, and counts once in the sum. Lines
    without a segment are shared out by customers where segments are asked for.
    """
    people = replace(question, filters={name: values for name, values in question.filters.items() if name == "segment"})
    narrowed = question.segment is not None or "segment" in question.filters or question.scope is not None
    asked = _customers(people)
    everyone = _customers(replace(question, filters={}, segment=None, scope=None)) if narrowed else asked
    rates, wanted = _rates(question), question.filters.get("category")
    groups: dict[str | None, Costs] = {}
    for entry in CostEntry.objects.filter(start__lt=question.until.astimezone(question.zone).date() + dt.timedelta(days=1)).select_related("segment"):
        belongs = [name for name in CATEGORIES if name == entry.category or name in entry.tags]
        if not belongs or (wanted is not None and not set(belongs) & set(wanted)):
            continue
        inside, days = days_within(entry, question)
        if not inside:
            continue
        segment = entry.segment.key if entry.segment else None
        if by is None and not narrowed:
            shares: dict[str | None, Decimal] = {segment: Decimal(1)}
        else:
            shares = _shares(segment, asked, everyone, all_of_them=question.scope is None, narrowed=narrowed)
        for key, share in shares.items():
            if not _is_asked(question, key):
                continue
            group = groups.setdefault(None if by is None else key if by == "segment" else entry.category if entry.category in CATEGORIES else belongs[0], Costs())
            rate = rates.get(entry.currency)
            if rate is None:
                group.missing.add(entry.currency)
                continue
            cost = entry.amount * rate * share * inside / days
            group.total += cost
            for name in belongs:
                group.by_category[name] += cost
    return _figures(question, people, by, groups, asked)


def _figures(question: Question, people: Question, by: str | None, groups: dict[str | None, Costs], asked: Counts) -> Figures:
    resolved: Counts = {}
    times = replace(people, variant="full", params={"clock": "calendar"})
    for key, figure in resolution_time(times, "segment" if by == "segment" else None).items():
        resolved[key] = figure.parts["count"]
    if by is None:
        keys: set[str | None] = {None}
    else:
        keys = {*groups, *asked, *(key for key, count in resolved.items() if count)} if by == "segment" else {*groups}
    figures: Figures = {}
    for key in keys:
        costs = groups.get(key) or Costs()
        customers, tickets = (asked.get(key, 0), resolved.get(key, 0)) if by == "segment" else (sum(asked.values()), resolved.get(None, 0))
        total = None if costs.missing else costs.total
        over = {"amount": None, "per_resolved_ticket": tickets, "per_customer": customers}[question.variant]
        value = total if over is None or total is None else ratio(total, over)
        parts = {"cost": total, **{f"cost_{name}": None if costs.missing else costs.by_category[name] for name in CATEGORIES}}
        figures[key] = Figure(value=value, numerator=total, denominator=over, parts={**parts, "resolved_tickets": tickets, "customers": customers}, missing=sorted(costs.missing))
    return figures
