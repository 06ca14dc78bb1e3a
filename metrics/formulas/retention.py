"""Churn, retention and growth from the parts of an MRR bridge. Pure; ratios over nothing are None.

Definitions: `docs/metrics.md`, churn and retention.
"""

from __future__ import annotations

from decimal import Decimal

from metrics.formulas.numbers import ratio


def gross_churn(*, opening: Decimal, churned: Decimal, contraction: Decimal) -> Decimal | None:
    """(churned + contraction) / opening = 1 - GRR."""
    return ratio(churned + contraction, opening)


def net_churn(*, opening: Decimal, churned: Decimal, contraction: Decimal, expansion: Decimal, reactivation: Decimal = Decimal(0)) -> Decimal | None:
    """(churned + contraction - expansion - reactivation) / opening; may be negative."""
    return ratio(churned + contraction - expansion - reactivation, opening)


def gross_retention(*, opening: Decimal, churned: Decimal, contraction: Decimal) -> Decimal | None:
    """What is kept of the opening book without any growth; at most 1."""
    return ratio(opening - churned - contraction, opening)


def net_retention(*, opening: Decimal, churned: Decimal, contraction: Decimal, expansion: Decimal) -> Decimal | None:
    """Closing MRR of the opening customers / opening; new and reactivated accounts are out."""
    return ratio(opening - churned - contraction + expansion, opening)


def quick_ratio(*, gained: Decimal, lost: Decimal) -> Decimal | None:
    """Gained / lost; None when nothing was lost."""
    return ratio(gained, lost)


def annualised_from_month(rate: Decimal) -> Decimal:
    """1 - (1 - c)^12."""
    return 1 - (1 - rate) ** 12


def annualised_from_days(rate: Decimal, days: Decimal) -> Decimal:
    """1 - (1 - c)^(365 / d) for a rate over d days; a rate of 1 or more stays total."""
    kept = 1 - rate
    return Decimal(1) if kept <= 0 else 1 - kept ** (Decimal(365) / days)
