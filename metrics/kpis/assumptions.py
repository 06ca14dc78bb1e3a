"""What figures of value assume: the question's own number, else the organisation's, else what the definition says."""

from __future__ import annotations

from decimal import Decimal

from metrics.kpis.question import Question
from metrics.models import Assumption

# said of every figure of value that no margin was taken off
REVENUE_NOT_PROFIT = "revenue_not_profit"
MONTHS_OF_ACTIVITY = 6
DISCOUNT_RATE = Decimal("0.1")


def stored(name: str) -> Decimal | None:
    """The organisation's number, or None."""
    return Assumption.objects.filter(name=name).values_list("value", flat=True).first()


def margin(question: Question) -> tuple[Decimal, list[str]]:
    """The gross margin (0-1) and the flags it brings: without any it is 1, and the figure is revenue, not profit."""
    found = question.params.get("margin")
    if found is None:
        found = stored(Assumption.Name.MARGIN)
    return (Decimal(1), [REVENUE_NOT_PROFIT]) if found is None else (found, [])


def discount_rate(question: Question) -> Decimal:
    """The discount rate a year; 0.1 where none was set."""
    found = question.params.get("discount_rate")
    if found is None:
        found = stored(Assumption.Name.DISCOUNT_RATE)
    return DISCOUNT_RATE if found is None else found


def lifespan_months(question: Question) -> Decimal | None:
    """The lifespan that was given or set, in months; None where it has to be worked out."""
    found = question.params.get("lifespan_months")
    return stored(Assumption.Name.LIFESPAN_MONTHS) if found is None else found


def activity_months() -> int:
    """Months without an order after which a customer counts as lost, where the question does not say."""
    found = stored(Assumption.Name.ACTIVITY_MONTHS)
    return MONTHS_OF_ACTIVITY if found is None else int(found)
