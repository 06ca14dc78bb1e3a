"""Saving answers: the score at once, the reasons after it, every submission kept.

What looks automatic is kept, marked and left out, and never locks the link: a clean answer that comes
later takes its place.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actions.event_log import record_event
from accounts.actions.work_items import close_work_item, open_work_item
from accounts.models import OutgoingMail, User, WorkItem
from accounts.sentences import why
from surveys.decent_hours import one_working_day_later, zone_of
from surveys.models import Invitation, Response, ResponseRevision, SurveyLink
from surveys.scoring import Scale, group, is_low

EDIT_WINDOW = dt.timedelta(hours=24)
COMMENT_LENGTH = 5000


class AnswerIsFinal(ValueError):
    """The time in which the answer may be changed is over."""


class NotAnswered(ValueError):
    """Reasons were sent before any score."""


class ScoreOutOfScale(ValueError):
    """The score is not on the survey's scale."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One press of a button on the public page; `nonce` names it, `flags` say why it looks automatic."""

    nonce: str
    score: int | None = None
    comment: str = ""
    reasons: list[str] = field(default_factory=list)
    reason_detail: str = ""
    call_me: bool = False
    respondent: str = "contact"
    language: str = ""
    flags: list[str] = field(default_factory=list)


def is_final(response: Response | None, now: dt.datetime) -> bool:
    """Whether the answer may no longer be changed. A suspect answer, or somebody else's, never is."""
    if response is None or response.is_suspect or response.respondent != "contact" or response.answered_at is None:
        return False
    return now > response.answered_at + EDIT_WINDOW


def submit_score(*, link: SurveyLink, submission: Submission, now: dt.datetime) -> Response:
    """Saves a score; the same nonce again changes nothing. Raises AnswerIsFinal, ScoreOutOfScale."""
    with transaction.atomic():
        invitation = _locked(link)
        version = invitation.survey_version
        assert version is not None
        if submission.score is None or not version.scale_min <= submission.score <= version.scale_max:
            raise ScoreOutOfScale
        response = Response.objects.filter(invitation=invitation).first()
        if response is not None and ResponseRevision.objects.filter(link=link, nonce=submission.nonce).exists():
            return response
        if is_final(response, now):
            raise AnswerIsFinal
        suspect = bool(submission.flags)
        before = _standing(response)
        if response is None:
            response = _new_response(invitation, link, submission, now)
        elif not suspect and (before is None or submission.respondent == "contact"):
            _take_over(response, submission, now, fresh=before is None)
        _keep(response, link, submission, now)
        if not suspect and submission.respondent == "contact":
            _mark_answered(invitation, link, now)
            _after_score(response, invitation, before=before, now=now)
    return response


def submit_details(*, link: SurveyLink, submission: Submission, now: dt.datetime) -> Response:
    """Saves the reasons, the comment and the wish for a call. Raises AnswerIsFinal, NotAnswered."""
    with transaction.atomic():
        invitation = _locked(link)
        response = Response.objects.filter(invitation=invitation).first()
        if response is None:
            raise NotAnswered
        if ResponseRevision.objects.filter(link=link, nonce=submission.nonce).exists():
            return response
        if is_final(response, now):
            raise AnswerIsFinal
        before = _standing(response)
        _keep(response, link, submission, now, score=response.score)
        if submission.flags:
            return response
        response.comment, response.reasons = submission.comment[:COMMENT_LENGTH], submission.reasons
        response.reason_detail, response.call_me, response.state = submission.reason_detail[:500], submission.call_me, "complete"
        if before is None and response.respondent == "contact":
            # whoever wrote this is a person, so the score that was held back counts as well
            response.is_suspect, response.automation_flags, response.answered_at = False, [], now
        response.save()
        if response.respondent == "contact":
            _mark_answered(invitation, link, now)
            _after_score(response, invitation, before=before, now=now)
    return response


def confirm_response(*, response: Response, actor: User, now: dt.datetime) -> Response:
    """A person says that a suspect answer is real: from now on it counts, and does what an answer does."""
    with transaction.atomic():
        row = (
            Response.objects.select_for_update(of=("self",), no_key=True)
            .select_related("invitation__survey_version__survey", "invitation__touchpoint", "survey")
            .get(pk=response.pk)
        )
        if not row.is_suspect:
            return row
        row.is_suspect = False
        row.save(update_fields=["is_suspect", "updated_at"])
        if row.invitation is not None:
            Invitation.objects.filter(pk=row.invitation.pk).update(status=Invitation.Status.ANSWERED, answered_at=row.answered_at)
            _after_score(row, row.invitation, before=None, now=now, actor=actor)
    return row


def _locked(link: SurveyLink) -> Invitation:
    """The invitation, locked: submissions of one link come one after the other."""
    rows = Invitation.objects.select_for_update(of=("self",), no_key=True).select_related("survey_version__survey", "touchpoint", "account")
    return rows.get(pk=link.invitation_id)


def _standing(response: Response | None) -> int | None:
    """The score that counts at the moment; None where none does."""
    if response is None or response.is_suspect or response.respondent != "contact":
        return None
    return response.score


def _new_response(invitation: Invitation, link: SurveyLink, submission: Submission, now: dt.datetime) -> Response:
    version = invitation.survey_version
    assert version is not None
    agent = User.objects.filter(pk=invitation.agent_id).values_list("email", flat=True).first() if invitation.agent_id else None
    return Response.objects.create(
        survey=version.survey, survey_version=version, kind=version.survey.kind, invitation=invitation, touchpoint=invitation.touchpoint,
        touchpoint_label=invitation.touchpoint.key if invitation.touchpoint else "", account_id=invitation.account_id, contact_id=invitation.contact_id,
        respondent=submission.respondent, invited_at=invitation.sent_at or link.issued_at, answered_at=now, score=submission.score, scale_min=version.scale_min,
        scale_max=version.scale_max, direction=version.direction, comment=submission.comment[:COMMENT_LENGTH], language=submission.language[:10],
        ticket_id=invitation.ticket_id, rated_object=invitation.rated_object, agent_id=invitation.agent_id, agent_email=agent or "",
        state="complete" if submission.comment else "partial", test=link.kind == SurveyLink.Kind.TEST, is_suspect=bool(submission.flags), automation_flags=submission.flags,
    )  # fmt: skip


def _take_over(response: Response, submission: Submission, now: dt.datetime, *, fresh: bool) -> None:
    """A clean submission becomes the answer; the first of its kind also sets when it was given."""
    response.score, response.language, response.respondent = submission.score, submission.language[:10], submission.respondent
    response.is_suspect, response.automation_flags = False, []
    if submission.comment:
        response.comment, response.state = submission.comment[:COMMENT_LENGTH], "complete"
    if fresh:
        response.answered_at = now
    response.save()


def _keep(response: Response, link: SurveyLink, submission: Submission, now: dt.datetime, *, score: int | None = None) -> None:
    """The submission itself, for ever; the unique constraint on (link, nonce) is the idempotency."""
    ResponseRevision.objects.create(
        response=response, link=link, nonce=submission.nonce, submitted_at=now, score=submission.score if submission.score is not None else score,
        comment=submission.comment[:COMMENT_LENGTH], reasons=submission.reasons, reason_detail=submission.reason_detail[:500], call_me=submission.call_me,
        respondent=submission.respondent, is_suspect=bool(submission.flags), automation_flags=submission.flags,
    )  # fmt: skip


def _mark_answered(invitation: Invitation, link: SurveyLink, now: dt.datetime) -> None:
    """Whoever answers has got the mail: that settles an uncertain one."""
    SurveyLink.objects.filter(pk=link.pk, first_answer_at=None).update(first_answer_at=now)
    if invitation.answered_at is None:
        invitation.status, invitation.answered_at = Invitation.Status.ANSWERED, now
        invitation.sent_at = invitation.sent_at or link.issued_at
        invitation.save(update_fields=["status", "answered_at", "sent_at"])
        unknown = OutgoingMail.objects.filter(kind="survey", subject_type="invitation", subject_id=str(invitation.pk), status=OutgoingMail.Status.UNKNOWN)
        unknown.update(status=OutgoingMail.Status.SENT, reason="answered", sent_at=link.issued_at)


def _after_score(response: Response, invitation: Invitation, *, before: int | None, now: dt.datetime, actor: User | None = None) -> None:
    """The event of a new or changed score, and the work that an unhappy answer or the wish for a call opens."""
    version = invitation.survey_version
    if version is None or response.score is None or response.test:
        return
    scale = Scale(version.scale_min, version.scale_max, version.direction == "high_good")
    low = is_low(response.score, version.low_score, scale)
    event = None
    if before != response.score:
        payload = {
            "response": str(response.pk), "survey_kind": response.kind, "survey": version.survey.key, "score": response.score, "scale_min": version.scale_min,
            "scale_max": version.scale_max, "group": group(response.kind, response.score, scale), "low": low, "is_suspect": False, "invitation": str(invitation.pk),
            "touchpoint": invitation.touchpoint.key if invitation.touchpoint else "", "ticket": _about(invitation),
            "agent": invitation.agent_id,
        }  # fmt: skip
        event = record_event(
            account_id=invitation.account_id, contact_id=invitation.contact_id, kind="survey.answered", occurred_at=now, origin="app", actor_id=actor.pk if actor else None,
            subject_type="response", subject_id=str(response.pk), payload={key: value for key, value in payload.items() if value is not None},
        )  # fmt: skip
    reason = f"survey:{response.pk}"
    if low or response.call_me:
        zone = zone_of(invitation.account.time_zone, settings.ORGANISATION_TIME_ZONE)
        open_work_item(
            account_id=invitation.account_id, type=WorkItem.Type.CLOSE_LOOP, reason=reason, why=_sentence(response, invitation), now=now,
            due_at=one_working_day_later(now, zone), priority=WorkItem.Priority.HIGH if response.call_me else WorkItem.Priority.NORMAL, contact_id=invitation.contact_id,
            source=WorkItem.Source.SURVEY, event_id=event.pk if event else None, subject_type="response", subject_id=str(response.pk),
        )  # fmt: skip
    elif before is not None and is_low(before, version.low_score, scale):
        for item in WorkItem.objects.filter(account_id=invitation.account_id, type=WorkItem.Type.CLOSE_LOOP, reason=reason, status__in=["open", "snoozed"]).select_related("owner"):
            # stored as a person's own remark would be, so in the language of the one whose work it was
            with translation.override(item.owner.language if item.owner else settings.LANGUAGE_CODE):
                outcome = _("The answer was changed to a better one.")
            close_work_item(item_id=item.pk, actor=None, now=now, dropped=True, outcome=outcome)


def _sentence(response: Response, invitation: Invitation) -> dict[str, object]:
    if response.call_me:
        return why("call_me", score=response.score, scale_max=response.scale_max)
    if _about(invitation) is not None:
        return why("low_score_ticket", score=response.score, scale_max=response.scale_max, ticket=_about(invitation))
    return why("low_score", score=response.score, scale_max=response.scale_max, survey=response.survey.name)


def _about(invitation: Invitation) -> int | str | None:
    """The ticket asked about: its number, else its name in its own system."""
    return invitation.ticket_id if invitation.ticket_id is not None else invitation.rated_object or None
