"""What one press of a button brings, and what the event of a score carries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from surveys.models import SurveyVersion
from surveys.scoring import Scale, group, is_low

COMMENT_LENGTH = 5000
# signs that one of us answered: never made good by more words, only by a press of the customer's own
STAFF_FLAGS = frozenset({"own_ticket", "by_staff"})


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


def answer_payload(
    *, response_id: uuid.UUID, score: int, version: SurveyVersion, touchpoint: str, invitation_id: uuid.UUID, about: int | str | None, agent_id: int | None
) -> dict[str, Any]:
    """What `survey.answered` carries: the score, its scale and what it means; `about` is the ticket asked about, by number or name."""
    survey, scale = version.survey, scale_of(version)
    payload: dict[str, Any] = {
        "response": str(response_id), "survey_kind": survey.kind, "survey": survey.key, "score": score, "scale_min": scale.low, "scale_max": scale.high,
        "group": group(survey.kind, score, scale), "low": is_low(score, version.low_score, scale), "is_suspect": False, "invitation": str(invitation_id),
        "touchpoint": touchpoint, "ticket": about or None, "agent": agent_id,
    }  # fmt: skip
    return {key: value for key, value in payload.items() if value is not None}
