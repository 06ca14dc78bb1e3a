"""MRR movements as a log: each change is a movement of its own. Definitions: `docs/metrics.md`, movements."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from metrics.formulas.daily import CHURNED, NEW, REACTIVATION
from metrics.kpis.bridge import Bridge, bridges
from metrics.kpis.changes import Movement, histories
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question

Figures = dict[str | None, Figure]
# which count of customers a movement changes
_COUNTS = {NEW: "customers_new", REACTIVATION: "customers_reactivated", CHURNED: "customers_churned"}


def bridge_figure(b: Bridge) -> Figure:
    """Net new MRR of a bridge with all its parts."""
    parts = {
        "opening": b.opening, "new": b.new, "expansion": b.expansion, "contraction": b.contraction, "churned": b.churned, "reactivation": b.reactivation,
        "fx": b.fx, "closing": b.closing, "net_new": b.net_new, "transient_accounts": b.transient_accounts, "customers_start": b.customers_start,
        "customers_new": b.customers_new, "customers_reactivated": b.customers_reactivated, "customers_churned": b.customers_churned, "customers_end": b.customers_end,
    }  # fmt: skip
    value = None if b.missing else b.net_new
    return Figure(value=value, numerator=value, parts=parts, missing=b.missing)


def by_reason(whole: Bridge, mrr: dict[str | None, Decimal], customers: dict[str | None, int]) -> Figures:
    """A bridge told apart by why customers were lost: each reason opens with what it lost; the rest stands under no reason.

    The groups add up to the whole, and each of them closes.
    """
    groups: dict[str | None, Bridge] = {}
    rest = replace(whole)
    for reason in sorted(reason for reason in mrr if reason is not None):
        lost, count = mrr[reason], customers.get(reason, 0)
        groups[reason] = Bridge(opening=lost, churned=lost, customers_start=count, customers_churned=count, missing=whole.missing)
        rest.opening, rest.churned = rest.opening - lost, rest.churned - lost
        rest.customers_start, rest.customers_churned = rest.customers_start - count, rest.customers_churned - count
    groups[None] = rest
    return {key: bridge_figure(bridge) for key, bridge in groups.items()}


def event_log(question: Question, by: str | None) -> Figures:
    """The log of every change with its sums; opening, closing and the effect of exchange rates are those of the bridge.

    Changes of one account within 60 minutes are one. Of two subscriptions the first that ends is
    contraction, the last is churn. `rows` are in order of time.
    """
    split = by == "reason"
    books = bridges(question, None if split else by)
    log: dict[str | None, list[Movement]] = {}
    missing: set[str] = set()
    for history in histories(question, None if split else by):
        missing |= history.missing
        for entry in history.movements():
            log.setdefault(entry.key, []).append(entry)
    if split:
        return _by_reason(question, books[None], log.get(None, []), missing)
    return {key: _figure(question, books.get(key) or Bridge(), log.get(key, []), missing) for key in dict.fromkeys([*books, *log])}


def _figure(question: Question, book: Bridge, log: list[Movement], missing: set[str]) -> Figure:
    told = Bridge(
        opening=book.opening, fx=book.fx, closing=book.closing, transient_accounts=book.transient_accounts, customers_start=book.customers_start,
        customers_end=book.customers_end, missing=sorted({*book.missing, *missing}),
    )  # fmt: skip
    for entry in log:
        setattr(told, entry.kind, getattr(told, entry.kind) + entry.amount)
        if entry.kind in _COUNTS:
            setattr(told, _COUNTS[entry.kind], getattr(told, _COUNTS[entry.kind]) + 1)
    figure = bridge_figure(told)
    figure.shape = {"rows": [_row(question, entry) for entry in sorted(log, key=lambda entry: (entry.at, entry.account))]}
    return figure


def _row(question: Question, entry: Movement) -> dict[str, Any]:
    return {"occurred_at": entry.at.astimezone(question.zone).isoformat(), "account": entry.account, "movement": entry.kind, "amount": entry.amount}


def _by_reason(question: Question, book: Bridge, log: list[Movement], missing: set[str]) -> Figures:
    """The log by the reasons of what was lost; all other movements stand under no reason."""
    lost: dict[str, list[Movement]] = {}
    for entry in log:
        if entry.kind == CHURNED and entry.reason is not None:
            lost.setdefault(entry.reason, []).append(entry)
    figures: Figures = {}
    opening, customers = book.opening, book.customers_start
    for reason, entries in lost.items():
        amount = sum((entry.amount for entry in entries), Decimal(0))
        figures[reason] = _figure(question, Bridge(opening=amount, customers_start=len(entries)), entries, missing)
        opening, customers = opening - amount, customers - len(entries)
    rest = [entry for entry in log if not (entry.kind == CHURNED and entry.reason is not None)]
    figures[None] = _figure(question, replace(book, opening=opening, customers_start=customers), rest, missing)
    return figures
