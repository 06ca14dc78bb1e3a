"""Figures whose default depends on the business of the accounts: each kind is computed in its own way.

Where all accounts asked for are e-commerce, their variant answers; otherwise the first variant, over the
subscription accounts, with a flag where others are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.entry import Kpi
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question

MIXED = "mixed_business_models"
SUBSCRIPTION, ECOMMERCE = "subscription", "ecommerce"
Compute = Callable[[Question, str | None], dict[str | None, Figure]]


def models_asked_for(question: Question) -> set[str]:
    """The kinds of business among the accounts in question."""
    conditions = Conditions({"t0": question.start})
    narrow(question, conditions, (ACCOUNT_SQL,), "%(t0)s")
    return {model for (model,) in fetch(f"SELECT DISTINCT a.business_model FROM accounts_account a WHERE NOT a.excluded AND {conditions.sql}", conditions.values)}


def with_default(question: Question, kpi: Kpi) -> Question:
    """The question with the variant that suits its accounts, where none was named."""
    if not question.by_default or kpi.ecommerce_variant is None or models_asked_for(question) != {ECOMMERCE}:
        return question
    return replace(question, variant=kpi.ecommerce_variant, by_default=False)


def settled(question: Question, kpi: Kpi) -> Question:
    """The question as its figure answers it: over subscription accounts alone where the default leaves the others out."""
    if not question.by_default or kpi.ecommerce_variant is None or len(models_asked_for(question)) < 2:
        return replace(question, by_default=False)
    return _only(question, SUBSCRIPTION)


def each_in_its_own_way(compute: Compute, ecommerce_variant: str) -> Compute:
    """A KPI that leaves e-commerce accounts out of its first variant where no variant was named, and says so."""

    def computed(question: Question, by: str | None) -> dict[str | None, Figure]:
        if not question.by_default:
            return compute(question, by)
        models = models_asked_for(question)
        if len(models) < 2:
            return compute(question, by)
        figures = compute(_only(question, SUBSCRIPTION), by)
        if by == "business_model":
            return {**figures, **compute(replace(_only(question, ECOMMERCE), variant=ecommerce_variant), by)}
        for figure in figures.values():
            figure.flags = [*figure.flags, MIXED]
        return figures

    return computed


def _only(question: Question, model: str) -> Question:
    return replace(question, filters={**question.filters, "business_model": (model,)}, by_default=False)
