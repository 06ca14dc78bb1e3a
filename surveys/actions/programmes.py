"""The life of a programme: handing in, sending back, approving, pausing, resuming, ending. Every step is written down.

A step names the version of the programme it was decided on; where somebody was faster nothing is
changed and `StaleProgramme` holds the row as it stands. Who may do it is asked by the edge
(`Touchpoint.objects.changeable_by`); that nobody approves the own programme is asked here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Installation, OutgoingMail, User
from surveys.actions.planning import take_planner_lock
from surveys.actions.programme_values import record_step
from surveys.models import Invitation, SurveyLink, SurveyVersion, Touchpoint
from surveys.programme_state import DONE, after

Skip, Status = Invitation.SkipReason, Invitation.Status


class StaleProgramme(ValueError):
    """Somebody else saved the programme in the meantime; `touchpoint` is the row as it stands."""

    def __init__(self, touchpoint: Touchpoint):
        super().__init__(f"“{touchpoint}” was changed by somebody else")
        self.touchpoint = touchpoint


class OwnApproval(ValueError):
    """A second person has to approve: neither who wrote the programme nor who handed it in."""


class ApprovalNeeded(ValueError):
    """A programme goes live through review while approval is switched on."""


class NothingPublished(ValueError):
    """The survey has no published version, so there is nothing to send."""


@dataclass(frozen=True)
class Ended:
    """What the end of a programme took back."""

    unsent: int
    links: int


def locked(touchpoint_id: int, version: int | None) -> Touchpoint:
    """The row, held until the transaction ends. Raises StaleProgramme unless it is the version that the caller saw."""
    row = Touchpoint.objects.select_for_update(no_key=True, of=("self",)).select_related("survey").get(pk=touchpoint_id)
    if version is not None and row.version != version:
        raise StaleProgramme(row)
    return row


def take_step(*, step: str, touchpoint_id: int, actor: User, now: dt.datetime, version: int | None = None, note: str = "") -> Touchpoint:
    """Leads a programme on by one step of `programme_state.STEPS`.

    Raises WrongStep, StaleProgramme, OwnApproval, ApprovalNeeded, NothingPublished; nothing is changed then.
    """
    with transaction.atomic():
        row = locked(touchpoint_id, version)
        after(step, row.state)
        _EFFECTS[step](row, actor, now)
        row.version += 1
        row.save()
        record_step(row, action=DONE[step], actor=actor, now=now, note=note)
    return row


def _hand_in(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    _something_published(row)
    row.submitted_at, row.submitted_by = now, actor


def _send_back(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    row.submitted_at, row.submitted_by = None, None


def _approve(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    if Installation.current().approval_needed and actor.pk in {row.author_id, row.submitted_by_id}:
        raise OwnApproval
    _go_live(row, actor, now)
    row.approved_by = actor


def _activate(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    if Installation.current().approval_needed:
        raise ApprovalNeeded
    _go_live(row, actor, now)


def _go_live(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    """From this instant on; what happened before never triggers. The first mails are observed anew."""
    _something_published(row)
    row.activated_at, row.paused_at, row.ended_at = now, None, None
    row.canary_until = row.canary_passed_at = None


def _pause(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    row.paused_at = now


def _resume(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    row.paused_at = None


def _end(row: Touchpoint, actor: User, now: dt.datetime) -> None:
    row.ended_at = now
    take_back(touchpoint_id=row.pk, now=now)


def _something_published(row: Touchpoint) -> None:
    if published_version(row.survey_id) is None:
        raise NothingPublished


def published_version(survey_id: int) -> SurveyVersion | None:
    """What a programme of this survey sends: its newest published version."""
    return SurveyVersion.objects.filter(survey_id=survey_id, published_at__isnull=False).order_by("-number").first()


_EFFECTS: dict[str, Callable[[Touchpoint, User, dt.datetime], None]] = {
    "hand_in": _hand_in, "send_back": _send_back, "approve": _approve, "activate": _activate, "pause": _pause, "resume": _resume, "end": _end,
}  # fmt: skip


def take_back(*, touchpoint_id: int, now: dt.datetime) -> Ended:
    """Skips what is planned or waits in the outbox and revokes the links of what was not answered; call it inside a transaction.

    A mail that a worker holds this moment is looked at once more by the worker. Links to refuse
    further surveys stay valid, and so do those of answers that may still be bettered.
    """
    take_planner_lock()
    queued = [str(pk) for pk in Invitation.objects.filter(touchpoint_id=touchpoint_id, status=Status.QUEUED).values_list("pk", flat=True)]
    mails = OutgoingMail.objects.filter(kind=OutgoingMail.Kind.SURVEY, subject_type="invitation", subject_id__in=queued)
    mails.filter(status__in=[OutgoingMail.Status.QUEUED, OutgoingMail.Status.RETRY]).update(status=OutgoingMail.Status.ABORTED, reason=str(Skip.ENDED))
    leaving = list(mails.filter(status=OutgoingMail.Status.SENDING).values_list("subject_id", flat=True))
    waiting = Invitation.objects.filter(touchpoint_id=touchpoint_id, status__in=[Status.PLANNED, Status.QUEUED]).exclude(pk__in=leaving)
    decision = {"rule": str(Skip.ENDED), "value": None, "limit": None, "as_of": now.isoformat()}
    unsent = waiting.update(status=Status.SKIPPED, skip_reason=Skip.ENDED, decision=decision)
    open_links = SurveyLink.objects.filter(
        invitation__touchpoint_id=touchpoint_id, invitation__answered_at=None, kind__in=[SurveyLink.Kind.INVITE, SurveyLink.Kind.REMINDER], revoked_at=None, expires_at__gt=now
    )
    return Ended(unsent, open_links.update(revoked_at=now))
