"""What became of a survey's mail after it left, as its invitation shows it: bounced, reported, surely sent after all."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max, Q
from django.db.models.functions import Coalesce

from accounts.actions.bounces import Applied
from accounts.actions.event_log import record_event
from accounts.mail_reports import COMPLAINT, DELIVERED, HARD
from accounts.models import OutgoingMail
from surveys.models import Invitation, SurveyLink

Status, Kind = Invitation.Status, OutgoingMail.Kind


def follow_report(*, applied: Applied, occurred_at: dt.datetime) -> None:
    """Carries what a provider reported over to the invitation. Call it in the transaction of the report; twice is once."""
    mail = applied.mail
    if mail is None or mail.subject_type != "invitation" or mail.kind not in {Kind.SURVEY, Kind.REMINDER}:
        return
    mine = Invitation.objects.filter(pk=mail.subject_id)
    if applied.kind in {HARD, COMPLAINT, DELIVERED} and applied.moved:
        _surely_left(mail)
    if applied.kind == COMPLAINT:
        mine.filter(Q(complained_at=None) | Q(complained_at__gt=occurred_at)).update(complained_at=occurred_at)
    elif applied.kind == HARD and mail.kind == Kind.SURVEY and mail.status in {OutgoingMail.Status.BOUNCED, OutgoingMail.Status.COMPLAINED}:
        mine.filter(Q(bounced_at=None) | Q(bounced_at__gt=occurred_at)).update(bounced_at=occurred_at)


def _surely_left(mail: OutgoingMail) -> None:
    """An uncertain survey (or reminder) that somebody's server had in hand was sent: when its link was issued."""
    invitation = Invitation.objects.select_related("survey_version__survey", "touchpoint").filter(pk=mail.subject_id).first()
    if invitation is None or invitation.survey_version is None:
        return
    kind = SurveyLink.Kind.REMINDER if mail.kind == Kind.REMINDER else SurveyLink.Kind.INVITE
    sent_at = SurveyLink.objects.filter(invitation=invitation, kind=kind).aggregate(last=Max("issued_at"))["last"] or mail.sent_at
    if sent_at is None:
        return
    if mail.kind == Kind.REMINDER:
        fresh = Invitation.objects.filter(pk=invitation.pk, reminded_at=None).update(reminded_at=sent_at)
        told = "survey.reminded"
    else:
        unsettled = Q(status=Status.UNKNOWN) | Q(status=Status.ANSWERED, sent_at=None)
        fresh = Invitation.objects.filter(unsettled, pk=invitation.pk).update(sent_at=Coalesce("sent_at", sent_at))
        Invitation.objects.filter(pk=invitation.pk, status=Status.UNKNOWN).update(status=Status.SENT)
        told = "survey.sent"
    if not fresh:
        return
    survey = invitation.survey_version.survey
    record_event(
        account_id=invitation.account_id, contact_id=invitation.contact_id, kind=told, occurred_at=sent_at, origin="app",
        subject_type="invitation", subject_id=str(invitation.pk), dedupe_key=str(invitation.pk),
        payload={
            "invitation": str(invitation.pk), "survey": survey.key, "survey_kind": survey.kind,
            "touchpoint": invitation.touchpoint.key if invitation.touchpoint else "",
        },
    )  # fmt: skip
