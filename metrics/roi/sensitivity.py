"""How far each input moves the return, and how sure it is: ranges and distributions from the live figures, then the pure formulas."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from django.utils.translation import gettext as _

from accounts import wording
from metrics.formulas.monte_carlo import BETA, CONSTANT, STUDENT, TRIANGLE, Distribution, Outcome, of_share, simulate
from metrics.formulas.returns import WITH_CHURN
from metrics.formulas.roi import COSTS, Plan, Range, Swing, range_of, tornado
from metrics.roi.choices import Choices
from metrics.roi.inputs import LABELS, told
from metrics.roi.live import LiveFigures, standard_error

# what bears on net and ROI; customers lost bear on the loss of doing nothing alone
MOVES = ("arpa", "margin", "churn", *COSTS, "one_off_cost")
MOST = {"margin": Decimal(1), "churn": Decimal(1)}


def swings(live: LiveFigures, plan: Plan, choices: Choices) -> list[Swing]:
    """The tornado: each input at the ends of its own interval, else a share up and down; those that move nothing are left out."""
    ranges: list[tuple[str, Range]] = []
    for name in MOVES:
        value = plan.value(name)
        if value is not None and (name != "churn" or choices.variant == WITH_CHURN):
            interval = None if name in choices.own else live.inputs[name].interval
            ranges.append((name, range_of(value, spread=choices.spread, interval=interval, most=MOST.get(name))))
    ranges.append(("k", range_of(Decimal(choices.focus_k), spread=choices.spread)))
    return [swing for swing in tornado(plan, choices.variant, k=choices.focus_k, months=choices.focus_months, ranges=ranges) if swing.width]


def distributions(live: LiveFigures, plan: Plan, choices: Choices) -> dict[str, Distribution] | None:
    """What each input is drawn from; None where one of them is not known."""
    known = {name: plan.value(name) for name in MOVES}
    if choices.variant != WITH_CHURN:
        known["churn"] = known["churn"] or Decimal(0)
    if any(value is None for value in known.values()):
        return None
    drawn = {name: _drawn(name, value, live, choices) for name, value in known.items() if value is not None}
    return {**drawn, "k": _around(Decimal(choices.focus_k), choices.spread)}


def _drawn(name: str, value: Decimal, live: LiveFigures, choices: Choices) -> Distribution:
    one = live.inputs[name]
    if name not in choices.own:
        if name == "churn" and one.of:
            return of_share(float(value), one.of)
        if name == "arpa" and standard_error(one) and one.count:
            return Distribution(STUDENT, float(value), standard_error(one), one.count - 1)
        if name == "margin" and one.assumed:
            return Distribution(CONSTANT, float(value))
    return _around(value, choices.spread, MOST.get(name))


def _around(value: Decimal, spread: Decimal, most: Decimal | None = None) -> Distribution:
    ends = range_of(value, spread=spread, most=most)
    return Distribution(TRIANGLE, float(value), float(ends.low), float(ends.high)) if ends.low < ends.high else Distribution(CONSTANT, float(value))


def outcome(drawn: dict[str, Distribution] | None, choices: Choices) -> Outcome | None:
    """The draws; None where an input is not known."""
    return None if drawn is None else simulate(drawn, choices.variant, months=choices.focus_months, seed=choices.seed)


def named(drawn: dict[str, Distribution], live: LiveFigures, choices: Choices) -> list[tuple[str, str]]:
    """Every input with its distribution in words; those that bear on nothing are left out."""
    found = []
    for name in ("k", *MOVES):
        one = drawn[name]
        if (name == "churn" and choices.variant != WITH_CHURN) or (one.kind == CONSTANT and not one.value):
            continue
        found.append((str(LABELS[name]), _words(name, one, live)))
    return found


def _words(name: str, one: Distribution, live: LiveFigures) -> str:
    say = partial(told, name)
    if one.kind == BETA:
        measured = live.inputs[name]
        return _("Beta around %(value)s, as sure as %(count)s customer months make it") % {"value": say(Decimal(str(one.value))), "count": wording.number(measured.of or 0)}
    if one.kind == STUDENT:
        return _("Student's t around %(value)s, standard error %(error)s, %(freedom)s degrees of freedom") % {
            "value": say(Decimal(str(one.value))), "error": say(Decimal(str(one.first))), "freedom": wording.number(int(one.second)),
        }  # fmt: skip
    if one.kind == TRIANGLE:
        return _("Triangle from %(low)s to %(high)s with its top at %(value)s") % {
            "low": say(Decimal(str(one.first))), "high": say(Decimal(str(one.second))), "value": say(Decimal(str(one.value))),
        }  # fmt: skip
    return _("fixed at %(value)s") % {"value": say(Decimal(str(one.value)))}
