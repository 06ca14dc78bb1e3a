"""Refusing surveys: effective at once, also for what is planned or queued already."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import F

from accounts.actions.event_log import record_event
from accounts.actions.suppressions import GLOBAL, suppress, survey_scope
from accounts.models import Contact, OutgoingMail, Suppression
from surveys.models import Invitation

ALL, ONE = "all", "survey"


def refuse_surveys(*, invitation: Invitation, scope: str, now: dt.datetime) -> None:
    """Stops this survey (`survey`) or every survey (`all`) for the address that the mail of an invitation went to.

    What is planned or waits in the outbox is taken back; a mail that is being sent this moment looks
    once more before it leaves. Doing it twice is doing it once. Raises ValueError for another scope.
    """
    if scope not in {ALL, ONE}:
        raise ValueError(scope)
    contact, version = invitation.contact, invitation.survey_version
    if contact is None or version is None:
        return
    survey = version.survey
    mailed = OutgoingMail.objects.filter(kind="survey", subject_type="invitation", subject_id=str(invitation.pk)).values_list("to_address", flat=True).first()
    with transaction.atomic():
        suppressions = GLOBAL if scope == ALL else survey_scope(survey.key)
        new = suppress(address=mailed or contact.email, scope=suppressions, reason=Suppression.Reason.UNSUBSCRIBE, source_ref=f"invitation:{invitation.pk}")
        if scope == ALL:
            changed = Contact.objects.filter(pk=contact.pk, opted_out=False).update(opted_out=True, opted_out_at=now, version=F("version") + 1, updated_at=now)
            new = new or bool(changed)
        waiting = Invitation.objects.filter(contact=contact, status__in=[Invitation.Status.PLANNED, Invitation.Status.QUEUED])
        if scope == ONE:
            waiting = waiting.filter(survey_version__survey=survey)
        reason = Invitation.SkipReason.NO_CONSENT if scope == ALL else Invitation.SkipReason.SUPPRESSED
        taken_back = [str(pk) for pk in waiting.values_list("pk", flat=True)]
        mails = OutgoingMail.objects.filter(kind="survey", subject_type="invitation", subject_id__in=taken_back, status__in=["queued", "retry"])
        mails.update(status=OutgoingMail.Status.ABORTED, reason=str(reason))
        Invitation.objects.filter(pk__in=taken_back).exclude(pk__in=_being_sent(taken_back)).update(
            status=Invitation.Status.SKIPPED, skip_reason=reason, decision={"rule": str(reason), "value": "refused", "limit": None, "as_of": now.isoformat()}
        )
        if new:
            record_event(
                account_id=invitation.account_id, contact_id=contact.pk, kind="contact.unsubscribed", occurred_at=now, origin="app",
                subject_type="invitation", subject_id=str(invitation.pk), payload={"scope": scope, "survey": survey.key},
            )  # fmt: skip


def _being_sent(invitation_ids: list[str]) -> list[str]:
    """Invitations whose mail a worker holds this moment; the worker decides them itself."""
    rows = OutgoingMail.objects.filter(kind="survey", subject_type="invitation", subject_id__in=invitation_ids, status=OutgoingMail.Status.SENDING)
    return list(rows.values_list("subject_id", flat=True))
