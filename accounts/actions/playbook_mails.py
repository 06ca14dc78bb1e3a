"""Sending the mails of playbooks and offers: claimed, committed, looked at once more, then sent. A mail leaves at most once."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from django.conf import settings
from django.db import transaction

from accounts.actions.event_log import record_event
from accounts.actions.instances import is_in_doubt
from accounts.actions.mail_rates import Pace
from accounts.actions.offer_mails import SUBJECT as OFFER
from accounts.actions.offer_mails import is_offered, settle_offer
from accounts.actions.outbox import MailSession, claim, is_allowed, release, settle
from accounts.actions.playbook_effects import SUBJECT, why_not_write
from accounts.actions.refusals import KINDS, refusal_page
from accounts.models import Installation, OutgoingMail, PlaybookRun, PlaybookStepLog
from accounts.models.events import Origin

Mail = OutgoingMail.Status
# part of a letter, so in the letter's language and not the interface's
_REFUSE = {"en": "If you want no more such mail from us:", "tr": "Bizden başka böyle e-posta istemiyorsanız:"}


def compose(mail: OutgoingMail, *, now: dt.datetime, postal: str) -> EmailMessage:
    """The letter of a row: plain text, a way to refuse below unless it is about a contract. Raises ValueError for an address no letter can carry."""
    sender = mail.from_address or settings.DEFAULT_FROM_EMAIL
    letter = EmailMessage(policy=SMTP)
    letter["From"], letter["To"], letter["Subject"] = sender, mail.to_address, " ".join(mail.mail_subject.split())
    if mail.reply_to:
        letter["Reply-To"] = mail.reply_to
    letter["Date"], letter["Message-ID"] = format_datetime(now), message_id(mail)
    letter["Auto-Submitted"] = "auto-generated"
    if not mail.headers.get("transactional"):
        # one press in the mail program is enough (RFC 8058); a mailbox may stand beside it
        mailbox = f", <mailto:{settings.UNSUBSCRIBE_MAILTO}?subject=unsubscribe>" if settings.UNSUBSCRIBE_MAILTO else ""
        letter["List-Unsubscribe"], letter["List-Unsubscribe-Post"] = f"<{refusal_page(mail)}>{mailbox}", "List-Unsubscribe=One-Click"
    letter.set_content(f"{body_of(mail, postal=postal)}\n", cte="quoted-printable")
    return letter


def body_of(mail: OutgoingMail, *, postal: str) -> str:
    """The text as it leaves: what was written, below it how to refuse (not where it is about a contract) and who sends it."""
    footer = [] if mail.headers.get("transactional") else [_REFUSE.get(mail.language.split("-")[0], _REFUSE["en"]), refusal_page(mail)]
    footer += [postal] if postal else []
    below = "\n\n-- \n" + "\n".join(footer) if footer else ""
    return f"{mail.body_text.strip()}{below}"


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
    mails = claim(kinds=[str(kind) for kind in KINDS], limit=limit, worker=worker, as_of=as_of)
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
    with transaction.atomic():
        status = settle(mail=mail, worker=worker, delivery=delivery, now=clock(), message_id=message_id(mail))
        if mail.subject_type == OFFER and status in {Mail.SENT, Mail.FAILED}:
            settle_offer(mail=mail, left=status == Mail.SENT, now=now)
        elif status == Mail.FAILED:
            _told(mail, PlaybookStepLog.Outcome.FAILED, "mail_failed", now)
        elif status == Mail.SENT:
            _tell(mail, now)
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
    if mail.subject_type == OFFER:
        return "" if is_offered(mail) else "taken_back"
    run = PlaybookRun.objects.filter(pk=mail.subject_id.partition(":")[0]).first() if mail.subject_type == SUBJECT else None
    return "playbook_ended" if run is None or run.status == PlaybookRun.Status.STOPPED else ""


def _withheld(mail: OutgoingMail, reason: str, *, worker: str, now: dt.datetime) -> str | None:
    with transaction.atomic():
        if not release(mail=mail, worker=worker, status=Mail.ABORTED, reason=reason):
            return None
        if mail.subject_type == OFFER:
            settle_offer(mail=mail, left=False, now=now)
        else:
            _told(mail, PlaybookStepLog.Outcome.SKIPPED, reason, now)
    return str(Mail.ABORTED)


def _tell(mail: OutgoingMail, now: dt.datetime) -> None:
    """That a playbook wrote stands in the account's log; what it wrote in the outbox."""
    run_id, _colon, step = mail.subject_id.partition(":")
    run = PlaybookRun.objects.select_related("playbook").filter(pk=int(run_id or 0)).first()
    if run is not None:
        record_event(
            account_id=run.account_id, contact_id=mail.contact_id, kind="playbook.mailed", occurred_at=now, origin=Origin.APP, subject_type="playbook_run", subject_id=str(run.pk),
            payload={"playbook": run.playbook.key, "run": run.pk, "step": step, "mail": str(mail.pk)},
        )  # fmt: skip


def _told(mail: OutgoingMail, outcome: str, reason: str, now: dt.datetime) -> None:
    """What the step came to after all stands in its run's log."""
    run_id, _colon, step = mail.subject_id.partition(":")
    PlaybookStepLog.objects.filter(run_id=int(run_id or 0), step=step, outcome=PlaybookStepLog.Outcome.DONE).update(outcome=outcome, reason=reason, at=now)
