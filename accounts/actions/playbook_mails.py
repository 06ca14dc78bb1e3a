"""Sending the mails of playbooks: claimed, committed, looked at once more, then sent. A mail leaves at most once."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from django.conf import settings
from django.db import transaction

from accounts.actions.instances import is_in_doubt
from accounts.actions.mail_rates import Pace
from accounts.actions.outbox import MailSession, claim, is_allowed, release, settle
from accounts.actions.playbook_effects import SUBJECT, why_not_write
from accounts.models import Installation, OutgoingMail, PlaybookRun, PlaybookStepLog

KIND = OutgoingMail.Kind.PLAYBOOK
Mail = OutgoingMail.Status
# part of a letter, so in the letter's language and not the interface's
_REFUSE = {"en": "If you want no more such mail from us, simply reply with “stop”.", "tr": "Bizden başka böyle e-posta istemiyorsanız bu iletiye “dur” yazıp yanıtlamanız yeterli."}


def compose(mail: OutgoingMail, *, now: dt.datetime, postal: str) -> EmailMessage:
    """The letter of a row: plain text, a way to refuse below unless it is about a contract. Raises ValueError for an address no letter can carry."""
    sender = mail.from_address or settings.DEFAULT_FROM_EMAIL
    letter = EmailMessage(policy=SMTP)
    letter["From"], letter["To"], letter["Subject"] = sender, mail.to_address, " ".join(mail.mail_subject.split())
    if mail.reply_to:
        letter["Reply-To"] = mail.reply_to
    letter["Date"], letter["Message-ID"] = format_datetime(now), message_id(mail)
    letter["Auto-Submitted"] = "auto-generated"
    footer = [postal] if postal else []
    if not mail.headers.get("transactional"):
        footer.insert(0, _REFUSE.get(mail.language.split("-")[0], _REFUSE["en"]))
        if settings.UNSUBSCRIBE_MAILTO:
            letter["List-Unsubscribe"] = f"<mailto:{settings.UNSUBSCRIBE_MAILTO}?subject=unsubscribe>"
    below = "\n\n-- \n" + "\n".join(footer) if footer else ""
    letter.set_content(f"{mail.body_text.strip()}{below}\n", cte="quoted-printable")
    return letter


def message_id(mail: OutgoingMail) -> str:
    """The id that the mail carries: the same however often it is tried."""
    return f"<{mail.pk}@{parseaddr(mail.from_address or settings.DEFAULT_FROM_EMAIL)[1].rpartition('@')[2] or 'localhost'}>"


def send_mails(*, worker: str, clock: Callable[[], dt.datetime], session: MailSession | None = None, limit: int = 200, as_of: dt.datetime | None = None) -> Counter[str]:
    """Sends what is due; who refused, bounced or is not to be written to since is left alone, and so is everybody once the run was stopped.

    Nothing leaves while sending is off, or from a copy. Must not be called inside a transaction.
    """
    counts: Counter[str] = Counter()
    installation = Installation.current()
    if not installation.sending_enabled or is_in_doubt():
        return counts
    mails = claim(kinds=[str(KIND)], limit=limit, worker=worker, as_of=as_of)
    if not mails:
        return counts
    pace = Pace(mails)
    with session or MailSession() as server:
        for mail in pace.in_turn(mails, worker=worker):
            status = _send(mail, server, pace, worker=worker, clock=clock, postal=installation.postal_address)
            if status:
                counts[status] += 1
    pace.close()
    return counts


def _send(mail: OutgoingMail, server: MailSession, pace: Pace, *, worker: str, clock: Callable[[], dt.datetime], postal: str) -> str | None:
    now = clock()
    refusal = why_not_send(mail, now=now)
    if refusal:
        return _withheld(mail, refusal, worker=worker, now=now)
    try:
        letter = compose(mail, now=now, postal=postal)
    except (ValueError, IndexError):
        return _withheld(mail, "unsendable", worker=worker, now=now)
    delivery = server.deliver(sender=parseaddr(str(letter["From"]))[1], recipient=mail.to_address, message=letter)
    pace.note(mail, delivery)
    status = settle(mail=mail, worker=worker, delivery=delivery, now=clock(), message_id=message_id(mail))
    if status == Mail.FAILED:
        _told(mail, PlaybookStepLog.Outcome.FAILED, "mail_failed", now)
    return status


def why_not_send(mail: OutgoingMail, *, now: dt.datetime) -> str:
    """Why a claimed mail does not leave; empty where it does."""
    if mail.valid_until and mail.valid_until <= now:
        return "stale"
    refusal = why_not_write(mail.contact, transactional=bool(mail.headers.get("transactional")))
    if refusal or mail.contact is None:
        return refusal or "no_contact"
    if mail.contact.email != mail.to_address:
        return "moved"
    if not is_allowed(mail.to_address):
        return "not_allowed"
    run = PlaybookRun.objects.filter(pk=mail.subject_id.partition(":")[0]).first() if mail.subject_type == SUBJECT else None
    return "playbook_ended" if run is None or run.status == PlaybookRun.Status.STOPPED else ""


def _withheld(mail: OutgoingMail, reason: str, *, worker: str, now: dt.datetime) -> str | None:
    with transaction.atomic():
        if not release(mail=mail, worker=worker, status=Mail.ABORTED, reason=reason):
            return None
        _told(mail, PlaybookStepLog.Outcome.SKIPPED, reason, now)
    return str(Mail.ABORTED)


def _told(mail: OutgoingMail, outcome: str, reason: str, now: dt.datetime) -> None:
    """What the step came to after all stands in its run's log."""
    run_id, _colon, step = mail.subject_id.partition(":")
    PlaybookStepLog.objects.filter(run_id=int(run_id or 0), step=step, outcome=PlaybookStepLog.Outcome.DONE).update(outcome=outcome, reason=reason, at=now)
