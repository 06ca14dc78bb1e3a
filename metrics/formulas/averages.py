"""Money for each order, contract, customer; shares of trials. Pure; over nothing they are None.

Definitions: `docs/metrics.md`, orders, contracts, trials and costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from metrics.formulas.numbers import ratio


def average_order_value(*, revenue: Decimal, orders: int) -> Decimal | None:
    """Completed revenue net of refunds / completed orders."""
    return ratio(revenue, orders)


def revenue_per_customer(*, revenue: Decimal, customers: Decimal | int) -> Decimal | None:
    """Revenue of a period / customers, counted at an instant or on average."""
    return ratio(revenue, customers)


def average_customers(*, start: int, end: int) -> Decimal:
    """(customers at the start + customers at the end) / 2."""
    return Decimal(start + end) / 2


@dataclass(frozen=True)
class Contract:
    """What was signed: the whole value with its one-time fees, and the term in years."""

    total: Decimal
    years: Decimal = Decimal(1)
    one_time_fees: Decimal = Decimal(0)

    @property
    def yearly(self) -> Decimal:
        """The recurring value of one year."""
        return (self.total - self.one_time_fees) / self.years


def contract_value_per_new_customer(*, total: Decimal, new_customers: int) -> Decimal | None:
    """Value of the contracts signed / customers whose first contract is among them."""
    return ratio(total, new_customers)


def annualised_contract_value(contracts: Iterable[Contract], year: int = 1) -> Decimal | None:
    """The mean yearly value of the contracts that run in their `year`-th year: whose term is longer than the years before."""
    yearly = [contract.yearly for contract in contracts if contract.years > year - 1]
    return ratio(sum(yearly, Decimal(0)), len(yearly))


def conversion_rate(*, converted: int, started: int) -> Decimal | None:
    """Converted / started."""
    return ratio(converted, started)


def cost_per_customer(*, cost: Decimal, customers: int) -> Decimal | None:
    """Cost of a period / customers, or / customers kept."""
    return ratio(cost, customers)
