"""What a customer is worth over the time it stays. Pure; a part that is missing makes the value None.

Definitions: `docs/metrics.md`, value. Money per month unless said otherwise; rates are fractions.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from metrics.formulas.numbers import ratio
from metrics.formulas.survival import Survival


def over_churn(*, arpa: Decimal | None, churn: Decimal | None, margin: Decimal = Decimal(1)) -> Decimal | None:
    """ARPA x margin / churn, both of one month; None where nobody leaves, since that would be without end."""
    if arpa is None or churn is None or churn <= 0:
        return None
    return arpa * margin / churn


def over_lifespan(*, monthly_value: Decimal | None, lifespan_months: Decimal | None, margin: Decimal = Decimal(1)) -> Decimal | None:
    """What a customer spends in a month x how many months it stays x margin."""
    if monthly_value is None or lifespan_months is None:
        return None
    return monthly_value * lifespan_months * margin


def discounted(*, margin_value: Decimal | None, retention: Decimal | None, discount: Decimal) -> Decimal | None:
    """margin value x r / (1 + d - r), all of the same period (here a year); None where 1 + d - r is not positive."""
    if margin_value is None or retention is None or 1 + discount - retention <= 0:
        return None
    return margin_value * retention / (1 + discount - retention)


def over_tenure(*, arpa: Decimal | None, survival: Survival, horizon: Decimal | None, margin: Decimal = Decimal(1)) -> Decimal | None:
    """ARPA x margin x the months a customer is expected to stay within the horizon; None without tenures."""
    if arpa is None or horizon is None or not survival.subjects:
        return None
    return arpa * margin * survival.mean_within(horizon)


def over_months(*, arpa: Decimal | None, survival: Survival, months: int | None, margin: Decimal = Decimal(1)) -> Decimal | None:
    """ARPA x margin x the sum of S(m) over m = 0 ... months - 1; None without tenures."""
    if arpa is None or months is None or not survival.subjects:
        return None
    return arpa * margin * survival.sum_within(months)


def mean(values: Iterable[Decimal | None]) -> Decimal | None:
    """The mean of the values that are there; None over none."""
    there = [value for value in values if value is not None]
    return ratio(sum(there, Decimal(0)), len(there))


def lifespan_of(churn: Decimal | None) -> Decimal | None:
    """1 / monthly churn: how long a customer stays on average; None where nobody leaves."""
    return None if churn is None or churn <= 0 else 1 / churn
