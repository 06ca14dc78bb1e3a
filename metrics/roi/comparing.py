"""Saved scenarios side by side: inputs and results in rows, what differs marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from accounts import wording
from metrics.formulas.roi import INPUTS
from metrics.models import RoiScenario
from metrics.roi.inputs import LABELS, amount, told
from metrics.roi.studio import Studio

MOST = 6


@dataclass(frozen=True)
class Cell:
    """One figure of one scenario; `differs` from that of the first."""

    text: str
    differs: bool
    own: bool = False


@dataclass(frozen=True)
class ComparedRow:
    """One input or result over all scenarios."""

    label: str
    cells: list[Cell]


@dataclass(frozen=True)
class Comparison:
    """The table: a column a scenario."""

    scenarios: list[RoiScenario]
    inputs: list[ComparedRow]
    results: list[ComparedRow]
    k: int
    months: int


def comparison(scenarios: Sequence[RoiScenario], studios: Sequence[Studio], *, k: int, months: int) -> Comparison:
    """All scenarios at the same k and length, each by its own way of counting."""
    alike = [_at(studio, k, months) for studio in studios]
    inputs = []
    for name in INPUTS:
        texts = [told(name, studio.plan.value(name)) for studio in alike]
        owns = [studio.inputs[name].own for studio in alike]
        inputs.append(ComparedRow(str(LABELS[name]), [Cell(text, text != texts[0], own) for text, own in zip(texts, owns, strict=True)]))
    return Comparison(list(scenarios), inputs, [_row(label, alike, read) for label, read in _results()], k, months)


def _at(studio: Studio, k: int, months: int) -> Studio:
    chosen = replace(studio.choices, ks=tuple(sorted({*studio.choices.ks, k})), months=tuple(sorted({*studio.choices.months, months})), focus=k, horizon=months)
    return Studio(studio.live, chosen)


def _row(label: str, studios: Sequence[Studio], read: Callable[[Studio], str]) -> ComparedRow:
    texts = [read(studio) for studio in studios]
    return ComparedRow(label, [Cell(text, text != texts[0]) for text in texts])


def _results() -> list[tuple[str, Callable[[Studio], str]]]:
    return [
        (_("Lifetime value of a customer"), lambda studio: amount(studio.plan.clv)),
        (_("Gain"), lambda studio: amount(studio.focus.gain)),
        (_("Cost"), lambda studio: amount(studio.focus.cost)),
        (_("Net"), lambda studio: amount(studio.focus.net)),
        (_("ROI"), lambda studio: wording.percent(studio.focus.roi).replace("-", "−")),
        (_("Gain for each unit of cost"), lambda studio: wording.number(studio.focus.multiple)),
        (_("Paid back in month"), lambda studio: wording.DASH if studio.payback is None else wording.number(studio.payback)),
        (_("More to keep to break even"), lambda studio: wording.number(studio.break_even)),
        (_("Loss of doing nothing"), lambda studio: amount(studio.plan.loss(studio.choices.variant, studio.choices.focus_months))),
        (_("Net, 5 of 100 below"), lambda studio: amount(studio.outcome.net[0]) if studio.outcome else wording.DASH),
        (_("Net, 5 of 100 above"), lambda studio: amount(studio.outcome.net[2]) if studio.outcome else wording.DASH),
        (_("Chance that it pays"), lambda studio: wording.percent(studio.outcome.pays) if studio.outcome else wording.DASH),
    ]
