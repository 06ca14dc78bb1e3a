"""What keeping more customers brings, and what it costs. Pure; None where something needed is not known.

Definitions: `docs/metrics.md`, return on customer experience.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from metrics.formulas.numbers import ratio

SIMPLE, CUMULATIVE, WITH_CHURN = "simple", "cumulative", "cumulative_with_churn"


def customer_months(variant: str, months: int, churn: Decimal | None = None) -> Decimal | None:
    """Months of revenue that one customer more kept each month stands for, over so many months.

    `simple`: n. `cumulative`: n(n + 1)/2, all of them stay. `cumulative_with_churn`: they leave again at the
    monthly churn, sum over m = 1..n of sum over j = 0..m-1 of (1 - c)^j; None without a churn.
    """
    if variant == SIMPLE:
        return Decimal(months)
    if variant == CUMULATIVE:
        return Decimal(months * (months + 1)) / 2
    if churn is None:
        return None
    staying, there, total = Decimal(1), Decimal(0), Decimal(0)
    for _month in range(months):
        there += staying
        total += there
        staying *= 1 - churn
    return total


@dataclass(frozen=True)
class Return:
    """One line: k customers more kept a month, over so many months."""

    k: int
    months: int
    gain: Decimal | None
    cost: Decimal | None

    @property
    def net(self) -> Decimal | None:
        """Gain less cost."""
        return None if self.gain is None or self.cost is None else self.gain - self.cost

    @property
    def roi(self) -> Decimal | None:
        """Net / cost; None when it costs nothing."""
        return None if self.net is None or self.cost is None else ratio(self.net, self.cost)

    @property
    def multiple(self) -> Decimal | None:
        """Gain / cost = ROI + 1; None when it costs nothing."""
        return None if self.gain is None or self.cost is None else ratio(self.gain, self.cost)


def gain(variant: str, *, k: Decimal | int, months: int, worth: Decimal | None, churn: Decimal | None = None) -> Decimal | None:
    """k x what a customer is worth a month x customer months."""
    held = customer_months(variant, months, churn)
    return None if worth is None or held is None else k * worth * held


def total_cost(*, months: int, per_month: Decimal | None, one_off: Decimal = Decimal(0)) -> Decimal | None:
    """months x cost a month + one-off costs."""
    return None if per_month is None else months * per_month + one_off
