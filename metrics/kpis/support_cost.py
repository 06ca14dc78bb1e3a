"""What support costs. Definitions: `docs/metrics.md`, support and costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from metrics.formulas.numbers import ratio
from metrics.kpis.costs import Costs, Counts, people_of, spread, whole_cost
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.support_times import resolution_time

Figures = dict[str | None, Figure]
CATEGORIES = ("support", "quality", "service")


def whole_amount(question: Question) -> tuple[Decimal | None, list[str]]:
    """What support cost in the period, over everybody, and the currencies without a rate (then the amount is None)."""
    return whole_cost(question, CATEGORIES)


def support_cost(question: Question, by: str | None) -> Figures:
    """The cost of the period as an amount, for each resolved ticket, or for each customer at the end.

    A line belongs to its category and to those named in its tags, and counts once in the sum. Lines
    without a segment are shared out by customers where segments are asked for.
    """
    people = people_of(question)
    asked_for = replace(question, filters={name: values for name, values in question.filters.items() if name == "segment"})
    return _figures(question, asked_for, by, spread(question, CATEGORIES, by, people), people.asked)


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
        costs = groups.get(key) or Costs(by_category=dict.fromkeys(CATEGORIES, Decimal(0)))
        customers, tickets = (asked.get(key, 0), resolved.get(key, 0)) if by == "segment" else (sum(asked.values()), resolved.get(None, 0))
        total = None if costs.missing else costs.total
        over = {"amount": None, "per_resolved_ticket": tickets, "per_customer": customers}[question.variant]
        value = total if over is None or total is None else ratio(total, over)
        parts = {"cost": total, **{f"cost_{name}": None if costs.missing else costs.by_category[name] for name in CATEGORIES}}
        figures[key] = Figure(value=value, numerator=total, denominator=over, parts={**parts, "resolved_tickets": tickets, "customers": customers}, missing=sorted(costs.missing))
    return figures
