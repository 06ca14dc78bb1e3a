"""Finding what a public link opens: one statement for all that its pages show and its answers need."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from functools import lru_cache

from accounts.queries.work_statements import fetch
from surveys.models import SurveyLink, SurveyText
from surveys.tokens import token_digest

_RELATED = (
    "invitation__survey_version__survey",
    "invitation__touchpoint",
    "invitation__contact",
    "invitation__account__owner",
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a token opens: its link, the invitation with whom it is for, and the answer given so far."""

    link_id: int
    kind: str
    issued_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None
    invitation_id: uuid.UUID
    language: str
    sent_at: dt.datetime | None
    ticket_id: int | None
    agent_id: int | None
    rated_object: str
    account_id: int
    account_name: str
    time_zone: str
    owner_name: str | None
    contact_id: int | None
    contact_name: str | None
    contact_email: str | None
    # the user of this installation who has the contact's address
    staff_id: int | None
    # whether the mail went to an address that is the contact's no more
    moved: bool
    touchpoint_key: str | None
    event_kind: str | None
    ended_at: dt.datetime | None
    version_id: int | None
    published_at: dt.datetime | None
    sender_name: str | None
    reply_to: str | None
    brand_color: str | None
    logo_file: str | None
    logo_width: int | None
    logo_height: int | None
    survey_key: str | None
    response_id: uuid.UUID | None
    response_kind: str | None
    score: int | None
    state: str | None
    is_suspect: bool | None
    respondent: str | None
    answered_at: dt.datetime | None
    call_me: bool | None

    def is_over(self, now: dt.datetime) -> bool:
        """Whether it opens nothing any more: run out, taken back, sent to an address that was given up, or of a programme that ended before any answer."""
        if self.revoked_at is not None or self.expires_at <= now or self.version_id is None or self.moved:
            return True
        return self.ended_at is not None and self.ended_at <= now and self.response_id is None

    @property
    def initials(self) -> str:
        """One or two letters: all that a public page shows of the name."""
        words = (self.contact_name or "").split()
        if not words:
            return (self.contact_email or "")[:1]
        return words[0][:1] + (words[-1][:1] if len(words) > 1 else "")


_OPENED = """
SELECT l.id, l.kind, l.issued_at, l.expires_at, l.revoked_at, i.id, i.language, i.sent_at, i.ticket_id, i.agent_id, i.rated_object,
    a.id, a.name, a.time_zone, o.name, c.id, c.name, c.email, (SELECT u.id FROM accounts_user u WHERE u.email = c.email),
    coalesce((SELECT bool_and(lower(m.to_address) <> lower(c.email)) FROM accounts_outgoingmail m WHERE m.subject_type = 'invitation' AND m.subject_id = i.id::text
        AND m.kind = CASE l.kind WHEN 'reminder' THEN 'reminder' ELSE 'survey' END), false),
    t.key, t.event_kind, t.ended_at, v.id, v.published_at, s.sender_name, s.reply_to, s.brand_color, s.logo_file, s.logo_width, s.logo_height, s.key,
    r.id, r.kind, r.score, r.state, r.is_suspect, r.respondent, r.answered_at, r.call_me
FROM surveys_surveylink l
JOIN surveys_invitation i ON i.id = l.invitation_id
JOIN accounts_account a ON a.id = i.account_id
LEFT JOIN accounts_user o ON o.id = a.owner_id AND o.is_active
LEFT JOIN accounts_contact c ON c.id = i.contact_id
LEFT JOIN surveys_touchpoint t ON t.id = i.touchpoint_id
LEFT JOIN surveys_surveyversion v ON v.id = i.survey_version_id
LEFT JOIN surveys_survey s ON s.id = v.survey_id
LEFT JOIN surveys_response r ON r.invitation_id = i.id
WHERE l.token_hash = %(digest)s AND l.kind IN ('invite', 'reminder', 'test')
"""


def opened(token: str) -> Opened | None:
    """What the token of an answer page opens; None for a token that is none, or one of another page."""
    rows = fetch(_OPENED, {"digest": token_digest(token)}, prepared=True)
    return Opened(*rows[0]) if rows else None


def refusal_link(token: str) -> SurveyLink | None:
    """The link of an unsubscribe page; a token of an answer page is none here."""
    return SurveyLink.objects.select_related(*_RELATED).filter(token_hash=token_digest(token), kind=SurveyLink.Kind.UNSUBSCRIBE).first()


def texts_of(version_id: int | None) -> dict[str, SurveyText]:
    """The texts of a version by language."""
    return {text.language: text for text in SurveyText.objects.filter(version_id=version_id).select_related("version__survey")}


@lru_cache(maxsize=200)
def _kept_texts(version_id: int, published_at: dt.datetime) -> dict[str, SurveyText]:
    return texts_of(version_id)


def frozen_texts(version_id: int, published_at: dt.datetime | None) -> dict[str, SurveyText]:
    """The texts of a version by language; those of a published one, which the database refuses to change, are read once a process.

    What such a text knows of its survey (names, colours) may be out of date: take that from `Opened`.
    """
    return texts_of(version_id) if published_at is None else _kept_texts(version_id, published_at)
