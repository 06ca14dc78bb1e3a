"""Churn of customers and of MRR, in every way of counting it. Definitions: `docs/metrics.md`, churn and retention."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from metrics.formulas import retention as formulas
from metrics.formulas.daily import daily_sum, start_plus_new_churn
from metrics.formulas.numbers import ratio
from metrics.kpis.bridge import Bridge, bridges
from metrics.kpis.changes import INACTIVITY, Losses, each_day, histories, losses_of, shop_histories, shop_losses_of
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.shoppers import Shoppers, shoppers
from surveys.scoring import wilson_interval

Figures = dict[str | None, Figure]
REASON = "reason"
# the variant whose denominator has the newcomers in it
STRIPE = "stripe_start_plus_new"
Days = dict[dt.date, dict[str, Any]]


def annualised(question: Question, rate: Decimal | None) -> Decimal | None:
    """A rate over the period as one over a year, where that is asked for."""
    how = question.params.get("annualise", "none")
    if rate is None or how == "none":
        return rate
    if how == "months":
        return formulas.annualised_from_month(rate)
    return formulas.annualised_from_days(rate, Decimal((question.end - question.start).days))


def _no_reasons_by_day(question: Question, by: str | None) -> None:
    if by == REASON and question.variant == "daily_sum":
        raise WrongQuestion(f"{question.kpi} has no breakdown by “reason” for daily_sum: a sum of daily rates cannot be told apart.")


def _summed(question: Question, opening: Decimal | int, days: Days, following: Callable[[Any, dict[str, Any]], Any], kept: Callable[[Any, dict[str, Any]], Any]) -> Decimal | None:
    """The sum over days of (1 - kept / at start); days without a change add nothing."""
    at_start, pairs = opening, [(opening, opening)]
    for day in sorted(days):
        pairs.append((at_start, kept(at_start, days[day])))
        at_start = following(at_start, days[day])
        tomorrow = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=question.zone)
        if tomorrow < question.until:
            pairs.append((at_start, at_start))
    return daily_sum(pairs)


def _mrr_by_day(question: Question, by: str | None, kept: Callable[[Any, dict[str, Any]], Any]) -> dict[str | None, Decimal | None]:
    """The daily sum of every group, by what counts as kept of a day's opening MRR."""
    days = each_day(question, histories(question, by))

    def following(held: Decimal, day: dict[str, Any]) -> Decimal:
        return held + day["grown"] - day["fallen"] + day["new"] + day["back"]

    return {key: _summed(question, book.opening, days.get(key, {}), following, kept) for key, book in bridges(question, by).items()}


def _unless_missing(figure: Figure, bridge: Bridge) -> Figure:
    """Null with the currencies named where a rate is missing."""
    if bridge.missing:
        figure.value = figure.numerator = None
        figure.missing = bridge.missing
    return figure


def gross_mrr_churn(question: Question, by: str | None) -> Figures:
    """(churned + contraction) / opening; `cancel_only` leaves contraction out; `daily_sum` adds up the rates of single days.

    By `reason` contraction stands under no reason, and the denominator is the whole book.
    """
    _no_reasons_by_day(question, by)
    daily = _mrr_by_day(question, by, lambda held, day: held - day["fallen"]) if question.variant == "daily_sum" else None
    figures: Figures = {}
    for key, b in bridges(question, None if by == REASON else by).items():
        contraction = Decimal(0) if question.variant == "cancel_only" else b.contraction
        if by == REASON:
            told = losses_of(question, None).get(None) or Losses()
            named = {reason: lost for reason, lost in told.lost_mrr.items() if reason is not None}
            named_sum = sum(named.values(), Decimal(0))
            for reason, churned, fallen in [*((reason, lost, Decimal(0)) for reason, lost in named.items()), (None, b.churned - named_sum, contraction)]:
                figures[reason] = _unless_missing(_gross(question, b, churned, fallen, b.contraction if reason is None else Decimal(0)), b)
            continue
        figure = _gross(question, b, b.churned, contraction, b.contraction)
        if daily is not None:
            rate = daily.get(key)
            figure = Figure(value=annualised(question, rate), numerator=rate, parts={**figure.parts, "rate": rate})
        figures[key] = _unless_missing(figure, b)
    return figures


def _gross(question: Question, b: Bridge, churned: Decimal, counted: Decimal, contraction: Decimal) -> Figure:
    rate = formulas.gross_churn(opening=b.opening, churned=churned, contraction=counted)
    parts = {"opening": b.opening, "churned": churned, "contraction": contraction, "rate": rate}
    return Figure(value=annualised(question, rate), numerator=churned + counted, denominator=b.opening, parts=parts)


def net_mrr_churn(question: Question, by: str | None) -> Figures:
    """(churned + contraction - expansion) / opening; `with_reactivation` also subtracts that; `daily_sum` adds up the rates of single days.

    A day's rate is 1 - (MRR at its end - new of the day) / MRR at its start.
    """
    daily = _mrr_by_day(question, by, lambda held, day: held - day["fallen"] + day["grown"] + day["back"]) if question.variant == "daily_sum" else None
    figures: Figures = {}
    for key, b in bridges(question, by).items():
        back = b.reactivation if question.variant == "with_reactivation" else Decimal(0)
        rate = formulas.net_churn(opening=b.opening, churned=b.churned, contraction=b.contraction, expansion=b.expansion, reactivation=back)
        numerator: Decimal | None = b.churned + b.contraction - b.expansion - back
        if daily is not None:
            rate = numerator = daily.get(key)
        parts = {"opening": b.opening, "churned": b.churned, "contraction": b.contraction, "expansion": b.expansion, "reactivation": b.reactivation, "rate": rate}
        figure = Figure(value=annualised(question, rate), numerator=numerator, denominator=None if daily is not None else b.opening, parts=parts)
        figures[key] = _unless_missing(figure, b)
    return figures


class _Book:
    """Customers of one group over the period, subscribers and shops together, and how they were lost."""

    def __init__(self, book: Bridge, shop: Shoppers, lost: Losses, shops_lost: Losses):
        self.start, self.end = book.customers_start + shop.customers_start, book.customers_end + shop.customers_end
        self.churned, self.new, self.back = book.customers_churned + shop.churned, book.customers_new + shop.new, book.customers_reactivated + shop.reactivated
        self.events, self.first_comers = lost.churn_events + shop.lapse_events, lost.new + shops_lost.new
        self.involuntary = lost.involuntary
        self.reasons: dict[str | None, int] = {reason: count for reason, count in lost.lost.items() if reason is not None}
        self.reason_events: dict[str | None, int] = {reason: count for reason, count in lost.events.items() if reason is not None}
        if shop.churned or shop.lapse_events:
            self.reasons[INACTIVITY] = self.reasons.get(INACTIVITY, 0) + shop.churned
            self.reason_events[INACTIVITY] = self.reason_events.get(INACTIVITY, 0) + shop.lapse_events
        self.reasons[None] = self.churned - sum(self.reasons.values())
        self.reason_events[None] = self.events - sum(self.reason_events.values())


def _books(question: Question, by: str | None) -> dict[str | None, _Book]:
    """Each account by its own rule: subscription accounts by MRR, e-commerce accounts by their orders."""
    books, shops = bridges(question, by, model="subscription"), shoppers(question, by)
    lost, shops_lost = losses_of(question, by, model="subscription", newcomers=question.variant == STRIPE), shop_losses_of(question, by)
    keys = dict.fromkeys([*books, *shops])
    return {key: _Book(books.get(key) or Bridge(), shops.get(key) or Shoppers(), lost.get(key) or Losses(), shops_lost.get(key) or Losses()) for key in keys}


def _customers_by_day(question: Question, by: str | None) -> dict[str | None, Decimal | None]:
    """The sum over days of the share of the day's customers that it lost."""
    groups: dict[str | None, Days] = {}
    for found in (each_day(question, histories(question, by, model="subscription")), each_day(question, shop_histories(question, by))):
        for key, days in found.items():
            for day, told in days.items():
                entry = groups.setdefault(key, {}).setdefault(day, {"lost": 0, "gained": 0})
                entry["lost"] += told["lost"]
                entry["gained"] += told["gained"]

    def following(held: int, day: dict[str, Any]) -> int:
        return held - day["lost"] + day["gained"]

    return {key: _summed(question, book.start, groups.get(key, {}), following, lambda held, day: held - day["lost"]) for key, book in _books(question, by).items()}


def logo_churn(question: Question, by: str | None) -> Figures:
    """Customers at the start that are none at the end / customers at the start.

    `stripe_start_plus_new`: churn events / (customers at the start + new ones), who leaves twice counts
    twice; `lost_over_gained`: lost / won; `daily_sum`: the rates of single days, added up.
    """
    _no_reasons_by_day(question, by)
    daily = _customers_by_day(question, by) if question.variant == "daily_sum" else None
    figures: Figures = {}
    for key, book in _books(question, None if by == REASON else by).items():
        if by == REASON:
            figures |= {
                reason: _logo(question, book, book.reasons.get(reason, 0), book.reason_events.get(reason, 0), book.involuntary.get(reason, 0))
                for reason in {**book.reasons, **book.reason_events}
                if reason is not None or book.reasons.get(None) or book.reason_events.get(None)
            }
            continue
        figure = _logo(question, book, book.churned, book.events, sum(book.involuntary.values()))
        if daily is not None:
            rate = daily.get(key)
            figure = Figure(value=annualised(question, rate), numerator=rate, parts={**figure.parts, "rate": rate})
        figures[key] = figure
    return figures


def _logo(question: Question, book: _Book, churned: int, events: int, involuntary: int) -> Figure:
    over, counted = book.start, churned
    if question.variant == "lost_over_gained":
        over = book.new + book.back
    elif question.variant == STRIPE:
        over, counted = book.start + book.first_comers, events
    rate = start_plus_new_churn(churn_events=events, start=book.start, new=book.first_comers) if question.variant == STRIPE else ratio(counted, over)
    # of customers who leave twice there may be more events than customers
    is_share = question.variant != "lost_over_gained" and question.params["annualise"] == "none" and counted <= over
    return Figure(
        value=annualised(question, rate), numerator=counted, denominator=over,
        parts={
            "customers_start": book.start, "churned": churned, "new": book.first_comers if question.variant == STRIPE else book.new, "reactivated": book.back,
            "customers_end": book.end, "churn_events": events, "voluntary": churned - involuntary, "involuntary": involuntary, "rate": rate,
        },
        interval=wilson_interval(counted, over) if is_share else None,
    )  # fmt: skip


def customers_lost(question: Question, by: str | None) -> Figures:
    """The numerator of logo churn as a count."""
    figures: Figures = {}
    for key, book in _books(question, None if by == REASON else by).items():
        told = {key: (book.churned, sum(book.involuntary.values()))}
        if by == REASON:
            told = {reason: (count, book.involuntary.get(reason, 0)) for reason, count in book.reasons.items() if count}
        for name, (churned, involuntary) in told.items():
            parts = {"customers_start": book.start, "churned": churned, "voluntary": churned - involuntary, "involuntary": involuntary}
            figures[name] = Figure(value=Decimal(churned), numerator=churned, parts=parts)
    return figures
