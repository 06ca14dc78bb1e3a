"""Surveys and reminders of which nobody knows whether they left: a person sends them again or drops them.

And mails that failed or were held back, of which a person may say that they are to be tried once more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction

from accounts.models import OutgoingMail
from surveys.models import Invitation

KINDS = (OutgoingMail.Kind.SURVEY, OutgoingMail.Kind.REMINDER)
SUBJECT = "invitation"
Status, Mail = Invitation.Status, OutgoingMail.Status
# what a person may order once more, and take out of the queue
AGAIN = frozenset({Mail.UNKNOWN, Mail.FAILED, Mail.WITHHELD})
WAITING = frozenset({Mail.QUEUED, Mail.RETRY, Mail.UNKNOWN})


class NotUnknown(ValueError):
    """The survey is not (or no longer) uncertain."""


class NotPossible(ValueError):
    """The mail is not (or no longer) in a state in which this can be decided."""


def resend_unknown(*, invitation_id: Any, now: dt.datetime) -> None:
    """Puts the uncertain survey or reminder back into the outbox; all rules are asked once more before it leaves. Raises NotUnknown."""
    _decide_unknown(invitation_id, again=True, now=now)


def drop_unknown(*, invitation_id: Any, now: dt.datetime) -> None:
    """Leaves it unsent for good; a link that did arrive after all still works. Raises NotUnknown."""
    _decide_unknown(invitation_id, again=False, now=now)


def _decide_unknown(invitation_id: Any, *, again: bool, now: dt.datetime) -> None:
    mails = OutgoingMail.objects.filter(kind__in=KINDS, subject_type=SUBJECT, subject_id=str(invitation_id), status=Mail.UNKNOWN)
    mail = mails.order_by("-created_at").first()
    if mail is None:
        raise NotUnknown
    try:
        if again:
            send_again(mail_id=mail.pk, now=now, only=frozenset({Mail.UNKNOWN}))
        else:
            let_be(mail_id=mail.pk, only=frozenset({Mail.UNKNOWN}))
    except NotPossible as fault:
        raise NotUnknown from fault


def decide_unknowns(*, invitation_ids: Collection[Any], again: bool, now: dt.datetime) -> int:
    """The same for many at once; what is no longer uncertain is left alone. Returns how many were decided."""
    decided = 0
    for invitation_id in invitation_ids:
        try:
            _decide_unknown(invitation_id, again=again, now=now)
        except NotUnknown:
            continue
        decided += 1
    return decided


def send_again(*, mail_id: Any, now: dt.datetime, only: frozenset[str] = AGAIN) -> None:
    """Queues a survey or reminder once more; all rules are asked before it leaves. Raises NotPossible.

    An address that does not exist stays suppressed, so that a mail to it is dropped by its rule.
    """
    with transaction.atomic():
        mail, invitation = _locked(mail_id, only)
        if mail.kind == OutgoingMail.Kind.SURVEY:
            if invitation.status not in {Status.UNKNOWN, Status.FAILED}:
                raise NotPossible
            Invitation.objects.filter(pk=invitation.pk).update(status=Status.QUEUED)
        elif invitation.status != Status.SENT:
            raise NotPossible
        mail.status, mail.reason, mail.next_attempt_at, mail.worker, mail.attempt = Mail.QUEUED, "resent", now, "", mail.attempt if mail.status == Mail.UNKNOWN else 0
        mail.save(update_fields=["status", "reason", "next_attempt_at", "worker", "attempt"])


def let_be(*, mail_id: Any, only: frozenset[str] = WAITING) -> None:
    """Takes a survey or reminder out of the queue for good. Raises NotPossible."""
    with transaction.atomic():
        mail, invitation = _locked(mail_id, only)
        mail.status, mail.reason = Mail.ABORTED, "dropped" if mail.status == Mail.UNKNOWN else "by_hand"
        mail.save(update_fields=["status", "reason"])
        if mail.kind == OutgoingMail.Kind.SURVEY:
            Invitation.objects.filter(pk=invitation.pk, status__in=[Status.QUEUED, Status.UNKNOWN]).update(status=Status.FAILED)


def _locked(mail_id: Any, only: frozenset[str]) -> tuple[OutgoingMail, Invitation]:
    """Mail and invitation, the invitation locked first, as everybody does."""
    subject = OutgoingMail.objects.filter(pk=mail_id, kind__in=KINDS, subject_type=SUBJECT).values_list("subject_id", flat=True).first()
    invitation = Invitation.objects.select_for_update(no_key=True).filter(pk=subject).first() if subject else None
    mail = OutgoingMail.objects.select_for_update(no_key=True).filter(pk=mail_id, status__in=only).first()
    if invitation is None or mail is None:
        raise NotPossible
    return mail, invitation
