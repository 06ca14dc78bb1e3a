"""What one press of a button brings, and the event that a score is."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from accounts.actions.event_log import NewEvent, record_events
from accounts.models import User
from surveys.models import SurveyVersion
from surveys.scoring import Scale, group, is_low

COMMENT_LENGTH = 5000


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


def scale_of(version: SurveyVersion) -> Scale:
    """The scale of a version, with its direction."""
    return Scale(version.scale_min, version.scale_max, version.direction == "high_good")


def record_answer(
    *, response_id: uuid.UUID, score: int, version: SurveyVersion, account_id: int, contact_id: int | None, touchpoint: str, invitation_id: uuid.UUID,
    about: int | str | None, agent_id: int | None, now: dt.datetime, actor: User | None = None,
) -> None:  # fmt: skip
    """Writes `survey.answered` with the score, its scale and what it means; `about` is the ticket asked about, by number or name."""
    survey, scale = version.survey, scale_of(version)
    payload: dict[str, Any] = {
        "response": str(response_id), "survey_kind": survey.kind, "survey": survey.key, "score": score, "scale_min": scale.low, "scale_max": scale.high,
        "group": group(survey.kind, score, scale), "low": is_low(score, version.low_score, scale), "is_suspect": False, "invitation": str(invitation_id),
        "touchpoint": touchpoint, "ticket": about or None, "agent": agent_id,
    }  # fmt: skip
    record_events(
        [
            NewEvent(
                account_id=account_id, contact_id=contact_id, kind="survey.answered", occurred_at=now, origin="app", actor_id=actor.pk if actor else None,
                subject_type="response", subject_id=str(response_id), payload={key: value for key, value in payload.items() if value is not None},
            )
        ]
    )  # fmt: skip
