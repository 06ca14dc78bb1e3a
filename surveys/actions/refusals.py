"""Refusing surveys: effective at once, also for what is planned or queued already; and taking a refusal back."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import F

from accounts.actions.event_log import record_event
from accounts.actions.suppressions import GLOBAL, address_hashes, suppress, survey_scope
from accounts.models import Contact, OutgoingMail, Suppression
from surveys.models import Invitation

ALL, ONE = "all", "survey"
SUBJECT = "invitation"
_KINDS = (OutgoingMail.Kind.SURVEY, OutgoingMail.Kind.REMINDER)


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
    with transaction.atomic():
        suppressions = GLOBAL if scope == ALL else survey_scope(survey.key)
        new = suppress(address=mailed_address(invitation), scope=suppressions, reason=Suppression.Reason.UNSUBSCRIBE, source_ref=f"{SUBJECT}:{invitation.pk}")
        if scope == ALL:
            changed = Contact.objects.filter(pk=contact.pk, opted_out=False).update(opted_out=True, opted_out_at=now, version=F("version") + 1, updated_at=now)
            new = new or bool(changed)
        waiting = Invitation.objects.filter(contact=contact, status__in=[Invitation.Status.PLANNED, Invitation.Status.QUEUED])
        if scope == ONE:
            waiting = waiting.filter(survey_version__survey=survey)
        reason = Invitation.SkipReason.NO_CONSENT if scope == ALL else Invitation.SkipReason.SUPPRESSED
        taken_back = [str(pk) for pk in waiting.values_list("pk", flat=True)]
        mails = OutgoingMail.objects.filter(kind__in=_KINDS, subject_type=SUBJECT, subject_id__in=taken_back, status__in=["queued", "retry"])
        mails.update(status=OutgoingMail.Status.ABORTED, reason=str(reason))
        Invitation.objects.filter(pk__in=taken_back).exclude(pk__in=_being_sent(taken_back)).update(
            status=Invitation.Status.SKIPPED, skip_reason=reason, decision={"rule": str(reason), "value": "refused", "limit": None, "as_of": now.isoformat()}
        )
        if new:
            record_event(
                account_id=invitation.account_id, contact_id=contact.pk, kind="contact.unsubscribed", occurred_at=now, origin="app",
                subject_type=SUBJECT, subject_id=str(invitation.pk), payload={"scope": scope, "survey": survey.key},
            )  # fmt: skip


def take_refusal_back(*, invitation: Invitation, scope: str, now: dt.datetime) -> bool:
    """Undoes a refusal that this person pressed by mistake; true where there was one to undo.

    Only what was refused through a link in a mail to this contact: a bounce, a complaint, a refusal given
    elsewhere stay. What was taken back then is not planned again. Raises ValueError for another scope.
    """
    if scope not in {ALL, ONE}:
        raise ValueError(scope)
    contact = invitation.contact
    with transaction.atomic():
        row = pressed_refusal(invitation, scope)
        if row is None or contact is None:
            return False
        Suppression.objects.filter(pk=row.pk).delete()
        if scope == ALL:
            # the press is the newer consent
            Contact.objects.filter(pk=contact.pk, opted_out=True).update(
                opted_out=False, opted_out_at=None, consent_at=now, version=F("version") + 1, updated_at=now
            )  # fmt: skip
    return True


def pressed_refusal(invitation: Invitation, scope: str) -> Suppression | None:
    """The suppression that a press on a link to this contact made, if it is still that and nothing stronger."""
    version, contact = invitation.survey_version, invitation.contact
    address = mailed_address(invitation)
    if version is None or contact is None or not address:
        return None
    wanted = GLOBAL if scope == ALL else survey_scope(version.survey.key)
    row = Suppression.objects.filter(address_hmac__in=address_hashes(address), scope=wanted, reason=Suppression.Reason.UNSUBSCRIBE).first()
    if row is None or not row.source_ref.startswith(f"{SUBJECT}:"):
        return None
    pressed = Invitation.objects.filter(pk=row.source_ref.removeprefix(f"{SUBJECT}:"), contact=contact)
    return row if pressed.exists() else None


def mailed_address(invitation: Invitation) -> str:
    """The address that the mail of an invitation went to, else that of its contact."""
    mailed = OutgoingMail.objects.filter(kind__in=_KINDS, subject_type=SUBJECT, subject_id=str(invitation.pk)).order_by("created_at").values_list("to_address", flat=True).first()
    return mailed or (invitation.contact.email if invitation.contact else "")


def _being_sent(invitation_ids: list[str]) -> list[str]:
    """Invitations whose mail a worker holds this moment; the worker decides them itself."""
    rows = OutgoingMail.objects.filter(kind__in=_KINDS, subject_type=SUBJECT, subject_id__in=invitation_ids, status=OutgoingMail.Status.SENDING)
    return list(rows.values_list("subject_id", flat=True))
