"""The page of the studio: inputs, gains in the three ways of counting, what is left after all costs, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from metrics.formulas.monte_carlo import Distribution, Outcome
from metrics.formulas.returns import WITH_CHURN, Return
from metrics.formulas.roi import VARIANTS, Plan, Swing, break_even
from metrics.roi import sensitivity
from metrics.roi.choices import Choices
from metrics.roi.inputs import LABELS, InputRow, amount, plan_of, rows, told
from metrics.roi.live import LiveFigures

STAND, COST = ("arpa", "margin", "churn", "lost"), ("cost_team", "cost_programme", "cost_tools", "cost_marketing", "cost_other", "one_off_cost")


def length(months: int) -> str:
    """A number of months in words: a month, a quarter, a year, 3 years."""
    if months == 3:
        return _("a quarter")
    if months % 12 == 0:
        return ngettext("a year", "%(count)s years", months // 12) % {"count": wording.number(months // 12)}
    return ngettext("a month", "%(count)s months", months) % {"count": wording.number(months)}


@dataclass(frozen=True)
class Gains:
    """One way of counting: what each k brings over each length, and what goes when nothing is done."""

    variant: str
    rows: list[tuple[int, list[Decimal | None]]]
    loss: list[Decimal | None]
    chosen: bool


@dataclass(frozen=True)
class Returns:
    """One k by the chosen way: its lines, and the month that pays all back (None: not within 50 years)."""

    k: int
    lines: list[Return]
    payback: int | None


@dataclass(frozen=True)
class SwingRow:
    """One bar of the tornado in words."""

    name: str
    label: str
    low: str
    high: str
    swing: Swing


class Studio:
    """One set of choices worked out on one set of live figures; what the page, the board page, the export and the comparison show."""

    def __init__(self, live: LiveFigures, choices: Choices, *, typed: Mapping[str, str] | None = None, errors: Mapping[str, list[str]] | None = None):
        self.live, self.choices = live, choices
        self.errors = dict(errors or {})
        self.plan: Plan = plan_of(live, choices)
        self.inputs: dict[str, InputRow] = rows(live, choices, typed or {}, self.errors)

    @property
    def revenue_only(self) -> bool:
        """Whether no margin is taken off, so that gains are revenue."""
        return self.inputs["margin"].state == "assumed"

    @property
    def stand(self) -> list[InputRow]:
        """The inputs of step one."""
        return [self.inputs[name] for name in STAND]

    @property
    def costs(self) -> list[InputRow]:
        """The inputs of step four."""
        return [self.inputs[name] for name in COST]

    @property
    def lengths(self) -> list[tuple[int, str]]:
        """The lengths asked for, in words."""
        return [(months, length(months)) for months in self.choices.months]

    @cached_property
    def gains(self) -> list[Gains]:
        """All three ways of counting."""
        return [
            Gains(
                variant,
                [(k, [self.plan.gain(variant, k=k, months=months) for months in self.choices.months]) for k in self.choices.ks],
                [self.plan.loss(variant, months) for months in self.choices.months],
                variant == self.choices.variant,
            )
            for variant in VARIANTS
        ]

    @cached_property
    def returns(self) -> list[Returns]:
        """What is left after all costs, by the chosen way."""
        return [
            Returns(k, [self.plan.line(self.choices.variant, k=k, months=months) for months in self.choices.months], self.plan.payback(self.choices.variant, k=k))
            for k in self.choices.ks
        ]

    @property
    def focus(self) -> Return:
        """The line that the sensitivity is about."""
        return self.plan.line(self.choices.variant, k=self.choices.focus_k, months=self.choices.focus_months)

    @property
    def focus_words(self) -> str:
        """The line that the sensitivity is about, in words."""
        return _("%(k)s more kept each month, over %(length)s") % {"k": wording.number(self.choices.focus_k), "length": length(self.choices.focus_months)}

    @property
    def payback(self) -> int | None:
        """The pay-back month of that k."""
        return self.plan.payback(self.choices.variant, k=self.choices.focus_k)

    @property
    def break_even(self) -> Decimal | None:
        """How many more have to be kept for the costs to come back within the length looked at."""
        return break_even(self.plan, self.choices.variant, self.choices.focus_months)

    @cached_property
    def swings(self) -> list[SwingRow]:
        """The tornado, the widest first."""
        found = sensitivity.swings(self.live, self.plan, self.choices)
        return [SwingRow(one.name, str(LABELS[one.name]), told(one.name, one.low), told(one.name, one.high), one) for one in found]

    @cached_property
    def drawn(self) -> dict[str, Distribution] | None:
        """What the draws are made from."""
        return sensitivity.distributions(self.live, self.plan, self.choices)

    @cached_property
    def outcome(self) -> Outcome | None:
        """What the draws came to."""
        return sensitivity.outcome(self.drawn, self.choices)

    @property
    def distributions(self) -> list[tuple[str, str]]:
        """Every input with its distribution in words."""
        return [] if self.drawn is None else sensitivity.named(self.drawn, self.live, self.choices)

    @property
    def without_churn(self) -> bool:
        """Whether the chosen way needs a churn that is not known."""
        return self.choices.variant == WITH_CHURN and self.plan.churn is None

    @property
    def summary(self) -> str:
        """The one sentence for those who read no further; empty where nothing can be said."""
        line = self.focus
        if line.net is None or line.cost is None:
            return ""
        return _("Keeping %(k)s more customers each month over %(length)s brings %(gain)s, costs %(cost)s and leaves %(net)s.") % {
            "k": wording.number(line.k), "length": length(line.months), "gain": amount(line.gain), "cost": amount(line.cost), "net": amount(line.net),
        }  # fmt: skip
