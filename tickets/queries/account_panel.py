"""The open tickets of an account, for its page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from accounts.models import Account, User
from tickets.actions.clocks import Promises
from tickets.models import Ticket
from tickets.models.tickets import next_due
from tickets.queries.promises import COUNT_CAP, Row, nearest_promise
from tickets.state import OPEN_STATES


@dataclass
class AccountTickets:
    """The open tickets of an account, the nearest promise first."""

    rows: list[Row]
    count: int
    solved_lately: int


def account_tickets(*, account: Account, user: User, now: dt.datetime, limit: int = 8) -> AccountTickets:
    """What the account's page shows of its tickets; counts up to 1,001."""
    tickets = Ticket.objects.visible_to(user).counted().filter(account=account)
    open_ones = tickets.filter(status__in=OPEN_STATES)
    promises = Promises()
    nearest = open_ones.select_related("account").annotate(due=next_due()).order_by("due", "pk")[:limit]
    rows = [Row(ticket, nearest_promise(ticket, now, promises)) for ticket in nearest]
    count = len(rows) if len(rows) < limit else open_ones.order_by().values("pk")[:COUNT_CAP].count()
    lately = tickets.filter(solved_at__gte=now - dt.timedelta(days=30)).order_by().values("pk")[:COUNT_CAP].count()
    return AccountTickets(rows, count, lately)
