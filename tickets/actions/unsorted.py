"""What a person decides about a message that no rule could place: onto a ticket, a new ticket, or away."""

from __future__ import annotations

import base64
import binascii
import datetime as dt

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.contacts import contacts_by_address
from accounts.models import Account, Contact, User
from accounts.models.people import normalise_email
from tickets.actions.incoming_mail import add_to_copies, said_in
from tickets.actions.messages import customer_reply, write_message
from tickets.actions.tickets import open_ticket
from tickets.models import Ticket, TicketMessage, UnsortedMessage
from tickets.models.tickets import ActorKind, Channel

Status = UnsortedMessage.Status
# so long what was dropped can be brought back; then its text and files go
DROPPED_FOR = dt.timedelta(days=30)


class AlreadyDecided(ValueError):
    """Somebody else placed or dropped the message meanwhile (`.row` is how it stands now)."""

    def __init__(self, row: UnsortedMessage):
        self.row = row
        super().__init__("Somebody decided on this message already.")


def place_on_ticket(*, unsorted_id: int, ticket_id: int, actor: User, now: dt.datetime) -> TicketMessage:
    """Puts the message on a ticket as its sender's reply; a person becomes a contact of the ticket's account, and reads along.

    Raises AlreadyDecided, MergedAway, ValidationError, UnsortedMessage.DoesNotExist, Ticket.DoesNotExist.
    """
    with transaction.atomic():
        row = _waiting(unsorted_id)
        ticket = Ticket.objects.select_related("account").get(pk=ticket_id, deleted_at__isnull=True)
        person = _sender_at(row, ticket.account, now=now)
        if person and not ticket.merged_into_id and row.why != UnsortedMessage.Why.AUTOMATIC:
            add_to_copies(ticket, person, now=now)
        said = said_in(row.body, row.subject)
        message, _new = customer_reply(
            ticket_id=ticket.pk, body=said.new, quoted=said.quoted, contact_id=person.pk if person else None, mail_id=_mail_id(row), files=_files(row), now=now,
            external_id=_external_id(row),
        )  # fmt: skip
        _decided(row, Status.PLACED, actor=actor, now=now, message=message, account=ticket.account, ticket=ticket, contact=person)
    return message


def open_from(*, unsorted_id: int, account_id: int, actor: User, now: dt.datetime) -> Ticket:
    """Opens a ticket for an account with the message as its first; the sender becomes a contact of the account.

    Raises AlreadyDecided, ValidationError, UnsortedMessage.DoesNotExist, Account.DoesNotExist.
    """
    with transaction.atomic():
        row = _waiting(unsorted_id)
        account = Account.objects.get(pk=account_id)
        person = _sender_at(row, account, now=now)
        channel = Channel.EMAIL if row.sender_address else Channel.WEB
        ticket, _new = open_ticket(account_id=account.pk, contact_id=person.pk if person else None, subject=row.subject, channel=channel, actor=actor, now=now)
        said = said_in(row.body, row.subject)
        message = write_message(
            ticket, text=said.new.strip(), quoted=said.quoted, at=now, public=True, author_kind=ActorKind.CUSTOMER, contact_id=person.pk if person else None,
            mail_id=_mail_id(row), files=_files(row), external_id=_external_id(row),
        )  # fmt: skip
        _decided(row, Status.PLACED, actor=actor, now=now, message=message, account=account, ticket=ticket, contact=person)
    return ticket


def drop(*, unsorted_id: int, actor: User, now: dt.datetime) -> UnsortedMessage:
    """Takes the message out of the list; it can be brought back for a month. Twice is once. Raises AlreadyDecided (placed), DoesNotExist."""
    with transaction.atomic():
        row = UnsortedMessage.objects.select_for_update(of=("self",)).get(pk=unsorted_id)
        if row.status == Status.PLACED:
            raise AlreadyDecided(row)
        if row.status == Status.WAITING:
            row.status, row.decided_by, row.decided_at = Status.DROPPED, actor, now
            row.save(update_fields=["status", "decided_by", "decided_at"])
    return row


def take_back(*, unsorted_id: int) -> UnsortedMessage:
    """Brings a dropped message back into the list. Twice is once. Raises AlreadyDecided (placed), DoesNotExist."""
    with transaction.atomic():
        row = UnsortedMessage.objects.select_for_update(of=("self",)).get(pk=unsorted_id)
        if row.status == Status.PLACED:
            raise AlreadyDecided(row)
        if row.status == Status.DROPPED:
            row.status, row.decided_by, row.decided_at = Status.WAITING, None, None
            row.save(update_fields=["status", "decided_by", "decided_at"])
    return row


def forget_dropped(*, now: dt.datetime, limit: int = 500) -> int:
    """Empties what was dropped longer ago than it can be brought back; returns how many."""
    old = UnsortedMessage.objects.filter(status=Status.DROPPED, decided_at__lt=now - DROPPED_FOR).exclude(body="", files=[], sender_address="")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return UnsortedMessage.objects.filter(pk__in=ids).update(body="", files=[], headers={}, subject="", sender_address="", sender_name="")


def _waiting(unsorted_id: int) -> UnsortedMessage:
    """The message, locked; only one that waits."""
    row = UnsortedMessage.objects.select_for_update(of=("self",)).get(pk=unsorted_id)
    if row.status != Status.WAITING:
        raise AlreadyDecided(row)
    return row


def _sender_at(row: UnsortedMessage, account: Account, *, now: dt.datetime) -> Contact | None:
    """The sender as a contact of the account, made where there is none; None for a message without a sender's address.

    What a machine wrote makes nobody a contact: its sender may be a mail server, or ourselves.
    """
    address = normalise_email(row.sender_address)
    if not address:
        return None
    if row.why == UnsortedMessage.Why.AUTOMATIC:
        return Contact.objects.filter(account=account, email=address).order_by("pk").first()
    person = contacts_by_address(wanted=[(account, address)], now=now)[account.pk, address]
    if not person.name and row.sender_name:
        person.name = row.sender_name
        person.save()
    return person


def _mail_id(row: UnsortedMessage) -> str:
    return str(row.headers.get("X-Vefa-Message-Id", ""))[:250]


def _external_id(row: UnsortedMessage) -> str | None:
    """The id under which the same mail would be known if it came again; hooks of other systems have their own."""
    return f"mail:{row.external_id}" if row.source.startswith("mail:") else None


def _files(row: UnsortedMessage) -> list[tuple[str, bytes]]:
    """What was attached. Raises ValidationError where it cannot be read."""
    try:
        return [(str(file["name"]), base64.b64decode(file["data"])) for file in row.files]
    except (KeyError, TypeError, binascii.Error) as fault:
        raise ValidationError({"files": _("The attachments of this message cannot be read.")}) from fault


def _decided(row: UnsortedMessage, status: str, *, actor: User, now: dt.datetime, message: TicketMessage, account: Account, ticket: Ticket, contact: Contact | None) -> None:
    """Writes the decision down. Text and files now stand on the ticket, and nowhere else."""
    row.status, row.decided_by, row.decided_at, row.message = status, actor, now, message
    row.account, row.ticket, row.contact = account, ticket, contact
    row.body, row.files = "", []
    row.save()
