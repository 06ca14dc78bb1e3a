"""The first answer of an invitation, in one statement: the answer, the submission, its event, what it settles and whom it calls.

This is what nearly every press of a button on a public page does, so it is one round trip with a plan
that the connection keeps. Of several that come at once the unique key lets one through.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from accounts.actions.event_log import event_values, events_in_statement
from accounts.queries.work_statements import fetch
from surveys.actions.follow_ups import ALERT_WAIT
from surveys.actions.submissions import COMMENT_LENGTH, Submission, answer_payload, scale_of
from surveys.models import SurveyLink, SurveyVersion
from surveys.models.answers import new_external_id
from surveys.queries.links import Opened
from surveys.scoring import is_low

_INSERT = """
WITH made AS (
    INSERT INTO surveys_response (id, external_id, survey_id, survey_version_id, kind, invitation_id, touchpoint_id, touchpoint_label, account_id, contact_id,
        respondent_key, respondent, invited_at, answered_at, bounced, score, scale_min, scale_max, direction, comment, reasons, reason_detail, call_me, language,
        ticket_id, rated_object, agent_id, agent_email, state, test, is_suspect, automation_flags, origin, created_at, updated_at)
    SELECT %(response)s, %(external_id)s, %(survey)s, %(version)s, %(kind)s, i.id, i.touchpoint_id, %(touchpoint)s, i.account_id, i.contact_id,
        '', %(respondent)s, coalesce(i.sent_at, %(issued_at)s), %(now)s, false, %(score)s, %(low)s, %(high)s, %(direction)s, %(comment)s, '{}', '', false, %(language)s,
        i.ticket_id, i.rated_object, i.agent_id, coalesce((SELECT u.email FROM accounts_user u WHERE u.id = i.agent_id), ''),
        %(state)s, %(test)s, %(suspect)s, %(flags)s, 'app', %(now)s, %(now)s
    FROM surveys_invitation i WHERE i.id = %(invitation)s
    ON CONFLICT (invitation_id) DO NOTHING
    RETURNING id, invitation_id, account_id, contact_id
), kept AS (
    INSERT INTO surveys_responserevision (response_id, link_id, nonce, submitted_at, score, comment, reasons, reason_detail, call_me, respondent, is_suspect, automation_flags)
    SELECT id, %(link)s, %(nonce)s, %(now)s, %(score)s, %(comment)s, '{}', '', false, %(respondent)s, %(suspect)s, %(flags)s FROM made
), opened AS (
    UPDATE surveys_surveylink SET first_answer_at = %(now)s
    WHERE id = %(link)s AND first_answer_at IS NULL AND %(counts)s AND EXISTS (SELECT FROM made)
), answered AS (
    UPDATE surveys_invitation i SET status = 'answered', answered_at = %(now)s, sent_at = coalesce(i.sent_at, %(issued_at)s)
    FROM made WHERE i.id = made.invitation_id AND i.answered_at IS NULL AND %(counts)s
), settled AS (
    -- whoever answers has got the mail
    UPDATE accounts_outgoingmail m SET status = 'sent', reason = 'answered', sent_at = %(issued_at)s
    FROM made WHERE m.subject_type = 'invitation' AND m.subject_id = made.invitation_id::text AND m.kind = 'survey' AND m.status = 'unknown' AND %(counts)s
), waits AS (
    INSERT INTO surveys_pendingfollowup (response_id, due_at) SELECT id, %(alert_at)s FROM made WHERE %(alerts)s
), told AS (
    SELECT account_id, contact_id, id::text AS subject_id FROM made WHERE %(tells)s
), {events}
SELECT id FROM made
"""
# every value has its type, so that the server makes one plan of it whatever comes
_TYPES = {
    "response": "uuid", "external_id": "text", "survey": "bigint", "version": "bigint", "kind": "text", "touchpoint": "text", "respondent": "text",
    "issued_at": "timestamptz", "now": "timestamptz", "score": "smallint", "low": "smallint", "high": "smallint", "direction": "text", "comment": "text",
    "language": "text", "state": "text", "test": "bool", "suspect": "bool", "flags": "text[]", "invitation": "uuid", "link": "bigint", "nonce": "text",
    "counts": "bool", "alert_at": "timestamptz", "alerts": "bool", "tells": "bool",
}  # fmt: skip
for _name, _type in _TYPES.items():
    _INSERT = _INSERT.replace(f"%({_name})s", f"%({_name})s::{_type}")
_INSERT = _INSERT.replace("{events}", events_in_statement("told"))


def insert_first(*, link: Opened, version: SurveyVersion, submission: Submission, now: dt.datetime) -> bool:
    """Saves the first answer of an invitation with its event, all or nothing; False where there is an answer already."""
    assert submission.score is not None
    survey, test = version.survey, link.kind == SurveyLink.Kind.TEST
    counts = not submission.flags and submission.respondent == "contact"
    response, touchpoint = uuid.uuid4(), link.touchpoint_key or ""
    comment = submission.comment[:COMMENT_LENGTH]
    about = link.ticket_id if link.ticket_id is not None else link.rated_object
    payload = answer_payload(
        response_id=response, score=submission.score, version=version, touchpoint=touchpoint, invitation_id=link.invitation_id, about=about, agent_id=link.agent_id
    )
    values: dict[str, Any] = {
        "response": response, "external_id": new_external_id(), "survey": survey.pk, "version": version.pk, "kind": survey.kind, "touchpoint": touchpoint,
        "respondent": submission.respondent, "issued_at": link.issued_at, "now": now, "score": submission.score, "low": version.scale_min, "high": version.scale_max,
        "direction": version.direction, "comment": comment, "language": submission.language[:10], "state": "complete" if comment else "partial", "test": test,
        "suspect": bool(submission.flags), "flags": submission.flags, "invitation": link.invitation_id, "link": link.link_id, "nonce": submission.nonce, "counts": counts,
        "tells": counts and not test, "alerts": counts and not test and is_low(submission.score, version.low_score, scale_of(version)), "alert_at": now + ALERT_WAIT,
        **event_values(kind="survey.answered", occurred_at=now, subject_type="response", payload=payload),
    }  # fmt: skip
    return bool(fetch(_INSERT, values, prepared=True))
