"""Surveys of which nobody knows whether they left: a person sends them again or drops them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from accounts.models import OutgoingMail
from surveys.models import Invitation


class NotUnknown(ValueError):
    """The survey is not (or no longer) uncertain."""


def resend_unknown(*, invitation_id: Any, now: dt.datetime) -> None:
    """Puts it back into the outbox; all rules are asked once more before it leaves. Raises NotUnknown."""
    with transaction.atomic():
        mail = _locked(invitation_id)
        mail.status, mail.reason, mail.next_attempt_at, mail.worker = OutgoingMail.Status.QUEUED, "resent", now, ""
        mail.save(update_fields=["status", "reason", "next_attempt_at", "worker"])
        Invitation.objects.filter(pk=invitation_id).update(status=Invitation.Status.QUEUED)


def drop_unknown(*, invitation_id: Any, now: dt.datetime) -> None:
    """Leaves it unsent for good; a link that did arrive after all still works. Raises NotUnknown."""
    with transaction.atomic():
        mail = _locked(invitation_id)
        mail.status, mail.reason = OutgoingMail.Status.ABORTED, "dropped"
        mail.save(update_fields=["status", "reason"])
        Invitation.objects.filter(pk=invitation_id).update(status=Invitation.Status.FAILED)


def _locked(invitation_id: Any) -> OutgoingMail:
    invitation = Invitation.objects.select_for_update(no_key=True).filter(pk=invitation_id, status=Invitation.Status.UNKNOWN).first()
    mails = OutgoingMail.objects.select_for_update(no_key=True).filter(kind="survey", subject_type="invitation", subject_id=str(invitation_id))
    mail = mails.filter(status=OutgoingMail.Status.UNKNOWN).first()
    if invitation is None or mail is None:
        raise NotUnknown
    return mail
