"""Forgetting a person in tickets: their messages go, their name goes from what others wrote; times and states stay, for they are counted."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from accounts.actions.erasure import Person, blot, forget_imported, forget_verbatims
from accounts.models import InboundEvent
from tickets.models import Attachment, Ticket, TicketCopy, TicketMessage, UnsortedMessage
from tickets.models.tickets import ActorKind


def erase_in_tickets(*, person: Person, now: dt.datetime) -> None:
    """Does it; twice is once. Call it before the contact itself is forgotten."""
    theirs = Q(contact__in=person.contact_ids) | Q(contact=None, author_kind=ActorKind.CUSTOMER, ticket__contact__in=person.contact_ids)
    messages = list(TicketMessage.objects.filter(theirs).values_list("pk", flat=True))
    TicketMessage.objects.filter(pk__in=messages).update(body="", quoted="", mail_id="")
    # a file cannot be searched for a name: what came with their messages goes whole
    Attachment.objects.filter(message__in=messages).delete()
    _forget_mails(person)
    TicketCopy.objects.filter(contact__in=person.contact_ids).delete()
    forget_verbatims(contact_ids=[], sources={"message": [str(pk) for pk in messages]})
    forget_imported(table="tickets_ticketmessage", ids=messages, keys=["body"])
    values, of_account = {"accounts": list(person.account_ids)}, "account_id = ANY(%(accounts)s)"
    of_tickets = f"ticket_id IN (SELECT id FROM tickets_ticket WHERE {of_account})"
    blot("tickets_ticket", ["subject"], where=of_account, values=values, folded=["subject_search"], patterns=person.patterns, nearby=True)
    blot("tickets_ticketmessage", ["body", "quoted"], where=of_tickets, values=values, patterns=person.patterns, nearby=True)
    blot("tickets_attachment", ["name"], where=f"message_id IN (SELECT id FROM tickets_ticketmessage WHERE {of_tickets})", values=values, patterns=person.patterns, nearby=True)
    blot("tickets_unsortedmessage", ["subject", "body"], json=["headers"], where=of_account, values=values, patterns=person.patterns, nearby=True)
    blot("tickets_ticketchange", ["value_before", "value"], where=of_tickets, values=values, patterns=person.patterns, nearby=True)
    tickets = Ticket.objects.filter(contact__in=person.contact_ids).values_list("pk", flat=True)
    forget_imported(table="tickets_ticket", ids=tickets, keys=["subject", "subject_search"])


def _forget_mails(person: Person) -> None:
    """Mails of the person that wait for somebody, or were placed, and the calls that brought them."""
    waiting = UnsortedMessage.objects.filter(Q(contact__in=person.contact_ids) | Q(sender_address__in=person.addresses))
    waiting.update(sender_address="", sender_name="", subject="", body="", headers={}, files=[])
    calls = InboundEvent.objects.filter(source__startswith="mail:", payload__sender__in=person.addresses)
    calls.update(payload={"placed": "erased", "erased": True})
