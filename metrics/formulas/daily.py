"""Churn as a sum over days, and movements of single changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

NEW, REACTIVATION, EXPANSION, CONTRACTION, CHURNED = "new", "reactivation", "expansion", "contraction", "churned"
MOVEMENTS = (NEW, EXPANSION, CONTRACTION, CHURNED, REACTIVATION)


def daily_sum(days: Iterable[tuple[Decimal | int, Decimal | int]]) -> Decimal | None:
    """Sum over days of (1 - kept / at start); days that start with nothing are left out, None where all do."""
    parts = [1 - Decimal(kept) / start for start, kept in days if start]
    return sum(parts, Decimal(0)) if parts else None


def start_plus_new_churn(*, churn_events: int, start: int, new: int) -> Decimal | None:
    """Churn events / (customers at the start + new ones); who leaves twice counts twice."""
    over = start + new
    return Decimal(churn_events) / over if over else None


def movement(*, before: int, after: int, delta: Decimal, had_paid: bool) -> str:
    """What one change of an account is: `before` and `after` are how many spans earn, `had_paid` whether it ever had before."""
    if not before:
        return REACTIVATION if had_paid else NEW
    if not after:
        return CHURNED
    return EXPANSION if delta > 0 else CONTRACTION
