"""The live figures that a return is worked out from, each with how many stand behind it. They can be frozen with a scenario."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from metrics.dashboards import last_months
from metrics.formulas.numbers import ratio
from metrics.formulas.roi import Plan
from metrics.kpis.assumptions import stored
from metrics.kpis.costs import lines_of, people_of, spread
from metrics.kpis.engine import answer, ask
from metrics.kpis.lifetime_value import closed_months, months_within
from metrics.kpis.question import Question
from metrics.kpis.return_on_experience import CHURN_MONTHS, PROGRAMME, TEAM, inputs_of, lost_in, months_of
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
    """All of them at one instant, with the lifetime value by its KPI and what lies beside in the ledger."""

    start: str
    end: str
    segment: str
    inputs: Mapping[str, LiveInput]
    clv: Decimal | None = None
    customers: int = 0
    beside: Decimal = Decimal(0)
    flags: list[str] = field(default_factory=list)
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
            "clv": None if self.clv is None else str(self.clv), "customers": self.customers, "beside": str(self.beside), "flags": list(self.flags), "missing": list(self.missing),
        }  # fmt: skip

    @classmethod
    def thawed(cls, told: Mapping[str, Any]) -> LiveFigures:
        """As they were frozen."""
        return cls(
            start=told["start"], end=told["end"], segment=told["segment"], inputs={name: LiveInput.thawed(one) for name, one in told["inputs"].items()},
            clv=None if told["clv"] is None else Decimal(told["clv"]), customers=told["customers"], beside=Decimal(told["beside"]), flags=list(told["flags"]),
            missing=list(told["missing"]),
        )  # fmt: skip


def live_figures(*, basis: Basis, scope: Iterable[int] | None, now: dt.datetime) -> LiveFigures:
    """What `cx_roi` would answer with for the same period, segment and scope, and what stands behind it. Raises WrongQuestion for an unknown segment."""
    start, end = basis.period(now)
    accounts = None if scope is None else list(scope)
    asked: dict[str, Any] = {"start": start, "end": end, "segment": basis.segment or None, "now": now, "accounts": accounts}
    question = ask(name="cx_roi", **asked)
    found, missing = inputs_of(question, None)[None]
    arpa = answer(name="arpa", **asked)
    clv = answer(name="clv", variant="arpa_margin_over_churn", **asked)
    margin = stored(Assumption.Name.MARGIN)
    inputs = {
        "arpa": LiveInput(found.arpa, arpa["parts"]["customers"], counted=CUSTOMERS, interval=_interval(arpa["interval_95"])),
        "margin": LiveInput(Decimal(1), assumed=True) if margin is None else LiveInput(margin),
        "churn": _churn(question, found.churn),
        "lost": LiveInput(found.lost, sum(lost for lost, _start in lost_in(question, None, months_of(question)).get(None, [])), counted=LOSSES),
        **_costs(question),
        "cost_other": LiveInput(Decimal(0), assumed=True),
        "one_off_cost": LiveInput(Decimal(0), assumed=True),
    }
    beside = spread(question, BESIDE, None, people_of(question)).get(None)
    months = months_within(question)
    return LiveFigures(
        start=start, end=end, segment=basis.segment, inputs=inputs, clv=None if clv["value"] is None else Decimal(clv["value"]), customers=arpa["parts"]["customers"],
        beside=Decimal(0) if beside is None or beside.missing else ratio(beside.total, months) or Decimal(0), flags=list(clv["flags"]), missing=missing,
    )  # fmt: skip


def _interval(edges: list[str] | None) -> tuple[Decimal, Decimal] | None:
    return None if not edges else (Decimal(edges[0]), Decimal(edges[1]))


def _churn(question: Question, value: Decimal | None) -> LiveInput:
    """The churn with all customer months it was counted over; its interval is Wilson's around them."""
    counts = lost_in(question, None, closed_months(question, CHURN_MONTHS)).get(None, [])
    lost, start = sum(lost for lost, _start in counts), sum(start for _lost, start in counts)
    return LiveInput(value, lost, start, SHARE, wilson_interval(lost, start))


def _costs(question: Question) -> dict[str, LiveInput]:
    """The cost of the mean month by category, each line in one of them, so that they add up to what `cx_roi` takes off."""
    people, months = people_of(question), months_within(question)
    found: dict[str, LiveInput] = {}
    for categories in (TEAM, PROGRAMME):
        groups, lines = spread(question, categories, "category", people), lines_of(question, categories)
        for name in categories:
            costs = groups.get(name)
            value = Decimal(0) if costs is None else None if costs.missing else ratio(costs.total, months)
            found[f"cost_{name}"] = LiveInput(value, lines.get(name, 0), counted=LINES)
    return found


def standard_error(one: LiveInput) -> float:
    """The standard error behind the interval of a mean; 0 where it has none."""
    if one.interval is None or one.count is None or one.count < 2:
        return 0.0
    return float((one.interval[1] - one.interval[0]) / 2 / t_975(one.count - 1))
