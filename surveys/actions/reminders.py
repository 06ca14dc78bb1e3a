"""Reminders: one a survey, decided when its time has come, into the outbox like every other mail.

The row in the outbox is the memory: also a reminder that is not sent has one, with its reason, so
that nobody is decided about twice. `reminded_at` says that one left.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast

from accounts.models import Installation, OutgoingMail
from surveys.actions.letters import sender_address
from surveys.actions.planning import take_planner_lock
from surveys.actions.queueing import SUBJECT
from surveys.actions.reminder_facts import reminders, unanswered

BATCH = 500

Mail = OutgoingMail.Status


def queue_reminders(*, as_of: dt.datetime, now: dt.datetime) -> Counter[str]:
    """Queues the reminders whose time has come; what must wait for a decent hour or a gap waits in the outbox.

    All rules are asked once more before one leaves. Returns counts by outcome (send, hold, skip).
    """
    made: Counter[str] = Counter()
    known = OutgoingMail.objects.filter(kind=OutgoingMail.Kind.REMINDER, subject_type=SUBJECT, subject_id=Cast(OuterRef("pk"), CharField()))
    while Installation.current().sending_enabled:
        with transaction.atomic():
            take_planner_lock()
            rows = list(unanswered(as_of=as_of).filter(~Exists(known), contact__isnull=False)[:BATCH])
            mails = []
            for row, decision, facts in reminders(rows, as_of=as_of):
                made[decision.outcome] += 1
                assert row.survey_version is not None
                mails.append(
                    OutgoingMail(
                        kind=OutgoingMail.Kind.REMINDER, subject_type=SUBJECT, subject_id=str(row.pk), account_id=row.account_id, contact_id=row.contact_id,
                        to_address=facts.contacts[row.contact_id or 0]["email"], from_address=sender_address(row.survey_version.survey), language=row.language,
                        next_attempt_at=max(decision.due_at or now, now) if decision.outcome == "hold" else now, valid_until=decision.valid_until,
                        status=Mail.ABORTED if decision.is_skip else Mail.QUEUED, reason=decision.reason[:40] if decision.is_skip else "",
                    )
                )  # fmt: skip
            OutgoingMail.objects.bulk_create(mails, ignore_conflicts=True)
        if len(rows) < BATCH:
            break
    return made
