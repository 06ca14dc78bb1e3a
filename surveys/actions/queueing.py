"""Into the outbox: planned invitations that are due, after looking at them and at the holds again."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.db import transaction

from accounts.models import Installation, OutgoingMail
from surveys.actions.holds import watch
from surveys.actions.letters import sender_address
from surveys.actions.planning import take_planner_lock
from surveys.actions.reconsidering import RELATED, reconsider
from surveys.models import Invitation

SUBJECT = "invitation"
QUEUE_BATCH = 500

Status = Invitation.Status


def queue_due(*, as_of: dt.datetime, now: dt.datetime) -> Counter[str]:
    """Puts planned invitations that are due into the outbox, after looking at them again.

    What may not be sent any more is skipped with its reason, what falls into quiet hours now waits on,
    what a hold keeps back stays planned. Nothing moves while sending is switched off. Returns counts
    by outcome (send, hold, skip).
    """
    made: Counter[str] = Counter()
    if not Installation.current().sending_enabled:
        return made
    gate = watch(as_of=as_of, now=now)
    while Installation.current().sending_enabled:
        with transaction.atomic():
            take_planner_lock()
            due = Invitation.objects.filter(gate.passing(), status=Status.PLANNED, not_before__lte=as_of).order_by("not_before", "id").select_related(*RELATED)
            found = list(due.select_for_update(of=("self",), skip_locked=True, no_key=True)[:QUEUE_BATCH])
            rows = [row for row in found if gate.take(row)]
            mails, queued, changed = [], [], []
            for row, candidate, decision, facts in reconsider(rows, as_of=as_of):
                made[decision.outcome] += 1
                if decision.outcome != "send":
                    gate.give_back(row)
                    changed.append(row)
                if decision.outcome == "send":
                    queued.append(row.pk)
                    assert row.survey_version is not None
                    contact = facts.contacts[candidate.contact_id or 0]
                    mails.append(
                        OutgoingMail(
                            kind=OutgoingMail.Kind.SURVEY, subject_type=SUBJECT, subject_id=str(row.pk), account_id=row.account_id, contact_id=row.contact_id,
                            to_address=contact["email"], from_address=sender_address(row.survey_version.survey), language=row.language,
                            next_attempt_at=now, valid_until=row.valid_until,
                        )
                    )  # fmt: skip
                elif decision.outcome == "hold":
                    row.not_before = decision.due_at
                else:
                    row.status, row.skip_reason, row.decision = Status.SKIPPED, decision.reason, dict(decision.evidence)
            OutgoingMail.objects.bulk_create(mails)
            Invitation.objects.filter(pk__in=queued).update(status=Status.QUEUED)
            Invitation.objects.bulk_update(changed, ["status", "skip_reason", "decision", "not_before"], batch_size=QUEUE_BATCH)
        if len(found) < QUEUE_BATCH:
            break
    return made
