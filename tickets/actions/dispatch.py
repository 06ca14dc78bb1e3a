"""Sending what tickets owe: replies to customers, and alerts. The outbox's promise holds: claimed, committed, then sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from django.conf import settings

from accounts.actions.instances import is_in_doubt
from accounts.actions.mail_rates import Pace
from accounts.actions.outbox import MailSession, claim, release, settle, worker_name
from accounts.models import OutgoingMail
from tickets.models import AttachmentContent

KINDS = [OutgoingMail.Kind.REPLY, OutgoingMail.Kind.ALERT]
_OWN_HEADERS = ("X-Vefa-Ticket", "In-Reply-To", "References", "Auto-Submitted")


def compose(mail: OutgoingMail, *, now: dt.datetime, files: Sequence[tuple[str, str, bytes]] = ()) -> EmailMessage:
    """The letter of a row of the outbox: plain text, HTML beside it where the row has it, and files (name, type, bytes).

    Its message id is that of the row, so that a mail sent twice by a person's order is seen as one.
    """
    sender = mail.from_address or settings.DEFAULT_FROM_EMAIL
    letter = EmailMessage(policy=SMTP)
    letter["Subject"] = " ".join(mail.mail_subject.split())
    letter["From"] = sender
    letter["To"] = mail.to_address
    if mail.reply_to:
        letter["Reply-To"] = mail.reply_to
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = message_id(mail)
    for name in _OWN_HEADERS:
        if mail.headers.get(name):
            letter[name] = " ".join(str(mail.headers[name]).split())
    letter.set_content(mail.body_text)
    if mail.body_html:
        letter.add_alternative(mail.body_html, subtype="html")
    for name, media_type, data in files:
        main, _slash, sub = media_type.partition("/")
        letter.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return letter


def files_of(mail: OutgoingMail) -> list[tuple[str, str, bytes]]:
    """What is attached to the message that a mail carries: (name, type, bytes)."""
    if mail.subject_type != "ticket_message" or not mail.subject_id.isdigit():
        return []
    rows = AttachmentContent.objects.filter(attachment__message=int(mail.subject_id)).order_by("attachment_id")
    return [(name, media_type, bytes(data)) for name, media_type, data in rows.values_list("attachment__name", "attachment__media_type", "data")]


def message_id(mail: OutgoingMail) -> str:
    """The id that the mail carries."""
    domain = parseaddr(mail.from_address or settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{mail.pk}@{domain}>"


def dispatch(*, clock: Callable[[], dt.datetime], limit: int = 100, session: MailSession | None = None, kinds: Sequence[str] = KINDS) -> dict[str, int]:
    """Sends due replies and alerts (or mails of other kinds that are whole in their rows), one batch; returns how many ended in which status.

    They pass the same rates as all mails, replies before surveys. An address that bounced since is not
    written to; a copy of an installation sends nothing. `clock` tells when each conversation was over.
    Must not be called inside a transaction.
    """
    if is_in_doubt():
        return {}
    worker = worker_name()
    counts: dict[str, int] = {}
    mails = claim(kinds=[str(kind) for kind in kinds], limit=limit, worker=worker)
    if not mails:
        return counts
    pace = Pace(mails, urgent=kinds is KINDS)
    with session or MailSession() as server:
        for mail in pace.in_turn(mails, worker=worker):
            status = _send(mail, server, pace, worker=worker, clock=clock)
            if status:
                counts[status] = counts.get(status, 0) + 1
    pace.close()
    return counts


def _send(mail: OutgoingMail, server: MailSession, pace: Pace, *, worker: str, clock: Callable[[], dt.datetime]) -> str | None:
    """One mail; the status it ended in, None where the claim was lost meanwhile."""
    now = clock()
    if mail.contact and mail.contact.bounced_at:
        return OutgoingMail.Status.WITHHELD if release(mail=mail, worker=worker, status=OutgoingMail.Status.WITHHELD, reason="address_bounced") else None
    if mail.valid_until and mail.valid_until <= now:
        return OutgoingMail.Status.ABORTED if release(mail=mail, worker=worker, status=OutgoingMail.Status.ABORTED, reason="expired") else None
    try:
        letter = compose(mail, now=now, files=files_of(mail))
    except (ValueError, IndexError):
        # an address or a header that no letter can carry
        return OutgoingMail.Status.FAILED if release(mail=mail, worker=worker, status=OutgoingMail.Status.FAILED, reason="unsendable") else None
    delivery = server.deliver(sender=parseaddr(str(letter["From"]))[1], recipient=mail.to_address, message=letter)
    pace.note(mail, delivery)
    return settle(mail=mail, worker=worker, delivery=delivery, now=clock(), message_id=message_id(mail))
