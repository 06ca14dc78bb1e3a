"""The models of tickets, one file a noun."""

from tickets.models.calendars import BusinessHours, Holiday, ServiceLevel
from tickets.models.correspondence import Attachment, AttachmentContent, CannedReply, CannedReplyText, TicketCopy, TicketWork, UnsortedMessage
from tickets.models.tickets import Interaction, Ticket, TicketChange, TicketLink, TicketMessage

__all__ = [
    "Attachment", "AttachmentContent", "BusinessHours", "CannedReply", "CannedReplyText", "Holiday", "Interaction", "ServiceLevel",
    "Ticket", "TicketChange", "TicketCopy", "TicketLink", "TicketMessage", "TicketWork", "UnsortedMessage",
]  # fmt: skip
