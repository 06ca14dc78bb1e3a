"""Making an offer by a mail of the outbox: it waits for a moment in which it can be taken back, then leaves as every mail does."""

from __future__ import annotations

import datetime as dt
from email.utils import formataddr

from django.conf import settings
from django.db import transaction

from accounts.actions.offers import NotOpen, locked_match, take_back
from accounts.actions.playbook_effects import why_not_write
from accounts.actions.touches import Channel, log_touch
from accounts.models import Contact, OfferMatch, OutgoingMail, User
from accounts.placeholders import one_line

SUBJECT = "offer_match"
# as long as the mail can be taken back; longer than a toast stands
WAITS = dt.timedelta(seconds=30)
VALID = dt.timedelta(days=3)
MINUTES = 5
Mail = OutgoingMail.Status
Status = OfferMatch.Status
_WAITING = (Mail.QUEUED, Mail.RETRY)


class CannotWrite(ValueError):
    """The person is not written to; `reason` says why, as in the log of playbooks."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class LeftAlready(NotOpen):
    """The mail has left, or is leaving this moment."""


def send_offer(*, match_id: int, contact: Contact, subject: str, body: str, actor: User, now: dt.datetime, version: int | None = None) -> OutgoingMail:
    """Puts the message into the outbox and notes the offer as made; logged as a touch once it has left.

    Raises NotOpen, CannotWrite, ValueError for another account's contact and for an empty text.
    """
    if not subject.strip() or not body.strip():
        raise ValueError("a message has a subject and a text")
    with transaction.atomic():
        match = locked_match(match_id, version)
        if match.status != Status.OPEN:
            raise NotOpen
        if contact.account_id != match.account_id:
            raise ValueError("the contact is another account's")
        if reason := why_not_write(contact, transactional=False):
            raise CannotWrite(reason)
        mail = draft_mail(match=match, contact=contact, subject=subject, body=body, actor=actor)
        mail.next_attempt_at, mail.valid_until = now + WAITS, now + VALID
        mail.save(force_insert=True)
        match.status, match.contact, match.sent_at, match.sent_by = Status.SENT, contact, now, actor
        match.version += 1
        match.save()
    return mail


def draft_mail(*, match: OfferMatch, contact: Contact, subject: str, body: str, actor: User) -> OutgoingMail:
    """The mail as it would be put into the outbox, not stored; for the preview, too."""
    return OutgoingMail(
        kind=OutgoingMail.Kind.OFFER, subject_type=SUBJECT, subject_id=str(match.pk), account_id=match.account_id, contact=contact, to_address=contact.email,
        from_address=settings.DEFAULT_FROM_EMAIL, reply_to=formataddr((actor.name, actor.email)), language=contact.language or match.account.language or "en",
        mail_subject=one_line(subject)[:300], body_text=body.strip(),
    )  # fmt: skip


def mail_of(match: OfferMatch) -> OutgoingMail | None:
    """The last mail by which the offer was made, or was meant to be; None where none ever was."""
    return OutgoingMail.objects.filter(subject_type=SUBJECT, subject_id=str(match.pk)).order_by("-created_at").first()


def is_offered(mail: OutgoingMail) -> bool:
    """Whether the offer that a mail makes still stands as made."""
    return OfferMatch.objects.filter(pk=int(mail.subject_id or 0), status__in=[Status.SENT, Status.WON, Status.LOST]).exists()


def take_offer_back(*, match_id: int, now: dt.datetime) -> OfferMatch:
    """Takes back that the offer was made, with the mail where it still waits; or an outcome. Raises NotOpen, LeftAlready."""
    with transaction.atomic():
        match = locked_match(match_id, None)
        if match.status == Status.SENT:
            _take_mail_back(match)
        return take_back(match_id=match_id, now=now)


def _take_mail_back(match: OfferMatch) -> None:
    mail = OutgoingMail.objects.select_for_update().filter(subject_type=SUBJECT, subject_id=str(match.pk)).order_by("-created_at").first()
    if mail is None or mail.status == Mail.ABORTED:
        return
    if mail.status not in _WAITING:
        raise LeftAlready
    OutgoingMail.objects.filter(pk=mail.pk).update(status=Mail.ABORTED, reason="taken_back")


def settle_offer(*, mail: OutgoingMail, left: bool, now: dt.datetime) -> None:
    """What became of the mail: a touch once it left, else the match is open again. Call it in the transaction that settles the mail."""
    match = OfferMatch.objects.select_for_update(no_key=True).filter(pk=int(mail.subject_id or 0)).first()
    if match is None:
        return
    if left:
        actor = User.objects.filter(pk=match.sent_by_id).first() if match.sent_by_id else None
        log_touch(account_id=match.account_id, actor=actor, channel=Channel.MAIL, minutes=MINUTES, occurred_at=now, now=now, contact_id=mail.contact_id)
    elif match.status == Status.SENT:
        match.status, match.sent_at, match.sent_by, match.contact = Status.OPEN, None, None, None
        match.version += 1
        match.save()
