"""The live figures that a return is worked out from, each with how many stand behind it. They can be frozen with a scenario."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from metrics.dashboards import last_months
from metrics.formulas.lifetime_value import mean
from metrics.formulas.numbers import ratio
from metrics.formulas.roi import Plan
from metrics.kpis.assumptions import stored
from metrics.kpis.costs import Costs, People, lines_of, people_of, spread
from metrics.kpis.engine import ask
from metrics.kpis.lifetime_value import closed_months, months_within
from metrics.kpis.question import Question
from metrics.kpis.retention import arpa
from metrics.kpis.return_on_experience import CHURN_MONTHS, PROGRAMME, TEAM, lost_in
from metrics.models import Assumption
from surveys.scoring import t_975, wilson_interval

# lengths of the period whose costs and losses are taken, in closed months
SPANS = (3, 6, 12, 24)
CUSTOMERS, SHARE, LOSSES, LINES = "customers", "share", "losses", "lines"
# in the ledger, though by definition no part of what the return is measured against
BESIDE = ("onboarding", "training")


@dataclass(frozen=True)
class Basis:
    """What the live figures are about: so many closed months, of one segment or all."""

    months: int = 12
    segment: str = ""

    def period(self, now: dt.datetime) -> tuple[str, str]:
        """Start and exclusive end as days."""
        return last_months(now, self.months)


@dataclass(frozen=True)
class LiveInput:
    """One input as measured. `counted` says what `count` counts (of `of`, where it is a share)."""

    value: Decimal | None
    count: int | None = None
    of: int | None = None
    counted: str = ""
    interval: tuple[Decimal, Decimal] | None = None
    # nothing measured it: the figure stands for "not known better"
    assumed: bool = False

    def frozen(self) -> dict[str, Any]:
        """As texts and numbers, to be stored."""
        told = asdict(self)
        return {**told, "value": None if self.value is None else str(self.value), "interval": None if self.interval is None else [str(edge) for edge in self.interval]}

    @classmethod
    def thawed(cls, told: Mapping[str, Any]) -> LiveInput:
        """As it was frozen."""
        interval = told.get("interval")
        return cls(
            value=None if told.get("value") is None else Decimal(told["value"]), count=told.get("count"), of=told.get("of"), counted=told.get("counted", ""),
            interval=(Decimal(interval[0]), Decimal(interval[1])) if interval else None, assumed=bool(told.get("assumed")),
        )  # fmt: skip


@dataclass(frozen=True)
class LiveFigures:
    """All of them at one instant, with what lies beside in the ledger."""

    start: str
    end: str
    segment: str
    inputs: Mapping[str, LiveInput]
    customers: int = 0
    beside: Decimal = Decimal(0)
    missing: list[str] = field(default_factory=list)

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """The first and the last day of the period."""
        return dt.date.fromisoformat(self.start), dt.date.fromisoformat(self.end) - dt.timedelta(days=1)

    @property
    def plan(self) -> Plan:
        """The inputs as they were measured."""
        return Plan(**{name: one.value for name, one in self.inputs.items()})

    @property
    def known(self) -> bool:
        """Whether there is anything to work with."""
        arpa = self.inputs["arpa"].value
        return arpa is not None and arpa > 0

    def frozen(self) -> dict[str, Any]:
        """As texts and numbers, to be stored."""
        return {
            "start": self.start, "end": self.end, "segment": self.segment, "inputs": {name: one.frozen() for name, one in self.inputs.items()},
            "customers": self.customers, "beside": str(self.beside), "missing": list(self.missing),
        }  # fmt: skip

    @classmethod
    def thawed(cls, told: Mapping[str, Any]) -> LiveFigures:
        """As they were frozen."""
        return cls(
            start=told["start"], end=told["end"], segment=told["segment"], inputs={name: LiveInput.thawed(one) for name, one in told["inputs"].items()},
            customers=told["customers"], beside=Decimal(told["beside"]), missing=list(told["missing"]),
        )  # fmt: skip


def live_figures(*, basis: Basis, scope: Iterable[int] | None, now: dt.datetime) -> LiveFigures:
    """What `cx_roi` would answer with for the same period, segment and scope, and what stands behind it. Raises WrongQuestion for an unknown segment."""
    start, end = basis.period(now)
    question = ask(name="cx_roi", start=start, end=end, segment=basis.segment or None, now=now, accounts=None if scope is None else list(scope))
    earned, margin = arpa(question, None)[None], stored(Assumption.Name.MARGIN)
    # the months of both the churn and the losses, the earliest first, read at once
    counts = lost_in(question, None, closed_months(question, max(CHURN_MONTHS, basis.months))).get(None, [])
    costs, beside, missing = _costs(question)
    inputs = {
        "arpa": LiveInput(earned.value, earned.parts["customers"], counted=CUSTOMERS, interval=earned.interval),
        "margin": LiveInput(Decimal(1), assumed=True) if margin is None else LiveInput(margin),
        "churn": _churn(counts[-CHURN_MONTHS:]),
        "lost": _lost(counts[-basis.months :], months_within(question)),
        **costs,
        "cost_other": LiveInput(Decimal(0), assumed=True),
        "one_off_cost": LiveInput(Decimal(0), assumed=True),
    }
    return LiveFigures(start=start, end=end, segment=basis.segment, inputs=inputs, customers=earned.parts["customers"], beside=beside, missing=sorted({*earned.missing, *missing}))


def _churn(counts: list[tuple[int, int]]) -> LiveInput:
    """The mean of the monthly rates, with all customer months they were counted over; its interval is Wilson's around these."""
    lost, start = sum(lost for lost, _start in counts), sum(start for _lost, start in counts)
    return LiveInput(mean(ratio(lost, start) for lost, start in counts), lost, start, SHARE, wilson_interval(lost, start))


def _lost(counts: list[tuple[int, int]], months: Decimal) -> LiveInput:
    """Customers lost in the mean month."""
    lost = sum(lost for lost, _start in counts)
    return LiveInput(ratio(lost, months), lost, counted=LOSSES)


def _costs(question: Question) -> tuple[dict[str, LiveInput], Decimal, set[str]]:
    """The cost of the mean month by category, each line in one of them, so that they add up to what `cx_roi` takes off.

    Then what lies beside it in the ledger, and the currencies without a rate.
    """
    narrowed = question.segment is not None or question.scope is not None
    # customers matter only where costs are shared out between them
    people, months = people_of(question) if narrowed else People({}, {}, narrowed=False, sees_all=True), months_within(question)
    found: dict[str, LiveInput] = {}
    missing: set[str] = set()
    for categories in (TEAM, PROGRAMME):
        groups, lines = spread(question, categories, "category", people), lines_of(question, categories)
        for name in categories:
            costs = groups.get(name) or Costs()
            missing |= costs.missing
            found[f"cost_{name}"] = LiveInput(None if costs.missing else ratio(costs.total, months), lines.get(name, 0), counted=LINES)
    beside = spread(question, BESIDE, None, people).get(None) or Costs()
    return found, Decimal(0) if beside.missing else ratio(beside.total, months) or Decimal(0), missing


def standard_error(one: LiveInput) -> float:
    """The standard error behind the interval of a mean; 0 where it has none."""
    if one.interval is None or one.count is None or one.count < 2:
        return 0.0
    return float((one.interval[1] - one.interval[0]) / 2 / t_975(one.count - 1))
