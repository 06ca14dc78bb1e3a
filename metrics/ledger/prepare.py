"""What the KPI engine gets before it answers: bridges and MRR of all periods that the month ledger can tell.

Questions it cannot tell (other conventions, breakdowns of spans, periods that are no whole months, a
currency without a rate) come back as they are and are answered by the exact path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from metrics.kpis.changes import Losses
from metrics.kpis.dimensions import fetch
from metrics.kpis.entry import ACCOUNT, MRR_PARAMS, Kpi
from metrics.kpis.question import Question
from metrics.kpis.shoppers import Shoppers
from metrics.ledger.books import bridges_of
from metrics.ledger.losses import losses_by_period
from metrics.ledger.periods import Periods, periods_of
from metrics.ledger.statements import Asked
from metrics.ledger.states import mrr_rows

SUBSCRIPTION, REASON = "subscription", "reason"
# from so many periods on the rows are worked out from the spans where no ledger is built
WORTHWHILE = 3
_STATES = {"mrr": {"standard"}, "arr": {"mrr_x_12"}, "arpa": {"closing"}}
_BRIDGES = {
    "mrr_movements": {"net_per_account"}, "grr": {"standard"}, "nrr": {"cohort"}, "quick_ratio": {"standard", "with_reactivation"},
    "gross_mrr_churn": {"standard", "cancel_only"}, "net_mrr_churn": {"cohort", "with_reactivation"},
}  # fmt: skip
# of subscription accounts and shops, each by their own rule
_CUSTOMERS = {"logo_churn": {"start_of_period", "lost_over_gained"}, "customers_lost": {"start_of_period"}, "customer_retention_rate": {"start_of_period"}}
_KNOWN = {**_STATES, **_BRIDGES, **_CUSTOMERS}
# what a period comes to, by what it is, breakdown and business model
Told = dict[tuple[str, str | None, str | None], Any]


def can_tell(question: Question, by: str | None) -> bool:
    """Whether the month ledger knows the conventions, the breakdown and the filters of a question."""
    return question.variant in _KNOWN.get(question.kpi, ()) and _has(question, None if by == REASON else by)


def _has(question: Question, by: str | None) -> bool:
    """Whether the ledger is kept by the conventions of a question, and tells its accounts apart as that asks."""
    return (
        (by is None or by in ACCOUNT)
        and not question.nobody
        and all(name in ACCOUNT for name in question.filters)
        and all(question.params[name] == param.default for name, param in MRR_PARAMS.items())
    )


def with_bridges(questions: Sequence[Question], by: str | None, *, model: str | None = None) -> list[Question]:
    """Questions of any KPI, which follow one another and differ in their period alone, with the bridges that the ledger can tell."""
    given = list(questions)
    periods, places = periods_of(given) if given and _has(given[0], by) else (None, [])
    if periods is None:
        return given
    asked = Asked.of(given[places[0]], by, model)
    if not asked.stored and len(places) < WORTHWHILE:
        return given
    known: list[Told] = [{} for _ in places]
    _note(known, "bridges", asked, bridges_of(asked, periods), model)
    return _with(given, places, known)


def prepare(kpi: Kpi, questions: Sequence[Question], by: str | None) -> list[Question]:
    """The questions, which follow one another and differ in their period alone, with what is known of each."""
    given = list(questions)
    if not given or kpi.name not in _KNOWN or not can_tell(given[0], by):
        return given
    periods, places = periods_of(given)
    if periods is None:
        return given
    # what was lost is told apart by reason on the exact path
    group = None if by == REASON else by
    shops = kpi.name in _CUSTOMERS and _has_shops(given[places[0]])
    asked = Asked.of(given[places[0]], group, SUBSCRIPTION if shops else None)
    if not asked.stored and len(places) < WORTHWHILE:
        return given
    return _with(given, places, _work_out(kpi.name, asked, periods, reasons=by == REASON, shops=shops))


def _with(given: list[Question], places: list[int], known: list[Told]) -> list[Question]:
    for place, told in zip(places, known, strict=True):
        question = given[place]
        given[place] = replace(question, prepared={(what, question.start, question.until, named, model): value for (what, named, model), value in told.items()})
    return given


def _work_out(name: str, asked: Asked, periods: Periods, *, reasons: bool, shops: bool) -> list[Told]:
    """For each period what it comes to, by what it is, breakdown and business model; everybody subscribes where there are no shops."""
    known: list[Told] = [{} for _ in range(len(periods))]
    if name in _STATES:
        _note(known, "mrr", asked, mrr_rows(asked, periods, spread=name == "arpa", in_force_too=name == "mrr" or asked.by is not None))
        return known
    model = SUBSCRIPTION if name in _CUSTOMERS else None
    _note(known, "bridges", asked, bridges_of(asked, periods), model)
    if name not in _CUSTOMERS or reasons:
        return known
    if name != "customer_retention_rate":
        found = losses_by_period(asked, periods)
        # a currency without a rate leaves events out on the exact path: where that answers, all of it does
        _note(known, "losses", asked, [losses if told else None for losses, told in zip(found, known, strict=True)], model)
    if not shops:
        none: dict[str | None, Losses] = {}
        for told in known:
            told["shoppers", None, None], told["shop_losses", None, None] = {None: Shoppers()}, none
            if asked.by is not None:
                told["shoppers", asked.by, None], told["shop_losses", asked.by, None] = {}, none
    return known


def _note(known: list[Told], what: str, asked: Asked, found: Sequence[dict[str, Any] | None], model: str | None = None) -> None:
    for told, figures in zip(known, found, strict=True):
        if figures is not None:
            told[what, None, model] = figures["whole"]
            if asked.by is not None:
                told[what, asked.by, model] = figures["groups"]


def _has_shops(question: Question) -> bool:
    """Whether anybody might be counted by orders."""
    scope = question.scope
    sql = "SELECT EXISTS (SELECT 1 FROM accounts_account a WHERE a.business_model = 'ecommerce' AND NOT a.excluded AND (%(all)s OR a.id = ANY(%(scope)s::bigint[])))"
    return bool(fetch(sql, {"all": scope is None, "scope": list(scope or ())})[0][0])
