"""What keeping a customer costs. Definitions: `docs/metrics.md`, costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from metrics.formulas.averages import cost_per_customer
from metrics.kpis.costs import Costs, Counts, people_of, spread
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.retention import customers_by_rule

Figures = dict[str | None, Figure]
CATEGORIES = ("team", "programme", "onboarding", "training", "tools", "marketing")


def crc(question: Question, by: str | None) -> Figures:
    """Customer success cost of the period / customers at the end, or (`per_retained_customer`) / those of the start who are still there.

    A line belongs to its category and to those named in its tags, and counts once in the sum. Lines
    without a segment are shared out by customers where segments are asked for.
    """
    people = people_of(question)
    groups = spread(question, CATEGORIES, by, people)
    kept = _retained(question, by == "segment")
    keys = {None} if by is None else {*groups, *people.asked, *(key for key, count in kept.items() if count)} if by == "segment" else {*groups}
    return {key: _figure(question, by, groups.get(key), people.asked, kept, key) for key in keys}


def _retained(question: Question, by_segment: bool) -> Counts:
    """Customers of the start who are still there, by the segment they were in at the start."""
    people = replace(question, filters={name: values for name, values in question.filters.items() if name == "segment"})
    counts = customers_by_rule(people, "segment" if by_segment else None)
    return {key: book.customers_start - book.customers_churned + shop.customers_start - shop.churned for key, (book, shop) in counts.items()}


def _figure(question: Question, by: str | None, found: Costs | None, asked: Counts, kept: Counts, key: str | None) -> Figure:
    costs = found or Costs(by_category=dict.fromkeys(CATEGORIES, Decimal(0)))
    customers, retained = (asked.get(key, 0), kept.get(key, 0)) if by == "segment" else (sum(asked.values()), kept.get(None, 0))
    total, over = None if costs.missing else costs.total, customers if question.variant == "per_customer" else retained
    return Figure(
        value=None if total is None else cost_per_customer(cost=total, customers=over), numerator=total, denominator=over,
        parts={
            "cost": total, **{f"cost_{name}": None if costs.missing else costs.by_category[name] for name in CATEGORIES},
            "customers": customers, "retained_customers": retained,
        },
        missing=sorted(costs.missing),
    )  # fmt: skip
