"""Who uses support most: shares of tickets and of handle time beside the share of MRR, and the cost to serve.

Definitions: `docs/metrics.md`, support. Shares are of everything the reader sees that fits the filters;
over all rows each kind of share sums to 1 (or to nothing where there is nothing to share).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from metrics.formulas.numbers import ratio
from metrics.kpis.question import Question
from metrics.kpis.revenue import mrr
from metrics.kpis.support_contacts import aht
from metrics.kpis.support_cost import whole_amount
from metrics.kpis.support_load import ticket_volume

BY_TIME, BY_TICKETS = "handle_time", "tickets"


@dataclass(frozen=True)
class Share:
    """What one account uses and pays. `account` is its id, None for contacts that belong to no account.

    Money is in the reporting currency, time in seconds. `mrr` is None where a currency has no rate;
    `ratio` is the share of the work over the share of MRR, None where the account pays nothing.
    """

    account: int | None
    tickets: int
    handle_seconds: Decimal
    contacts: int
    mrr: Decimal | None
    ticket_share: Decimal | None
    handle_share: Decimal | None
    mrr_share: Decimal | None
    ratio: Decimal | None
    cost: Decimal | None

    @property
    def pays_nothing(self) -> bool:
        """Whether the account is known to have no MRR."""
        return self.mrr is not None and not self.mrr


@dataclass(frozen=True)
class Shares:
    """All accounts with tickets, contacts or MRR, and how the cost was spread: by `handle_time` or by `tickets`."""

    rows: list[Share]
    method: str
    tickets: int
    handle_seconds: Decimal
    mrr: Decimal
    # cost of what is shown; None where a currency has no rate
    cost: Decimal | None
    missing: list[str] = field(default_factory=list)


def support_shares(questions: Mapping[str, Question]) -> Shares:
    """One row an account, from questions about `ticket_volume`, `aht`, `mrr` and `support_cost` over one period.

    The cost of support of the period (the whole of it, whoever asks) is spread over all handle time; without
    any handle time over all tickets. An account's part of it is its part of that work.
    """
    tickets = {key: figure.parts["tickets"] for key, figure in ticket_volume(questions["ticket_volume"], "account").items()}
    contacts = aht(questions["aht"], "account")
    seconds = {key: Decimal(figure.numerator or 0) for key, figure in contacts.items()}
    money = mrr(questions["mrr"], "account")
    missing = sorted({currency for figure in money.values() for currency in figure.missing})
    pays = {key: figure.value for key, figure in money.items()}
    all_tickets, all_seconds = sum(tickets.values()), sum(seconds.values(), Decimal(0))
    all_mrr = sum((value for value in pays.values() if value is not None), Decimal(0))
    method, each, unrated = _unit_cost(questions)
    rows = []
    for key in {*tickets, *(key for key, figure in contacts.items() if figure.denominator), *(key for key, value in pays.items() if value != 0)}:
        own_tickets, own_seconds, own_mrr = tickets.get(key, 0), seconds.get(key, Decimal(0)), pays.get(key, Decimal(0))
        work = ratio(own_seconds, all_seconds) if all_seconds else ratio(own_tickets, all_tickets)
        part = None if own_mrr is None else ratio(own_mrr, all_mrr)
        rows.append(
            Share(
                account=int(key) if key else None, tickets=own_tickets, handle_seconds=own_seconds, contacts=int(contacts[key].denominator or 0) if key in contacts else 0,
                mrr=own_mrr, ticket_share=ratio(own_tickets, all_tickets), handle_share=ratio(own_seconds, all_seconds), mrr_share=part,
                ratio=work / part if work is not None and part else None, cost=None if each is None else each * (own_seconds if method == BY_TIME else own_tickets),
            )
        )  # fmt: skip
    cost = None if each is None else each * (all_seconds if method == BY_TIME else all_tickets)
    return Shares(rows, method, all_tickets, all_seconds, all_mrr, cost, sorted({*missing, *unrated}))


def _everything(question: Question) -> Question:
    return replace(question, filters={}, segment=None, scope=None)


def _unit_cost(questions: Mapping[str, Question]) -> tuple[str, Decimal | None, list[str]]:
    """What a second of handle time (or a ticket) costs in the period, over everybody; None without a rate or without work.

    With it the method, and the currencies of costs that have no rate.
    """
    cost, missing = whole_amount(questions["support_cost"])
    seconds = Decimal(aht(_everything(questions["aht"]), None)[None].numerator or 0)
    if seconds:
        return BY_TIME, None if cost is None else cost / seconds, missing
    tickets = ticket_volume(_everything(questions["ticket_volume"]), None)[None].parts["tickets"]
    return BY_TICKETS, None if cost is None else ratio(cost, tickets), missing
