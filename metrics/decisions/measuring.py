"""An initiative measured: its figure before and since, inside and outside its audience, and what the change is worth.

Definitions: `docs/metrics.md`, initiatives. It is no experiment: who was in the audience was not drawn by lot.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.models import Account
from metrics.decisions.audience import audience, narrows
from metrics.decisions.books import Book, books
from metrics.decisions.reader import Reader
from metrics.decisions.spending import Spent, spent_by_tag
from metrics.formulas.comparison import Estimate, difference, error_of, relative
from metrics.kpis.assumptions import margin
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import WrongQuestion, answer, ask
from metrics.models import Initiative

# what cannot be a goal: sums of movements, and a calculation over assumptions
NO_GOALS = frozenset({"mrr_movements", "cx_roi"})
# figures that are sums of all: their change is told in percent, and has no interval
TOTALS = frozenset({"mrr", "arr", "customers_lost", "ticket_volume", "ticket_backlog", "support_cost"})
SHORTEST = 7
# fewer paying customers than this at an opening say nothing about what a change is worth
FEW = 5
# rates of MRR, whose intervals come from the books of the accounts
_FROM_BOOKS: dict[tuple[str, str], tuple[str, int]] = {
    ("nrr", "cohort"): ("net_retention", 1), ("net_mrr_churn", "cohort"): ("net_retention", -1),
    ("grr", "standard"): ("gross_churn", -1), ("gross_mrr_churn", "standard"): ("gross_churn", 1),
}  # fmt: skip


def goals() -> list[str]:
    """The KPIs that an initiative may have for its goal."""
    return [name for name in CATALOGUE if name not in NO_GOALS]


@dataclass(frozen=True)
class Side:
    """The audience or everybody else: how many accounts, the figure before and since, the change between them."""

    accounts: int
    before: Estimate | None
    after: Estimate | None
    change: Estimate | None


@dataclass(frozen=True)
class Worth:
    """What the change of net revenue retention comes to in a year, and what is left of it after the cost. None: it cannot be known, `why` says why."""

    customers: int = 0
    opening: Decimal = Decimal(0)
    effect: Estimate | None = None
    a_year: Estimate | None = None
    margin: Decimal = Decimal(1)
    with_margin: bool = False
    cost: Decimal | None = None
    net: Decimal | None = None
    net_interval: tuple[Decimal, Decimal] | None = None
    why: str = ""


@dataclass(frozen=True)
class Measured:
    """Everything measured of one initiative. `why` is set, and the rest empty, where nothing can be measured yet."""

    before: tuple[dt.date, dt.date]
    after: tuple[dt.date, dt.date]
    inside: Side | None = None
    outside: Side | None = None
    # the change inside less the change outside
    effect: Estimate | None = None
    is_total: bool = False
    variant: str = ""
    spent: Spent = field(default_factory=Spent)
    worth: Worth = field(default_factory=Worth)
    why: str = ""


def spans(initiative: Initiative, today: dt.date) -> tuple[tuple[dt.date, dt.date], tuple[dt.date, dt.date]]:
    """The days since it began, [first, after), until today or its last day, and as many days before them."""
    after = initiative.ends_on + dt.timedelta(days=1) if initiative.ends_on else today
    after = max(initiative.starts_on, min(after, today))
    return (initiative.starts_on - (after - initiative.starts_on), initiative.starts_on), (initiative.starts_on, after)


def measure(initiative: Initiative, reader: Reader, *, scope: list[int] | None) -> Measured:
    """The figures over the accounts of a scope (None: all). Raises WrongQuestion where the KPI does not exist any more."""
    before, after = spans(initiative, reader.today)
    spent = spent_by_tag([initiative.cost_tag], today=reader.today)[initiative.cost_tag]
    if (after[1] - after[0]).days < SHORTEST:
        return Measured(before, after, spent=spent, worth=Worth(cost=spent.total, why="too_early"), why="too_early")
    start = reader.day(initiative.starts_on)
    found: Iterable[int] = audience(initiative, start=start, now=reader.now).values_list("pk", flat=True)
    everybody = set(Account.objects.filter(excluded=False).values_list("pk", flat=True)) if scope is None else set(scope)
    inside = sorted(everybody & set(found)) if narrows(initiative) else sorted(everybody)
    outside = sorted(everybody - set(inside))
    if not inside:
        return Measured(before, after, spent=spent, worth=Worth(cost=spent.total, why="nobody"), why="nobody")
    variant = initiative.variant or CATALOGUE[initiative.kpi].variants[0] if initiative.kpi in CATALOGUE else initiative.variant
    money = [_books(reader, span, inside, scope) for span in (before, after)]
    is_total = initiative.kpi in TOTALS and CATALOGUE[initiative.kpi].unit_of(variant) in {"money", "count"}
    sides = [_side(initiative, reader, variant, ids, before, after, money, key=key, is_total=is_total) for key, ids in ((True, inside), (False, outside)) if ids]
    other = sides[1] if len(sides) > 1 else None
    effect = difference(sides[0].change, other.change) if other else sides[0].change
    return Measured(before, after, sides[0], other, effect, is_total, variant, spent, _worth(reader, money, spent, compared=other is not None))


def _books(reader: Reader, span: tuple[dt.date, dt.date], inside: list[int], scope: list[int] | None) -> dict[Any, Book]:
    question = ask(name="nrr", start=span[0].isoformat(), end=span[1].isoformat(), now=reader.now, accounts=scope)
    return books(question, inside=inside)


def _side(
    initiative: Initiative, reader: Reader, variant: str, ids: list[int], before: tuple[dt.date, dt.date], after: tuple[dt.date, dt.date],
    money: list[dict[Any, Book]], *, key: bool, is_total: bool,
) -> Side:  # fmt: skip
    figures = []
    for span, found in zip((before, after), money, strict=True):
        figure = answer(name=initiative.kpi, variant=variant, start=span[0].isoformat(), end=span[1].isoformat(), now=reader.now, accounts=ids)
        figures.append(_estimate(figure, found.get(key)))
    change = relative(figures[1], figures[0]) if is_total else difference(figures[1], figures[0])
    return Side(len(ids), figures[0], figures[1], change)


def _estimate(figure: dict[str, Any], book: Book | None) -> Estimate | None:
    """A figure with its error: from its own interval, or from the books for rates of MRR."""
    if figure["value"] is None:
        return None
    found = _FROM_BOOKS.get((figure["kpi"], figure["variant"]))
    value = Decimal(figure["value"])
    if found and book:
        estimate = getattr(book, found[0])
        return Estimate(value, estimate.error if estimate else None, book.customers)
    interval = figure["interval_95"]
    count = Decimal(figure["denominator"]) if figure["denominator"] is not None else None
    whole = int(count) if count is not None and count == count.to_integral_value() and figure["unit"] != "money" else None
    return Estimate(value, error_of((Decimal(interval[0]), Decimal(interval[1]))) if interval else None, whole)


def _worth(reader: Reader, money: list[dict[Any, Book]], spent: Spent, *, compared: bool) -> Worth:
    """The change of NRR (less the one outside) x MRR of the audience when it began x 12 x margin, less what was spent."""
    share, flags = margin(ask(name="clv", start=reader.today.isoformat(), end=(reader.today + dt.timedelta(days=1)).isoformat(), now=reader.now))
    was, since = money[0].get(True), money[1].get(True)
    base = Worth(since.customers if since else 0, since.opening if since else Decimal(0), margin=share, with_margin=not flags, cost=spent.total)

    def unknown(why: str) -> Worth:
        return Worth(base.customers, base.opening, margin=base.margin, with_margin=base.with_margin, cost=base.cost, why=why)

    if was is None or since is None or min(was.customers, since.customers) < FEW:
        return unknown("few")
    if was.missing or since.missing:
        return unknown("rates")
    effect = difference(since.net_retention, was.net_retention)
    others = [found.get(False) for found in money]
    if compared and others[0] and others[1] and not others[0].missing and not others[1].missing:
        effect = difference(effect, difference(others[1].net_retention, others[0].net_retention))
    if effect is None:
        return unknown("few")
    a_year = effect.times(since.opening * 12 * share)
    if spent.total is None:
        return Worth(base.customers, base.opening, effect, a_year, base.margin, base.with_margin, None, why="cost")
    interval = a_year.interval
    return Worth(
        base.customers, base.opening, effect, a_year, base.margin, base.with_margin, spent.total, a_year.value - spent.total,
        (interval[0] - spent.total, interval[1] - spent.total) if interval else None,
    )  # fmt: skip


def stored(measured: Measured) -> dict[str, Any]:
    """What is kept of a measure for lists: the effect with its interval, counts, worth. Decimals as texts."""

    def told(estimate: Estimate | None) -> dict[str, Any] | None:
        if estimate is None:
            return None
        interval = estimate.interval
        return {"value": str(estimate.value), "interval": [str(edge) for edge in interval] if interval else None}

    return {
        "why": measured.why, "accounts": measured.inside.accounts if measured.inside else 0, "compared": measured.outside is not None, "total": measured.is_total,
        "effect": told(measured.effect), "a_year": told(measured.worth.a_year), "net": None if measured.worth.net is None else str(measured.worth.net),
        "first": measured.after[0].isoformat(), "after": measured.after[1].isoformat(),
    }  # fmt: skip


__all__ = ["Measured", "Side", "Worth", "WrongQuestion", "goals", "measure", "spans", "stored"]
