"""The mails that a public reply leaves as: one for the ticket's contact and one for everybody in copy, through the outbox."""

from __future__ import annotations

import datetime as dt
import re

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Contact, Installation, OutgoingMail
from tickets.actions.dispatch import message_id
from tickets.models import Ticket, TicketCopy, TicketMessage
from tickets.models.tickets import Channel
from tickets.reply_address import address_of, key_of

SUBJECT_TYPE = "ticket_message"
# channels whose public replies leave by mail
MAILED = frozenset({Channel.EMAIL, Channel.WEB})
_ANSWER = re.compile(r"^(?:(?:re|ynt|cvp|aw|sv)\s*:\s*)+", re.IGNORECASE)
# a thread is found by its latest mails; headers must not grow without end
MOST_REFERENCES = 20


def reply_address(ticket_id: int) -> str:
    """The address that brings answers back to the ticket; "" where this installation has no address of tickets."""
    return address_of(ticket_id, base=Installation.current().ticket_address, key=key_of(settings.SECRET_KEY))


def thread_id(mails: list[OutgoingMail]) -> str:
    """The Message-ID, without its brackets, of the first of a reply's mails that shall leave; "" where none does."""
    return next((message_id(mail).strip("<>") for mail in mails if mail.status == OutgoingMail.Status.QUEUED), "")


def planned_mails(ticket: Ticket, *, body: str, now: dt.datetime) -> list[OutgoingMail]:
    """The mails of a reply, not yet saved: nobody who has no address. Whose address bounced has one that stays, and says so.

    The first is the contact's own; all are told apart by their ids.
    """
    if ticket.channel not in MAILED:
        return []
    copies = TicketCopy.objects.filter(ticket=ticket).select_related("contact").order_by("pk")
    people = [*([ticket.contact] if ticket.contact else []), *(copy.contact for copy in copies)]
    seen: set[str] = set()
    readers = [person for person in people if person.email and not (person.email in seen or seen.add(person.email))]  # type: ignore[func-returns-value]
    if not readers:
        return []
    headers, back = {"X-Vefa-Ticket": str(ticket.pk), **_thread(ticket)}, reply_address(ticket.pk)
    return [_mail(ticket, person, body=body, headers=headers, back=back, now=now) for person in readers]


def queue(mails: list[OutgoingMail], *, message: TicketMessage) -> None:
    """Puts them into the outbox as the mails of a message."""
    for mail in mails:
        mail.subject_id = str(message.pk)
    OutgoingMail.objects.bulk_create(mails)


def _thread(ticket: Ticket) -> dict[str, str]:
    """The headers by which mail programs put the mail below the earlier ones."""
    said = TicketMessage.objects.filter(ticket=ticket, public=True).exclude(mail_id="").order_by("-written_at", "-pk").values_list("mail_id", flat=True)
    ids = [f"<{found}>" for found in reversed(said[:MOST_REFERENCES])]
    return {"In-Reply-To": ids[-1], "References": " ".join(ids)} if ids else {}


def _mail(ticket: Ticket, person: Contact, *, body: str, headers: dict[str, str], back: str, now: dt.datetime) -> OutgoingMail:
    language = person.language or ticket.account.language or settings.LANGUAGE_CODE
    if language not in dict(settings.LANGUAGES):
        language = settings.LANGUAGE_CODE
    with override(language):
        # mail programs put theirs before every answer; one is enough
        told = _ANSWER.sub("", " ".join(ticket.subject.split())) or _("Your question")
        subject = _("Re: %(subject)s [#%(number)s]") % {"subject": told, "number": ticket.pk}
    stopped = {"status": OutgoingMail.Status.WITHHELD, "reason": "address_bounced"} if person.bounced_at else {}
    return OutgoingMail(
        kind=OutgoingMail.Kind.REPLY, subject_type=SUBJECT_TYPE, account=ticket.account, contact=person, to_address=person.email, from_address=settings.DEFAULT_FROM_EMAIL,
        reply_to=back, language=language, mail_subject=subject[:300], body_text=body, headers=headers, next_attempt_at=now, **stopped,
    )  # fmt: skip
