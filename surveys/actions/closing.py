"""Closing what is over: links that ran out or were revoked, mails that were taken out of the queue, addresses that changed."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.db.models import QuerySet

from surveys.models import Invitation, SurveyLink

BATCH = 5000

_EXPIRED = """
UPDATE surveys_invitation SET status = 'expired' WHERE id IN (
    SELECT i.id FROM surveys_invitation i
    WHERE i.status = 'sent' AND i.sent_at < %(now)s AND i.answered_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM surveys_surveylink l WHERE l.invitation_id = i.id AND l.kind IN ('invite', 'reminder') AND l.revoked_at IS NULL AND l.expires_at > %(now)s)
      AND NOT EXISTS (SELECT 1 FROM accounts_outgoingmail m WHERE m.kind = 'reminder' AND m.subject_type = 'invitation' AND m.subject_id = i.id::text AND m.status = 'sending')
    ORDER BY i.sent_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
"""
# an invitation follows its mail, whoever took that out of the queue
_FOLLOW = """
UPDATE surveys_invitation i SET status = 'failed' FROM accounts_outgoingmail m
WHERE i.status = 'queued' AND m.kind = 'survey' AND m.subject_type = 'invitation' AND m.subject_id = i.id::text AND m.status IN ('aborted', 'failed', 'withheld')
"""
_WAITING_REMINDERS = """
UPDATE accounts_outgoingmail m SET status = 'aborted', reason = 'expired' FROM surveys_invitation i
WHERE m.kind = 'reminder' AND m.subject_type = 'invitation' AND m.status IN ('queued', 'retry') AND i.id = m.subject_id::uuid AND i.status = 'expired'
"""


def close_expired(*, now: dt.datetime) -> int:
    """Invitations that were sent, not answered, and whose every link is over, become `expired`; returns how many."""
    closed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_EXPIRED, {"now": now, "limit": BATCH})
            closed += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
    if closed:
        with connection.cursor() as cursor:
            cursor.execute(_WAITING_REMINDERS)
    return closed


def follow_mails() -> int:
    """Invitations whose mail will not leave any more are no longer on their way; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW)
        return cursor.rowcount


def revoke_links(*, invitations: QuerySet[Invitation], now: dt.datetime) -> int:
    """The answer links of these invitations open nothing any more; refusing surveys still works. Returns how many."""
    links = SurveyLink.objects.filter(invitation__in=invitations.values("pk"), revoked_at=None).exclude(kind=SurveyLink.Kind.UNSUBSCRIBE)
    return links.update(revoked_at=now)


# whoever has the mailbox now is not the person who was asked
_MOVED = """
UPDATE surveys_surveylink l SET revoked_at = %(now)s
FROM surveys_invitation i JOIN accounts_contact c ON c.id = i.contact_id
     JOIN accounts_outgoingmail m ON m.subject_type = 'invitation' AND m.subject_id = i.id::text
WHERE l.invitation_id = i.id AND l.revoked_at IS NULL AND l.expires_at > %(now)s AND i.status IN ('sent', 'unknown')
  AND m.kind = CASE l.kind WHEN 'invite' THEN 'survey' WHEN 'reminder' THEN 'reminder' END AND lower(m.to_address) <> lower(c.email)
"""


def revoke_moved(*, now: dt.datetime) -> int:
    """Unanswered links in mails to an address that is no longer the contact's open nothing any more; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {"now": now})
        return cursor.rowcount
