"""Saving answers: the score at once, the reasons after it, every submission kept.

What looks automatic is kept, marked and left out, and never locks the link: a clean answer that comes
later takes its place. The first answer of a link is one statement (`first_answers`); whoever comes
second waits for the invitation's lock and changes what is there.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.actions.customers import change_account
from accounts.actions.event_log import NewEvent, record_events
from accounts.models import OutgoingMail, User
from surveys.actions.first_answers import insert_first
from surveys.actions.follow_ups import RELATED, cancel_follow_up, open_follow_up, wait_for_follow_up
from surveys.actions.submissions import COMMENT_LENGTH, STAFF_FLAGS, Submission, answer_payload, scale_of
from surveys.looks import offered_scores
from surveys.models import Invitation, Response, ResponseRevision, SurveyLink, SurveyVersion
from surveys.models.surveys import SurveyKind
from surveys.queries.links import Opened
from surveys.scoring import is_low

EDIT_WINDOW = dt.timedelta(hours=24)


class AnswerIsFinal(ValueError):
    """The time in which the answer may be changed is over."""


class OwnAnswer(ValueError):
    """Nobody says of an answer about the own work that it counts."""


class NotAnswered(ValueError):
    """Reasons were sent before any score."""


class ScoreOutOfScale(ValueError):
    """The score is not among those the survey offers."""


def is_final(*, is_suspect: bool | None, respondent: str | None, answered_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the answer may no longer be changed. A suspect answer, or somebody else's, never is."""
    return bool(answered_at is not None and not is_suspect and respondent == "contact" and now > answered_at + EDIT_WINDOW)


def submit_score(*, link: Opened, version: SurveyVersion, submission: Submission, now: dt.datetime) -> None:
    """Saves a score; the same nonce again changes nothing. Raises AnswerIsFinal, ScoreOutOfScale."""
    if submission.score is None or submission.score not in offered_scores(version.scale_min, version.scale_max, version.offered):
        raise ScoreOutOfScale
    if link.response_id is None and insert_first(link=link, version=version, submission=submission, now=now):
        return
    with transaction.atomic():
        invitation, response = _locked(link)
        if response is None or ResponseRevision.objects.filter(link_id=link.link_id, nonce=submission.nonce).exists():
            return
        if _is_final(response, now):
            raise AnswerIsFinal
        suspect = bool(submission.flags)
        before = _standing(response)
        if not suspect and (before is None or submission.respondent == "contact"):
            _take_over(response, submission, now, fresh=before is None)
        _keep(response, link, submission, now)
        if not suspect and submission.respondent == "contact":
            _mark_answered(invitation, link, now)
            _after_score(response, before=before, now=now)


def submit_details(*, link: Opened, submission: Submission, now: dt.datetime) -> None:
    """Saves the reasons, the comment and the wish for a call. Raises AnswerIsFinal, NotAnswered."""
    with transaction.atomic():
        invitation, response = _locked(link)
        if response is None:
            raise NotAnswered
        if ResponseRevision.objects.filter(link_id=link.link_id, nonce=submission.nonce).exists():
            return
        if _is_final(response, now):
            raise AnswerIsFinal
        before = _standing(response)
        _keep(response, link, submission, now, score=response.score)
        if submission.flags or (before is None and STAFF_FLAGS.intersection(response.automation_flags)):
            return
        response.comment, response.reasons = submission.comment[:COMMENT_LENGTH], submission.reasons
        response.reason_detail, response.call_me, response.state = submission.reason_detail[:500], submission.call_me, "complete"
        if before is None and response.respondent == "contact":
            # whoever wrote this is a person, so the score that was held back counts as well
            response.is_suspect, response.automation_flags, response.answered_at = False, [], now
        response.save()
        if response.respondent == "contact":
            _mark_answered(invitation, link, now)
            _after_score(response, before=before, now=now)
            _keep_reason_to_leave(response, now)


def _keep_reason_to_leave(response: Response, now: dt.datetime) -> None:
    """What the exit survey says is why the account leaves, unless it has left for a reason that is known already."""
    account = response.account
    if response.kind != SurveyKind.EXIT or not response.reasons or account is None or (account.churned_at is not None and account.churn_reason):
        return
    change_account(account_id=account.pk, fields={"churn_reason": response.reasons[0][:80]}, actor=None, now=now)


def confirm_response(*, response: Response, actor: User, now: dt.datetime) -> Response:
    """A person says that a suspect answer is real: from now on it counts, and does at once what an answer does. Raises OwnAnswer for one about the actor's own work."""
    with transaction.atomic():
        row = Response.objects.select_for_update(of=("self",), no_key=True).select_related(*RELATED).get(pk=response.pk)
        if not row.is_suspect:
            return row
        if row.agent_id == actor.pk:
            raise OwnAnswer
        row.is_suspect = False
        row.save(update_fields=["is_suspect", "updated_at"])
        if row.invitation is not None:
            Invitation.objects.filter(pk=row.invitation.pk).update(status=Invitation.Status.ANSWERED, answered_at=row.answered_at)
            _after_score(row, before=None, now=now, actor=actor)
            open_follow_up(response=row, now=now)
    return row


def _locked(link: Opened) -> tuple[Invitation, Response | None]:
    """The invitation, locked, so that submissions of one link come one after the other; and its answer."""
    invitation = Invitation.objects.select_for_update(of=("self",), no_key=True).get(pk=link.invitation_id)
    return invitation, Response.objects.select_related(*RELATED).filter(invitation=invitation).first()


def _is_final(response: Response, now: dt.datetime) -> bool:
    return is_final(is_suspect=response.is_suspect, respondent=response.respondent, answered_at=response.answered_at, now=now)


def _standing(response: Response) -> int | None:
    """The score that counts at the moment; None where none does."""
    return None if response.is_suspect or response.respondent != "contact" else response.score


def _take_over(response: Response, submission: Submission, now: dt.datetime, *, fresh: bool) -> None:
    """A clean submission becomes the answer; the first of its kind also sets when it was given."""
    response.score, response.language, response.respondent = submission.score, submission.language[:10], submission.respondent
    response.is_suspect, response.automation_flags = False, []
    if submission.comment:
        response.comment, response.state = submission.comment[:COMMENT_LENGTH], "complete"
    if fresh:
        response.answered_at = now
    response.save()


def _keep(response: Response, link: Opened, submission: Submission, now: dt.datetime, *, score: int | None = None) -> None:
    """The submission itself, for ever; the unique constraint on (link, nonce) is the idempotency."""
    ResponseRevision.objects.create(
        response=response, link_id=link.link_id, nonce=submission.nonce, submitted_at=now, score=submission.score if submission.score is not None else score,
        comment=submission.comment[:COMMENT_LENGTH], reasons=submission.reasons, reason_detail=submission.reason_detail[:500], call_me=submission.call_me,
        respondent=submission.respondent, is_suspect=bool(submission.flags), automation_flags=submission.flags,
    )  # fmt: skip


def _mark_answered(invitation: Invitation, link: Opened, now: dt.datetime) -> None:
    """Whoever answers has got the mail: that settles an uncertain one."""
    SurveyLink.objects.filter(pk=link.link_id, first_answer_at=None).update(first_answer_at=now)
    if invitation.answered_at is None:
        invitation.status, invitation.answered_at = Invitation.Status.ANSWERED, now
        invitation.sent_at = invitation.sent_at or link.issued_at
        invitation.save(update_fields=["status", "answered_at", "sent_at"])
        unknown = OutgoingMail.objects.filter(kind="survey", subject_type="invitation", subject_id=str(invitation.pk), status=OutgoingMail.Status.UNKNOWN)
        unknown.update(status=OutgoingMail.Status.SENT, reason="answered", sent_at=link.issued_at)


def _after_score(response: Response, *, before: int | None, now: dt.datetime, actor: User | None = None) -> None:
    """The event of a new or changed score; and the follow-up that an unhappy answer waits for, or needs no more."""
    version = response.survey_version
    if version is None or response.score is None or response.test or response.account_id is None or response.invitation_id is None:
        return
    changed = before != response.score
    if changed:
        payload = answer_payload(
            response_id=response.pk, score=response.score, version=version, touchpoint=response.touchpoint.key if response.touchpoint else "",
            invitation_id=response.invitation_id, about=response.ticket_id if response.ticket_id is not None else response.rated_object, agent_id=response.agent_id,
        )  # fmt: skip
        record_events(
            [
                NewEvent(
                    account_id=response.account_id, contact_id=response.contact_id, kind="survey.answered", occurred_at=now, origin="app",
                    actor_id=actor.pk if actor else None, subject_type="response", subject_id=str(response.pk), payload=payload,
                )
            ]
        )  # fmt: skip
    if is_low(response.score, version.low_score, scale_of(version)) or response.call_me:
        wait_for_follow_up(response_id=response.pk, now=now, restart=changed)
    elif changed:
        cancel_follow_up(response=response, now=now)
