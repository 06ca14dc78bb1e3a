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
from metrics.kpis.revenue import mrr_of_accounts
from metrics.kpis.support_contacts import aht
from metrics.kpis.support_cost import whole_amount
from metrics.kpis.support_load import created_by_account, ticket_volume

BY_TIME, BY_TICKETS = "handle_time", "tickets"


@dataclass(frozen=True)
class Whole:
    """What the shares are shares of, and what one second of handle time (or one ticket, by `method`) costs; None without a rate or without work."""

    tickets: int
    handle_seconds: Decimal
    mrr: Decimal
    method: str
    each: Decimal | None


@dataclass(slots=True)
class Share:
    """What one account uses and pays. `account` is its id, None for contacts that belong to no account.

    Money is in the reporting currency, time in seconds. `mrr` is None where a currency has no rate. There may
    be a hundred thousand of these and a page shows 25: what is worked out of them waits until it is asked for.
    """

    whole: Whole
    account: int | None
    tickets: int
    handle_seconds: Decimal
    contacts: int
    mrr: Decimal | None

    @property
    def ticket_share(self) -> Decimal | None:
        """The part of all tickets."""
        return ratio(self.tickets, self.whole.tickets)

    @property
    def handle_share(self) -> Decimal | None:
        """The part of all handle time."""
        return ratio(self.handle_seconds, self.whole.handle_seconds)

    @property
    def mrr_share(self) -> Decimal | None:
        """The part of all MRR."""
        return None if self.mrr is None else ratio(self.mrr, self.whole.mrr)

    @property
    def ratio(self) -> Decimal | None:
        """The share of the work over the share of MRR; None where the account pays nothing."""
        work, part = self.handle_share if self.whole.handle_seconds else self.ticket_share, self.mrr_share
        return work / part if work is not None and part else None

    @property
    def cost(self) -> Decimal | None:
        """The part of what support cost."""
        return None if self.whole.each is None else self.whole.each * (self.handle_seconds if self.whole.method == BY_TIME else self.tickets)

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


_NOTHING = Decimal(0)


def support_shares(questions: Mapping[str, Question]) -> Shares:
    """One row an account, from questions about `ticket_volume`, `aht`, `mrr` and `support_cost` over one period.

    The cost of support of the period (the whole of it, whoever asks) is spread over all handle time; without
    any handle time over all tickets. An account's part of it is its part of that work.
    """
    tickets = created_by_account(questions["ticket_volume"])
    contacts = {int(key) if key else None: figure for key, figure in aht(questions["aht"], "account").items()}
    seconds = {key: Decimal(figure.numerator or 0) for key, figure in contacts.items()}
    pays, missing = mrr_of_accounts(questions["mrr"])
    method, each, unrated = _unit_cost(questions)
    all_mrr = sum((value for value in pays.values() if value is not None), _NOTHING)
    whole = Whole(sum(tickets.values()), sum(seconds.values(), _NOTHING), all_mrr, method, each)
    keys: set[int | None] = {*tickets, *(key for key, figure in contacts.items() if figure.denominator), *(key for key, value in pays.items() if value != 0)}
    rows = [
        Share(
            whole, key, tickets.get(key, 0) if key else 0, seconds.get(key, _NOTHING), int(contacts[key].denominator or 0) if key in contacts else 0,
            pays.get(key, _NOTHING) if key else _NOTHING,
        )
        for key in keys
    ]  # fmt: skip
    cost = None if each is None else each * (whole.handle_seconds if method == BY_TIME else whole.tickets)
    return Shares(rows, method, whole.tickets, whole.handle_seconds, all_mrr, cost, sorted({*missing, *unrated}))


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
