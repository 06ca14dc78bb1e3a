"""The rows behind a figure: what its numerator and denominator are sums of, page by page.

A page is a stretch of accounts in the order of their ids; within them stand the answers, tickets or
contacts that the figure counts, or, where it is made of money and customers, the account itself with its
own numerator and denominator. Over all pages they sum to those of the figure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from accounts.models import Account, CostEntry
from metrics.kpis import behind, retention_cost, support_cost, voice
from metrics.kpis.business_models import settled
from metrics.kpis.catalogue import CATALOGUE, told
from metrics.kpis.costs import amounts, customers_at_end, people_of
from metrics.kpis.engine import COMPUTE
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.retention import customers_by_rule
from metrics.kpis.tenure import tenures
from surveys.models import Response
from tickets.models import Interaction, Ticket

# figures that are no sum over rows: calculations from other figures, whose rows are opened instead
WITHOUT_ROWS = frozenset({"clv", "cx_roi", "team_performance"})
# figures over cost lines: which categories they count
COSTS = {"crc": retention_cost.CATEGORIES, "support_cost": support_cost.CATEGORIES}
ANSWERS = frozenset({"nps", "csat", "ces"})
# the place before the first account, where answers stand that belong to none
NOBODY = 0
Counted = tuple[int, int | str, Decimal | int | None, Decimal | int | None]


@dataclass(frozen=True)
class CountedRow:
    """One thing behind a figure, and what it adds to the numerator and to the denominator (None: nothing there to add to)."""

    kind: str
    id: str
    external_id: str
    account: str | None
    occurred_at: dt.datetime | None
    numerator: Decimal | int | None
    denominator: Decimal | int | None
    parts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RowPage:
    """One page: its rows, and the place after which the next one begins; None at the end."""

    rows: list[CountedRow]
    after: int | None


def rows_page(question: Question, *, after: int | None, accounts: int) -> RowPage:
    """The rows of the next `accounts` accounts after a place; from the beginning without one.

    A page may be empty and have one after it. Raises WrongQuestion for a KPI that is no sum over rows.
    """
    kpi = CATALOGUE[question.kpi]
    if question.variant == "daily_sum":
        raise WrongQuestion(f"{question.kpi}: daily_sum adds up rates of days, which are no sums over rows.")
    if question.kpi in WITHOUT_ROWS:
        raise WrongQuestion(f"{question.kpi} is no sum over rows; ask its parts, or the KPIs it is made of.")
    question = settled(question, kpi)
    if after is None and question.kpi in ANSWERS and question.scope is None:
        return RowPage(_answers(replace(question, nobody=True)), NOBODY)
    if after is None and question.kpi in COSTS:
        return RowPage(_costs(question), NOBODY)
    wanted = Account.objects.filter(pk__gt=after or NOBODY, excluded=False).order_by("pk")
    if question.scope is not None:
        wanted = wanted.filter(pk__in=question.scope)
    ids = list(wanted.values_list("pk", flat=True)[:accounts])
    if not ids:
        return RowPage([], None)
    part = replace(question, scope=tuple(ids))
    reader = NATURAL.get((question.kpi, question.variant))
    if question.kpi in ANSWERS:
        rows = _answers(part)
    elif question.kpi in COSTS:
        rows = _over(part)
    elif question.kpi == "tenure_survival":
        rows = _tenures(part)
    elif reader is not None:
        rows = _tickets(*reader(part))
    else:
        rows = _accounts(part)
    return RowPage(rows, ids[-1] if len(ids) == accounts else None)


def why_no_rows(kpi: str, variant: str) -> str:
    """Why a figure has no rows that sum to it, in words; "" where it has."""
    return str(told(kpi).no_rows) if variant == "daily_sum" or kpi in WITHOUT_ROWS else ""


def _costs(question: Question) -> list[CountedRow]:
    """The lines of the cost ledger with what each adds; a line whose currency has no rate adds nothing that could be told."""
    added: dict[int, tuple[CostEntry, list[str], Decimal | None]] = {}
    for entry, belongs, _segment, cost in amounts(question, COSTS[question.kpi], False, people_of(question)):
        before = added[entry.pk][2] if entry.pk in added else Decimal(0)
        added[entry.pk] = entry, belongs, None if cost is None or before is None else before + cost
    midnight = dt.time()
    return [
        CountedRow(
            "cost", str(entry.pk), entry.category, None, dt.datetime.combine(entry.start, midnight, tzinfo=question.zone), cost, None,
            {"amount": entry.amount, "currency": entry.currency, "category": entry.category, "counted_as": belongs},
        )
        for entry, belongs, cost in added.values()
    ]  # fmt: skip


def _over(question: Question) -> list[CountedRow]:
    """What costs are divided by: resolved tickets, customers at the end, or customers of the start who are still there."""
    people = replace(question, filters={name: values for name, values in question.filters.items() if name == "segment"})
    if question.variant == "amount":
        return []
    if question.variant == "per_resolved_ticket":
        kind, found = NATURAL["resolution_time", "full"](replace(people, kpi="resolution_time", variant="full", params={"clock": "calendar"}))
        return [replace(row, numerator=None) for row in _tickets(kind, found)]
    if question.variant == "per_retained_customer":
        both = customers_by_rule(people, "account")
        counts = {key: book.customers_start - book.customers_churned + shop.customers_start - shop.churned for key, (book, shop) in both.items()}
    else:
        counts = customers_at_end(people, "account")
    known = dict(Account.objects.filter(pk__in=[int(key) for key in counts if key]).values_list("pk", "external_id"))
    return [
        CountedRow("account", key, known[int(key)], known[int(key)], None, None, count)
        for key, count in sorted(counts.items(), key=lambda entry: int(entry[0] or 0))
        if key and count
    ]


def _tenures(question: Question) -> list[CountedRow]:
    """The tenures that the curve is drawn over; they are counted, not summed."""
    found = tenures(question)
    known = dict(Account.objects.filter(pk__in=[row[0] for row in found]).values_list("pk", "external_id"))
    return [
        CountedRow("tenure", str(account), known[account], known[account], first, None, None, {"until": until.isoformat(), "ended": ended})
        for account, first, until, ended in found
    ]


def _accounts(question: Question) -> list[CountedRow]:
    """Each account with its own figure; those that add nothing are left out."""
    figures = COMPUTE[question.kpi](question, "account")
    known = dict(Account.objects.filter(pk__in=[int(key) for key in figures if key]).values_list("pk", "external_id"))
    rows = []
    for key, figure in sorted(figures.items(), key=lambda entry: int(entry[0] or 0)):
        if key and (figure.numerator or figure.denominator or any(value for value in figure.parts.values() if isinstance(value, (int, Decimal)))):
            rows.append(CountedRow("account", key, known[int(key)], known[int(key)], None, figure.numerator, figure.denominator, figure.parts))
    return rows


def _answers(question: Question) -> list[CountedRow]:
    """The answers that are counted, each with what its score adds."""
    counted = {pk: (at, score) for pk, at, score in voice.counted_answers(question)}
    known = Response.objects.filter(pk__in=list(counted)).values_list("pk", "external_id", "account__external_id")
    rows = []
    for pk, external_id, account in known:
        at, score = counted[str(pk)]
        numerator = voice.adds(question, score)
        rows.append(CountedRow("answer", str(pk), external_id, account, dt.datetime.fromtimestamp(at, dt.UTC), numerator, 1, {"score": score}))
    return sorted(rows, key=lambda row: (counted[row.id][0], row.id))


def _tickets(kind: str, counted: Iterable[Counted]) -> list[CountedRow]:
    """Tickets or contacts with what each adds; a ticket may come more than once."""
    found = list(counted)
    model: Any = Ticket if kind == "ticket" else Interaction
    known = {
        pk: (external_id, account)
        for pk, external_id, account in model.objects.filter(pk__in={pk for _at, pk, _n, _d in found}).values_list("pk", "external_id", "account__external_id")
    }
    return [
        CountedRow(kind, str(pk), known[pk][0], known[pk][1], dt.datetime.fromtimestamp(at, dt.UTC), numerator, denominator)
        for at, pk, numerator, denominator in sorted(found, key=lambda row: (row[0], str(row[1])))
        if pk in known
    ]


def _of(name: str) -> Callable[[Question], list[tuple[int, int | str, int | None]]]:
    return lambda question: list(behind.FIGURES[name].read(question))


def _times(name: str) -> Callable[[Question], tuple[str, list[Counted]]]:
    return lambda question: ("ticket", [(at, pk, seconds, 1) for at, pk, seconds in _of(name)(question)])


def _counts(name: str) -> Callable[[Question], tuple[str, list[Counted]]]:
    return lambda question: ("ticket", [(at, pk, 1, None) for at, pk, _seconds in _of(name)(question)])


def _issues(question: Question) -> tuple[str, list[Counted]]:
    first = {(at, pk) for at, pk, _figure in _of("first_contact")(question)}
    return "ticket", [(at, pk, int((at, pk) in first), 1) for at, pk, _figure in _of("issues")(question)]


def _handled(question: Question) -> tuple[str, list[Counted]]:
    return "interaction", [(at, pk, seconds, 1) for at, pk, seconds in _of("handled")(question)]


def _levels(question: Question) -> tuple[str, list[Counted]]:
    return "ticket", [(at, pk, level, 1) for level in range(1, 5) for at, pk, _figure in _of(f"severity_{level}")(question)]


# figures whose rows are tickets or contacts themselves; of all others they are accounts
NATURAL: dict[tuple[str, str], Callable[[Question], tuple[str, list[Counted]]]] = {
    ("first_response_time", "standard"): _times("first_response"),
    ("resolution_time", "full"): _times("resolution"),
    ("fcr", "all_issues"): _issues,
    ("aht", "standard"): _handled,
    ("ats", "weighted_mean"): _levels,
    ("ticket_volume", "created"): _counts("volume"),
    ("ticket_backlog", "older_than_target"): _counts("backlog_older"),
    ("ticket_backlog", "open"): _counts("backlog_open"),
}
