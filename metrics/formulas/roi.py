"""What a programme that keeps more customers is worth: gain, cost, net, pay-back, loss of doing nothing. Pure.

Rests on `metrics.formulas.returns`, so that the studio and `cx_roi` cannot disagree. Money a month, rates
as fractions; None where something needed is not known. Definitions: `docs/metrics.md`, ROI studio.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from metrics.formulas.lifetime_value import over_churn
from metrics.formulas.returns import CUMULATIVE, SIMPLE, WITH_CHURN, Return, gain, total_cost

VARIANTS = (SIMPLE, CUMULATIVE, WITH_CHURN)
COSTS = ("cost_team", "cost_programme", "cost_tools", "cost_marketing", "cost_other")
# everything that can be put in by hand; `lost` bears on the loss of doing nothing alone
INPUTS = ("arpa", "margin", "churn", "lost", *COSTS, "one_off_cost")
# a pay-back later than this is none
LATEST_MONTH = 600


@dataclass(frozen=True)
class Plan:
    """All inputs of a return; every one may be unknown but the margin."""

    arpa: Decimal | None = None
    margin: Decimal | None = Decimal(1)
    churn: Decimal | None = None
    lost: Decimal | None = None
    cost_team: Decimal | None = Decimal(0)
    cost_programme: Decimal | None = Decimal(0)
    cost_tools: Decimal | None = Decimal(0)
    cost_marketing: Decimal | None = Decimal(0)
    cost_other: Decimal | None = Decimal(0)
    one_off_cost: Decimal | None = Decimal(0)

    def value(self, name: str) -> Decimal | None:
        """An input by name."""
        return {
            "arpa": self.arpa, "margin": self.margin, "churn": self.churn, "lost": self.lost, "cost_team": self.cost_team, "cost_programme": self.cost_programme,
            "cost_tools": self.cost_tools, "cost_marketing": self.cost_marketing, "cost_other": self.cost_other, "one_off_cost": self.one_off_cost,
        }[name]  # fmt: skip

    def with_value(self, name: str, value: Decimal | None) -> Plan:
        """The same plan with one input another."""
        changed: dict[str, Decimal | None] = {name: value}
        return replace(self, **changed)

    @property
    def worth(self) -> Decimal | None:
        """What one customer brings in a month: ARPA x margin."""
        return None if self.arpa is None or self.margin is None else self.arpa * self.margin

    @property
    def clv(self) -> Decimal | None:
        """ARPA x margin / churn; None where nobody leaves."""
        return None if self.margin is None else over_churn(arpa=self.arpa, churn=self.churn, margin=self.margin)

    @property
    def cost_per_month(self) -> Decimal | None:
        """All costs of a month; None where one of them is not known."""
        costs = [self.value(name) for name in COSTS]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    def gain(self, variant: str, *, k: Decimal | int, months: int) -> Decimal | None:
        """What k customers more kept each month bring over so many months."""
        return gain(variant, k=k, months=months, worth=self.worth, churn=self.churn)

    def cost(self, months: int) -> Decimal | None:
        """What the programme costs over so many months, one-off costs among it."""
        return None if self.one_off_cost is None else total_cost(months=months, per_month=self.cost_per_month, one_off=self.one_off_cost)

    def line(self, variant: str, *, k: int, months: int) -> Return:
        """Gain, cost, net, ROI and multiple of one k and one length."""
        return Return(k=k, months=months, gain=self.gain(variant, k=k, months=months), cost=self.cost(months))

    def net(self, variant: str, *, k: Decimal | int, months: int) -> Decimal | None:
        """Gain less cost."""
        brought, cost = self.gain(variant, k=k, months=months), self.cost(months)
        return None if brought is None or cost is None else brought - cost

    def loss(self, variant: str, months: int) -> Decimal | None:
        """What goes when nothing is done: the customers lost in a month, by the same formula."""
        return None if self.lost is None else self.gain(variant, k=self.lost, months=months)

    def payback(self, variant: str, *, k: Decimal | int) -> int | None:
        """The first month by whose end the gain has made up for all costs, and from then on for good; None within 50 years.

        The gain of a month never falls, so that net is convex and stays above 0 once it came there.
        """
        if self.worth is None or self.cost_per_month is None or (variant == WITH_CHURN and self.churn is None):
            return None
        first, last = 1, LATEST_MONTH
        if not self._pays(variant, k, last):
            return None
        while first < last:
            middle = (first + last) // 2
            if self._pays(variant, k, middle):
                last = middle
            else:
                first = middle + 1
        return first

    def _pays(self, variant: str, k: Decimal | int, months: int) -> bool:
        net = self.net(variant, k=k, months=months)
        return net is not None and net >= 0


def break_even(plan: Plan, variant: str, months: int) -> Decimal | None:
    """How many customers more have to be kept each month for the gain to equal the cost; None where a customer brings nothing."""
    each, cost = plan.gain(variant, k=1, months=months), plan.cost(months)
    return None if each is None or cost is None or each <= 0 else cost / each


@dataclass(frozen=True)
class Swing:
    """What becomes of the return when one input is at its lower and at its upper end."""

    name: str
    low: Decimal
    high: Decimal
    net_low: Decimal
    net_high: Decimal
    roi_low: Decimal | None
    roi_high: Decimal | None
    # whether the ends are the interval of a measured figure, not a share up and down
    measured: bool

    @property
    def width(self) -> Decimal:
        """How far apart the two returns are."""
        return abs(self.net_high - self.net_low)


@dataclass(frozen=True)
class Range:
    """The ends an input is tried at."""

    low: Decimal
    high: Decimal
    measured: bool = False


def range_of(value: Decimal, *, spread: Decimal, interval: tuple[Decimal, Decimal] | None = None, most: Decimal | None = None) -> Range:
    """The interval of an input where it has one, else a share up and down; never below 0, never above `most`."""
    low, high = interval or (value * (1 - spread), value * (1 + spread))
    low, high = max(low, Decimal(0)), high if most is None else min(high, most)
    return Range(min(low, value), max(high, value), interval is not None)


def tornado(plan: Plan, variant: str, *, k: Decimal | int, months: int, ranges: Iterable[tuple[str, Range]]) -> list[Swing]:
    """Each input at both its ends, all others as they are, the widest first. `k` is an input by the name `k`. Empty without a net."""
    swings: list[Swing] = []
    if plan.net(variant, k=k, months=months) is None:
        return swings
    for name, ends in ranges:
        outcomes = []
        for value in (ends.low, ends.high):
            tried, kept = (plan, value) if name == "k" else (plan.with_value(name, value), k)
            net, cost = tried.net(variant, k=kept, months=months), tried.cost(months)
            outcomes.append((net, net / cost if net is not None and cost else None))
        (net_low, roi_low), (net_high, roi_high) = outcomes
        if net_low is not None and net_high is not None:
            swings.append(Swing(name, ends.low, ends.high, net_low, net_high, roi_low, roi_high, ends.measured))
    return sorted(swings, key=lambda swing: (-swing.width, swing.name))
