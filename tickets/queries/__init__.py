"""What the pages of tickets read: the queue, one ticket with its thread, the open tickets of an account."""

from tickets.queries.account_panel import AccountTickets, account_tickets
from tickets.queries.promises import COUNT_CAP, Row, nearest_promise, promise_of
from tickets.queries.queue import ACCOUNTS, PAGE, VIEWS, AccountRow, Filters, Page, late, parse_after, queue, view_of
from tickets.queries.thread import THREAD, Entry, TicketPage, assignable, thread, ticket_page
from tickets.queries.times import ticket_times

__all__ = [
    "ACCOUNTS", "COUNT_CAP", "PAGE", "THREAD", "VIEWS", "AccountRow", "AccountTickets", "Entry", "Filters", "Page", "Row", "TicketPage", "account_tickets", "assignable", "late",
    "nearest_promise", "parse_after", "promise_of", "queue", "thread", "ticket_page", "ticket_times", "view_of",
]  # fmt: skip
