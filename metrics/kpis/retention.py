"""KPIs that rest on the MRR bridge: movements, churn, retention, growth, revenue per account."""

from __future__ import annotations

from collections.abc import Callable

from metrics.formulas import retention as formulas
from metrics.formulas.intervals import mean_interval
from metrics.formulas.numbers import ratio
from metrics.kpis.bridge import Bridge, bridges
from metrics.kpis.changes import Losses, losses_of
from metrics.kpis.churn_rates import annualised
from metrics.kpis.event_log import bridge_figure, by_reason, event_log
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.revenue import mrr
from metrics.kpis.shoppers import Shoppers, shoppers
from surveys.scoring import wilson_interval

Figures = dict[str | None, Figure]


def each_bridge(question: Question, by: str | None, make: Callable[[Question, Bridge], Figure]) -> Figures:
    """One figure a group; null with the currencies named where a rate is missing."""
    figures: Figures = {}
    for key, bridge in bridges(question, by).items():
        figure = make(question, bridge)
        if bridge.missing:
            figure.value = figure.numerator = None
            figure.interval, figure.missing = None, bridge.missing
        figures[key] = figure
    return figures


def movements(question: Question, by: str | None) -> Figures:
    """Net new MRR, with the whole bridge in the parts: opening + movements + fx = closing, to the last digit.

    `event_log` has each change as a movement of its own; the sum is the same. By `reason` what was lost
    is told apart, all else stands under no reason.
    """
    if question.variant == "event_log":
        return event_log(question, by)
    if by != "reason":
        return each_bridge(question, by, lambda _question, bridge: bridge_figure(bridge))
    whole = bridges(question, None)[None]
    told = losses_of(question, None).get(None) or Losses()
    return by_reason(whole, told.lost_mrr, told.lost)


def grr(question: Question, by: str | None) -> Figures:
    """What is kept of the opening book, without growth."""

    def make(_question: Question, b: Bridge) -> Figure:
        kept = b.opening - b.churned - b.contraction
        parts = {"opening": b.opening, "churned": b.churned, "contraction": b.contraction, "kept": kept}
        return Figure(value=formulas.gross_retention(opening=b.opening, churned=b.churned, contraction=b.contraction), numerator=kept, denominator=b.opening, parts=parts)

    return each_bridge(question, by, make)


def nrr(question: Question, by: str | None) -> Figures:
    """Closing MRR of the opening customers / opening MRR."""

    def make(_question: Question, b: Bridge) -> Figure:
        kept = b.opening - b.churned - b.contraction + b.expansion
        gross = formulas.gross_retention(opening=b.opening, churned=b.churned, contraction=b.contraction)
        parts = {"opening": b.opening, "churned": b.churned, "contraction": b.contraction, "expansion": b.expansion, "kept": kept, "grr": gross}
        value = formulas.net_retention(opening=b.opening, churned=b.churned, contraction=b.contraction, expansion=b.expansion)
        return Figure(value=value, numerator=kept, denominator=b.opening, parts=parts)

    return each_bridge(question, by, make)


def quick_ratio(question: Question, by: str | None) -> Figures:
    """(new + expansion) / (churned + contraction); null with a flag when nothing was lost."""

    def make(question: Question, b: Bridge) -> Figure:
        gained = b.new + b.expansion + (b.reactivation if question.variant == "with_reactivation" else 0)
        lost = b.churned + b.contraction
        parts = {"new": b.new, "expansion": b.expansion, "contraction": b.contraction, "churned": b.churned, "reactivation": b.reactivation, "net_new": b.net_new}
        return Figure(value=formulas.quick_ratio(gained=gained, lost=lost), numerator=gained, denominator=lost, parts=parts, flags=[] if lost else ["no_losses"])

    return each_bridge(question, by, make)


def arr(question: Question, by: str | None) -> Figures:
    """12 x MRR at the same instant."""
    figures = mrr(question, by)
    for figure in figures.values():
        monthly = figure.value
        figure.value = figure.numerator = None if monthly is None else 12 * monthly
        figure.parts = {"mrr": monthly, "customers": figure.parts["customers"]}
    return figures


def arpa(question: Question, by: str | None) -> Figures:
    """MRR at the end / accounts with MRR at the end, with the interval of that mean."""
    figures = mrr(question, by, spread=True)
    for figure in figures.values():
        monthly, customers = figure.value, figure.parts["customers"]
        figure.value = None if monthly is None else ratio(monthly, customers)
        figure.denominator, figure.parts = customers, {"mrr": monthly, "customers": customers}
        squares = figure.shape.pop("squares", None)
        figure.interval = None if monthly is None or squares is None else mean_interval(count=customers, total=monthly, squares=squares)
    return figures


def customers_by_rule(question: Question, by: str | None) -> dict[str | None, tuple[Bridge, Shoppers]]:
    """Subscription accounts by their MRR, e-commerce accounts by their orders, each by its own rule."""
    books, shops = bridges(question, by, model="subscription"), shoppers(question, by)
    keys = dict.fromkeys([*books, *shops])
    return {key: (books.get(key) or Bridge(), shops.get(key) or Shoppers()) for key in keys}


def customer_retention_rate(question: Question, by: str | None) -> Figures:
    """(customers at the end - new - reactivated) / customers at the start = 1 - logo churn."""
    figures: Figures = {}
    for key, (book, shop) in customers_by_rule(question, by).items():
        start, end = book.customers_start + shop.customers_start, book.customers_end + shop.customers_end
        new, back = book.customers_new + shop.new, book.customers_reactivated + shop.reactivated
        kept = end - new - back
        parts = {"customers_start": start, "new": new, "reactivated": back, "customers_end": end, "retained": kept}
        figures[key] = Figure(value=ratio(kept, start), numerator=kept, denominator=start, parts=parts, interval=wilson_interval(kept, start))
    return figures


def churn_by_inactivity(question: Question, by: str | None) -> Figures:
    """Customers with an order in the window before the start and none in the window before the end."""
    figures: Figures = {}
    for key, shop in shoppers(question, by, everybody=True).items():
        rate = ratio(shop.churned, shop.customers_start)
        parts = {"customers_start": shop.customers_start, "churned": shop.churned, "lapse_events": shop.lapse_events, "customers_end": shop.customers_end, "rate": rate}
        figures[key] = Figure(
            value=annualised(question, rate), numerator=shop.churned, denominator=shop.customers_start, parts=parts,
            interval=wilson_interval(shop.churned, shop.customers_start) if question.params["annualise"] == "none" else None,
        )  # fmt: skip
    return figures
