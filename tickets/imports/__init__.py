"""The kinds of import of tickets: tickets, their history, handle times, promises and hours."""

from tickets.imports import calendars, history, tickets

KINDS = (*tickets.KINDS, *history.KINDS, *calendars.KINDS)
