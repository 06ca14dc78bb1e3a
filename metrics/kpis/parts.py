"""Which parts of a figure are sums over its rows too, and what each row adds to them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from metrics.kpis.rows import ANSWERS, COSTS, CountedRow, why_no_rows
from metrics.kpis.rows import NATURAL as NATURAL_ROWS

Adds = Callable[[CountedRow], Decimal | int]

# parts of accounts that are means, rates, lengths or counts of something else: those of accounts do not add up to those of the whole
_NO_SUMS = frozenset({
    "arpa", "annualised", "order_value", "orders_per_month", "lifespan_months", "expected_tenure", "horizon_months", "discount_rate", "margin", "churn", "retention",
    "rate", "grr", "share", "mean_of_mailings", "closure_rate", "cohorts", "median", "p90", "oldest_age", "unanswered_median_age", "unanswered_oldest_age",
    # a contact that answers for two accounts is one respondent
    "respondents",
})  # fmt: skip
# of tickets and contacts that are rows themselves: which side counts the part
_BY_SIDE: dict[tuple[str, str], dict[str, str]] = {
    ("first_response_time", "standard"): {"count": "denominator"},
    ("resolution_time", "full"): {"count": "denominator"},
    ("fcr", "all_issues"): {"issues": "denominator", "resolved_first_contact": "numerator"},
    ("aht", "standard"): {"interactions": "denominator"},
    ("ticket_volume", "created"): {"tickets": "numerator"},
    ("ticket_backlog", "older_than_target"): {"older": "numerator"},
    ("ticket_backlog", "open"): {"open": "numerator"},
    ("support_cost", "amount"): {"cost": "numerator"},
    ("support_cost", "per_resolved_ticket"): {"cost": "numerator", "resolved_tickets": "denominator"},
    ("support_cost", "per_customer"): {"cost": "numerator", "customers": "denominator"},
    ("crc", "per_customer"): {"cost": "numerator", "customers": "denominator"},
    ("crc", "per_retained_customer"): {"cost": "numerator", "retained_customers": "denominator"},
}


def adds_to(kpi: str, variant: str, part: str) -> Adds | None:
    """What a row adds to a part of its figure; None for a part that is no sum over rows."""
    if why_no_rows(kpi, variant) or kpi == "tenure_survival" or part in _NO_SUMS:
        return None
    side = _BY_SIDE.get((kpi, variant), {}).get(part)
    if side is not None:
        return lambda row: getattr(row, side) or 0
    if kpi in ANSWERS:
        span = _scores(kpi, variant, part)
        return None if span is None else lambda row: int(span[0] <= row.parts["score"] <= span[1])
    if kpi in COSTS:
        name = part.removeprefix("cost_")
        return (lambda row: row.numerator or 0 if name in row.parts.get("counted_as", ()) else 0) if part.startswith("cost_") else None
    if kpi == "ats":
        level = part.removeprefix("level_")
        return (lambda row: int(row.numerator == int(level))) if level.isdigit() else None
    if (kpi, variant) in NATURAL_ROWS:
        return None
    return lambda row: _number(row.parts.get(part))


def _number(value: object) -> Decimal | int:
    return value if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else 0


def _scores(kpi: str, variant: str, part: str) -> tuple[int, int] | None:
    """From which score to which an answer belongs to a part."""
    # of NPS the latest answer of each person counts, so that its answers are not its rows
    if part == "responses" and kpi != "nps":
        return (-1, 100)
    if part.startswith("score_") and part[6:].isdigit():
        return (int(part[6:]), int(part[6:]))
    if kpi == "nps":
        return {"promoters": (9, 10), "passives": (7, 8), "detractors": (0, 6)}.get(part)
    if kpi == "csat":
        return {"satisfied": (4, 5)}.get(part)
    easiest = 6 if variant == "index_7" else 5
    return {"easy": (easiest, 7), "neutral": (4, easiest - 1), "hard": (1, 3)}.get(part)
