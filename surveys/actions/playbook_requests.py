"""Surveys that playbooks ask for: steps that wait in their log, decided here under every rule a survey has."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.db import transaction

from accounts.actions.playbook_runs import settle_step
from accounts.models import Contact, PlaybookRun, PlaybookStepLog
from accounts.models.events import Origin
from surveys.actions.planning import request_invitation
from surveys.models import Invitation, Survey, Touchpoint

Outcome = PlaybookStepLog.Outcome
BATCH = 500
INVITATION = "invitation"


def ask_for_playbooks(*, now: dt.datetime, limit: int = BATCH) -> Counter[str]:
    """Decides about the surveys that steps wait for, and writes into each step what was decided; counts by outcome.

    The same step asked twice finds the invitation of the first time.
    """
    counts: Counter[str] = Counter()
    waiting = PlaybookStepLog.objects.filter(kind="survey", outcome=Outcome.WAITING, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    for pk in list(waiting.values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            row = PlaybookStepLog.objects.select_for_update(skip_locked=True, of=("self",)).select_related("run").filter(pk=pk, outcome=Outcome.WAITING).first()
            if row is not None:
                counts[_ask(row, now)] += 1
    return counts


def _ask(row: PlaybookStepLog, now: dt.datetime) -> str:
    contact = Contact.objects.filter(pk=row.detail.get("contact"), account_id=row.account_id).first()
    survey = Survey.objects.filter(key=row.detail.get("survey", "")).first()
    touchpoint = Touchpoint.objects.select_related("survey").filter(key=row.detail.get("touchpoint", "")).first()
    if row.run.status == PlaybookRun.Status.STOPPED or contact is None or (survey is None) == (touchpoint is None):
        reason = "playbook_ended" if row.run.status == PlaybookRun.Status.STOPPED else "no_contact" if contact is None else "survey_gone"
        settle_step(step_id=row.pk, outcome=Outcome.SKIPPED, reason=reason, now=now)
        return "skipped"
    invitation, decision = request_invitation(contact=contact, survey=survey, touchpoint=touchpoint, key=f"playbook:{row.run_id}:{row.step}", now=now, origin=Origin.APP)
    skipped = invitation.status == Invitation.Status.SKIPPED
    outcome = Outcome.SKIPPED if skipped else Outcome.DONE
    settle_step(step_id=row.pk, outcome=outcome, reason=decision.reason if skipped else "", now=now, subject_type=INVITATION, subject_id=str(invitation.pk))
    return str(outcome)
