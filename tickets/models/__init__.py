"""The models of tickets, one file a noun."""

from tickets.models.calendars import BusinessHours, Holiday, ServiceLevel
from tickets.models.tickets import Interaction, Ticket, TicketChange, TicketLink, TicketMessage

__all__ = ["BusinessHours", "Holiday", "Interaction", "ServiceLevel", "Ticket", "TicketChange", "TicketLink", "TicketMessage"]
