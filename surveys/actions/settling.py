"""Writing down what became of survey mails: those the server took together, everything else one by one."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from dataclasses import dataclass, field

from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_event, record_events
from accounts.actions.outbox import Delivery, Sent, settle, settle_sent
from accounts.actions.suppressions import suppress
from accounts.models import Contact, OutgoingMail, Suppression
from surveys.actions.preparing import Prepared, forget_links
from surveys.actions.queueing import SUBJECT
from surveys.models import Invitation

# mails that were taken are written down together, but none stays unwritten longer than this while others leave
TOGETHER_SECONDS, TOGETHER_MOST = 0.1, 50

Status, Mail = Invitation.Status, OutgoingMail.Status

_SENT = """
UPDATE surveys_invitation i SET status = CASE WHEN i.status = 'answered' THEN i.status ELSE 'sent' END,
       sent_at = CASE WHEN i.status = 'answered' AND i.sent_at IS NOT NULL THEN i.sent_at ELSE v.at END
FROM unnest(%s::uuid[], %s::timestamptz[]) AS v(id, at) WHERE i.id = v.id
"""
_REMINDED = "UPDATE surveys_invitation i SET reminded_at = v.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS v(id, at) WHERE i.id = v.id"


@dataclass
class Book:
    """The outcomes of one run."""

    worker: str
    made: Counter[str]
    _taken: list[tuple[Prepared, Sent]] = field(default_factory=list)
    _since: float = 0.0

    def enter(self, item: Prepared, delivery: Delivery, *, now: dt.datetime) -> None:
        """Takes down one outcome; a mail that was taken may be written with the next ones."""
        if delivery.outcome != Mail.SENT:
            self.made[self._settle_alone(item, delivery, now)] += 1
            return
        letter = item.letter
        if not self._taken:
            self._since = time.monotonic()
        self._taken.append((item, Sent(item.mail, delivery.reply, now, letter.message_id, letter.archived_text, letter.subject)))
        if len(self._taken) >= TOGETHER_MOST or time.monotonic() - self._since >= TOGETHER_SECONDS:
            self.write()

    def write(self) -> None:
        """Stores what was taken down so far, in one transaction."""
        if not self._taken:
            return
        taken, self._taken = self._taken, []
        with transaction.atomic():
            held = settle_sent(sent=[sent for _item, sent in taken], worker=self.worker)
            mine = [(item, sent) for item, sent in taken if item.mail.pk in held]
            for statement, reminders in ((_SENT, False), (_REMINDED, True)):
                rows = [(item.invitation.pk, sent.at) for item, sent in mine if item.is_reminder is reminders]
                if rows:
                    with connection.cursor() as cursor:
                        cursor.execute(statement, [[row[0] for row in rows], [row[1] for row in rows]])
            record_events([_event(item, sent.at) for item, sent in mine])
        self.made["sent"] += len(mine)
        self.made["lost"] += len(taken) - len(mine)
        self.made += Counter()

    def _settle_alone(self, item: Prepared, delivery: Delivery, now: dt.datetime) -> str:
        """Settles a mail that was not taken, and its invitation, in one transaction; returns the mail's status."""
        letter = item.letter
        with transaction.atomic():
            status = settle(
                mail=item.mail, worker=self.worker, delivery=delivery, now=now, message_id=letter.message_id, archived_text=letter.archived_text, mail_subject=letter.subject
            )
            if status is None:
                return "lost"
            if status == Mail.UNKNOWN:
                if not item.is_reminder:
                    Invitation.objects.filter(pk=item.invitation.pk, status=Status.QUEUED).update(status=Status.UNKNOWN)
            else:
                forget_links([item])
                if status == Mail.FAILED:
                    _record_failure(item, delivery, now)
        return status


def _event(item: Prepared, at: dt.datetime) -> NewEvent:
    invitation = item.invitation
    assert invitation.survey_version is not None
    survey = invitation.survey_version.survey
    return NewEvent(
        account_id=invitation.account_id, contact_id=invitation.contact_id, kind="survey.reminded" if item.is_reminder else "survey.sent", occurred_at=at, origin="app",
        subject_type=SUBJECT, subject_id=str(invitation.pk), dedupe_key=str(invitation.pk),
        payload={
            "invitation": str(invitation.pk), "survey": survey.key, "survey_kind": survey.kind,
            "touchpoint": invitation.touchpoint.key if invitation.touchpoint else "",
        },
    )  # fmt: skip


def _record_failure(item: Prepared, delivery: Delivery, now: dt.datetime) -> None:
    """A refused mail; where the server knows no such user, nobody writes to the address again.

    A survey that arrived stays sent, whatever becomes of its reminder.
    """
    mail, invitation = item.mail, item.invitation
    if not item.is_reminder:
        Invitation.objects.filter(pk=invitation.pk).exclude(status=Status.ANSWERED).update(status=Status.FAILED, bounced_at=now if delivery.no_such_user else None)
    if not delivery.no_such_user:
        return
    Contact.objects.filter(invitations=invitation, email=mail.to_address, bounced_at=None).update(bounced_at=now)
    suppress(address=mail.to_address, reason=Suppression.Reason.HARD_BOUNCE, source_ref=f"mail:{mail.pk}")
    record_event(
        account_id=invitation.account_id, contact_id=invitation.contact_id, kind="mail.bounced", occurred_at=now, origin="app",
        subject_type="mail", subject_id=str(mail.pk), dedupe_key=str(mail.pk), payload={"mail": str(mail.pk), "hard": True},
    )  # fmt: skip
