"""Placing a mail that came in: on its ticket, on a new one, or among what a person must decide on. Nothing is ever answered by itself.

The order of looking: the signed address it was sent to, the mails it answers, the number in its subject
(only together with a sender of that ticket's account), the sender alone. Who writes on a ticket must be a
contact of its account; knowing a ticket's address is not enough.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import uuid
from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.collation import search_key
from accounts.mail_rate import receiving_domain
from accounts.models import Contact, Installation, OutgoingMail
from accounts.models.events import Origin
from accounts.models.people import normalise_email
from tickets.actions.copies import add_copy
from tickets.actions.merging import link, survivor_of
from tickets.actions.messages import customer_reply, write_message
from tickets.actions.tickets import open_ticket
from tickets.incoming import IncomingMail, automatic_reason
from tickets.models import Ticket, TicketCopy, TicketMessage, UnsortedMessage
from tickets.models.tickets import ActorKind, Channel
from tickets.quoting import Split, split
from tickets.reply_address import key_of, ticket_in
from tickets.state import RESOLVED_STATES, State

Why = UnsortedMessage.Why
# a ticket that has been done for longer is not reopened: what comes then is a new one, linked with it
REOPENS_FOR = dt.timedelta(days=28)
# more mails of one address, or on one ticket, within this time are a loop
LOOP_WINDOW = dt.timedelta(minutes=10)
LOOP_MAILS = 10
# an address there says nothing about where somebody works
PUBLIC_DOMAINS = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "icloud.com", "me.com", "aol.com", "gmx.com", "gmx.de", "proton.me",
    "protonmail.com", "mail.com", "yandex.com", "yandex.com.tr", "yandex.ru", "mynet.com", "hotmail.com.tr", "windowslive.com", "outlook.com.tr", "yahoo.com.tr",
})  # fmt: skip
# what stands where a mail has neither text nor subject
NO_TEXT = "—"
_NUMBER = re.compile(r"\[#([1-9][0-9]{0,9})\]")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Placed:
    """What became of a mail: `reply`, `opened`, `unsorted` (and why), or `known` for one that was here before."""

    outcome: str
    why: str = ""
    ticket_id: int | None = None
    unsorted_id: int | None = None

    @property
    def note(self) -> str:
        """In a few words, for the log of what came in."""
        return " ".join(filter(None, (self.outcome, self.why, f"#{self.ticket_id}" if self.ticket_id else "")))


def place(*, mail: IncomingMail, source: str, now: dt.datetime) -> Placed:
    """Places one mail, once: the same mail again, by whatever way and at the same moment, is `known`. Never sends anything."""
    with transaction.atomic():
        _one_at_a_time(mail.identity)
        if _is_known(mail):
            return Placed("known")
        ticket = _ticket_of(mail)
        if reason := automatic_reason(mail, own_address=Installation.current().ticket_address, own_senders=_own_senders()):
            return keep_unsorted(mail, Why.AUTOMATIC, source=source, now=now, ticket=ticket, note=reason)
        if not mail.sender:
            return keep_unsorted(mail, Why.UNREADABLE, source=source, now=now, ticket=ticket, note="From")
        people = list(Contact.objects.filter(email=normalise_email(mail.sender)).select_related("account").order_by("pk"))
        if ticket is None and (numbered := _numbered_ticket(mail, people)):
            ticket = numbered
        if _loops(mail, ticket, now=now):
            return keep_unsorted(mail, Why.LOOP, source=source, now=now, ticket=ticket)
        if mail.is_too_large:
            return keep_unsorted(mail, Why.TOO_LARGE, source=source, now=now, ticket=ticket, people=people)
        if ticket is not None:
            return _on_ticket(mail, ticket, people, source=source, now=now)
        return _without_ticket(mail, people, source=source, now=now)


def said_in(mail_text: str, subject: str) -> Split:
    """The new and the quoted text; where a mail says nothing, its subject stands for it."""
    said = split(mail_text)
    return said if said.new.strip() else Split(subject.strip() or NO_TEXT, said.quoted)


def _one_at_a_time(identity: str) -> None:
    """A second worker with the same mail waits here until the first is done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"mail:{identity}"])


def _external_id(mail: IncomingMail) -> str:
    return f"mail:{mail.identity}"


def _is_known(mail: IncomingMail) -> bool:
    """Whether it was placed, or waits, already. Messages of mails bear its identity as their external id."""
    known = TicketMessage.objects.filter(external_id=_external_id(mail)).exists()
    return known or UnsortedMessage.objects.filter(source__startswith="mail:", external_id=mail.identity).exists()


def _own_senders() -> set[str]:
    return {normalise_email(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])}


def _ticket_of(mail: IncomingMail) -> Ticket | None:
    """The ticket that the mail says to belong to: by its signed address, else by what it answers. Merged and deleted ones too."""
    base, keys = Installation.current().ticket_address, [key_of(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    tickets = Ticket.objects.select_related("account", "merged_into")
    for address in mail.recipients:
        if (number := ticket_in(address, base=base, keys=keys)) and (found := tickets.filter(pk=number).first()):
            return found
    if not mail.answers:
        return None
    by_id = dict(TicketMessage.objects.filter(mail_id__in=mail.answers).exclude(mail_id="").values_list("mail_id", "ticket_id"))
    by_id |= _sent_from_here([answer for answer in mail.answers if answer not in by_id])
    return next((found for answer in mail.answers if answer in by_id and (found := tickets.filter(pk=by_id[answer]).first())), None)


def _sent_from_here(ids: list[str]) -> dict[str, int]:
    """The tickets of mail ids that are our own: a reply leaves as one mail a person, each with an id of its own."""
    own = {uuid.UUID(found.group()): answer for answer in ids if (found := _UUID.match(answer))}
    mails = OutgoingMail.objects.filter(pk__in=own, subject_type="ticket_message").values_list("pk", "subject_id")
    messages = {int(subject): own[pk] for pk, subject in mails if subject.isdigit()}
    return {messages[pk]: ticket for pk, ticket in TicketMessage.objects.filter(pk__in=messages).values_list("pk", "ticket_id")}


def _numbered_ticket(mail: IncomingMail, people: list[Contact]) -> Ticket | None:
    """The ticket whose number stands in the subject, for a sender of its account alone: anybody can write a number."""
    found = _NUMBER.search(mail.subject)
    if found is None or not people:
        return None
    number = int(found.group(1))
    if number > 2**31 - 1:
        return None
    return Ticket.objects.select_related("account", "merged_into").filter(pk=number, account__in=[person.account_id for person in people]).first()


def _loops(mail: IncomingMail, ticket: Ticket | None, *, now: dt.datetime) -> bool:
    """Whether too many mails came from this address, or to this ticket, in a short time."""
    since = now - LOOP_WINDOW
    recent = TicketMessage.objects.filter(author_kind=ActorKind.CUSTOMER, created_at__gte=since).exclude(mail_id="")
    waiting = UnsortedMessage.objects.filter(received_at__gte=since, received_at__lte=now, source__startswith="mail:")
    of_sender = recent.filter(contact__email=normalise_email(mail.sender))[:LOOP_MAILS].count() + waiting.filter(sender_address=mail.sender)[:LOOP_MAILS].count()
    if of_sender >= LOOP_MAILS:
        return True
    return ticket is not None and recent.filter(ticket=survivor_of(ticket))[:LOOP_MAILS].count() >= LOOP_MAILS


def _on_ticket(mail: IncomingMail, found: Ticket, people: list[Contact], *, source: str, now: dt.datetime) -> Placed:
    """The mail belongs to a ticket; of a merged one, to the ticket that it went into."""
    ticket = survivor_of(found)
    person = next((person for person in people if person.account_id == ticket.account_id), None)
    if person is None:
        return keep_unsorted(mail, Why.OTHER_PERSON, source=source, now=now, ticket=ticket, people=people)
    if ticket.deleted_at is not None or ticket.spam:
        return keep_unsorted(mail, Why.FINISHED, source=source, now=now, ticket=ticket, people=people)
    if _is_long_done(ticket, now=now):
        return _open(mail, person, now=now, after=ticket)
    add_to_copies(ticket, person, now=now)
    said = said_in(mail.text, mail.subject)
    customer_reply(
        ticket_id=ticket.pk, body=said.new, quoted=said.quoted, contact_id=person.pk, mail_id=mail.message_id, files=mail.files, now=now, occurred_at=max(now, ticket.opened_at),
        external_id=_external_id(mail), origin=Origin.APP,
    )  # fmt: skip
    return Placed("reply", ticket_id=ticket.pk)


def add_to_copies(ticket: Ticket, person: Contact, *, now: dt.datetime) -> None:
    """Who writes on a ticket reads along from then on; nothing happens for its own contact, or where it has as many readers as it takes."""
    if person.pk == ticket.contact_id or TicketCopy.objects.filter(ticket=ticket, contact=person).exists():
        return
    try:
        add_copy(ticket_id=ticket.pk, contact_id=person.pk, now=now)
    except ValidationError:
        return


def _is_long_done(ticket: Ticket, *, now: dt.datetime) -> bool:
    """Whether a mail to it opens a new ticket: it was cancelled, or done for long."""
    if ticket.status == State.CANCELLED:
        return True
    done_at = ticket.closed_at or ticket.solved_at
    return ticket.status in RESOLVED_STATES and done_at is not None and done_at < now - REOPENS_FOR


def _without_ticket(mail: IncomingMail, people: list[Contact], *, source: str, now: dt.datetime) -> Placed:
    """A new ticket for a known person; whatever is not sure waits for one of us."""
    if not people:
        return keep_unsorted(mail, Why.STRANGER, source=source, now=now)
    if mail.spam or len({person.account_id for person in people}) > 1:
        # marked as spam by a provider, or a person of several customers
        return keep_unsorted(mail, Why.UNPLACED, source=source, now=now, people=people)
    return _open(mail, people[0], now=now)


def _open(mail: IncomingMail, person: Contact, *, now: dt.datetime, after: Ticket | None = None) -> Placed:
    ticket, _new = open_ticket(account_id=person.account_id, contact_id=person.pk, subject=mail.subject, channel=Channel.EMAIL, now=now)
    said = said_in(mail.text, mail.subject)
    write_message(
        ticket, text=said.new.strip(), quoted=said.quoted, at=now, public=True, author_kind=ActorKind.CUSTOMER, contact_id=person.pk, mail_id=mail.message_id,
        files=mail.files, external_id=_external_id(mail),
    )  # fmt: skip
    _copy_colleagues(mail, ticket, now=now)
    if after is not None:
        link(ticket_id=after.pk, other_id=ticket.pk)
    return Placed("opened", ticket_id=ticket.pk)


def _copy_colleagues(mail: IncomingMail, ticket: Ticket, *, now: dt.datetime) -> None:
    """Contacts of the same account whom the mail names as readers read along from the start; strangers do not."""
    for person in Contact.objects.filter(account=ticket.account_id, email__in=[normalise_email(address) for address in mail.recipients])[:20]:
        add_to_copies(ticket, person, now=now)


def keep_unsorted(mail: IncomingMail, why: str, *, source: str, now: dt.datetime, ticket: Ticket | None = None, people: list[Contact] | None = None, note: str = "") -> Placed:
    """Keeps the mail for a person to decide on, with what it seems to belong to; one that is kept already stays as it is."""
    if known_row := UnsortedMessage.objects.filter(source=source[:40], external_id=mail.identity).first():
        return Placed("known", why=known_row.why, unsorted_id=known_row.pk)
    fitting = mail.fitting()
    ticket = survivor_of(ticket) if ticket else None
    known = people or []
    person = next((person for person in known if ticket is None or person.account_id == ticket.account_id), None)
    accounts = {person.account_id for person in known}
    account_id = ticket.account_id if ticket else next(iter(accounts)) if len(accounts) == 1 else _account_by_domain(mail.sender) if not accounts else None
    headers = {**mail.headers, "X-Vefa-Note": note, "X-Vefa-Spam": "yes" if mail.spam else "", "X-Vefa-Left-Out": _left_out(mail, fitting), "X-Vefa-Message-Id": mail.message_id}
    row = UnsortedMessage.objects.create(
        source=source[:40], external_id=mail.identity, why=why, account_id=account_id, contact=person if len(accounts) == 1 or ticket else None, ticket=ticket,
        sender_address=mail.sender, sender_name=mail.sender_name, subject=mail.subject, body=fitting.text, headers={name: value for name, value in headers.items() if value},
        files=[{"name": name, "size": len(data), "data": base64.b64encode(data).decode("ascii")} for name, data in fitting.files], received_at=now,
    )  # fmt: skip
    return Placed("unsorted", why=why, ticket_id=ticket.pk if ticket else None, unsorted_id=row.pk)


def _left_out(mail: IncomingMail, fitting: IncomingMail) -> str:
    """What of the mail did not fit: files by name and size, and how many letters of the text; it stays in what was received."""
    kept = list(fitting.files)
    missing = [f"{name} ({len(data)} B)" for name, data in mail.files if (name, data) not in kept]
    letters = len(mail.text) - len(fitting.text)
    return "; ".join([*([f"text ({letters})"] if letters else []), *missing])[:1000]


def _account_by_domain(address: str) -> int | None:
    """The one account that has contacts of the same mail domain; None where there are none, or several."""
    domain = receiving_domain(address)
    if not domain or domain in PUBLIC_DOMAINS:
        return None
    # the letters for searching are indexed, the end of an address is not
    people = Contact.objects.filter(name_search__contains=search_key(f"@{domain}"), email__endswith=f"@{domain}")
    found = list(people.order_by().values_list("account_id", flat=True).distinct()[:2])
    return found[0] if len(found) == 1 else None
