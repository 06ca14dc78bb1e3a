"""The models of surveys, one file a noun."""

from surveys.models.answers import Response, ResponseRevision
from surveys.models.invitations import Invitation, SurveyLink
from surveys.models.loop import Announcement, LoopCase, LoopDeadline
from surveys.models.pending import PendingFollowUp
from surveys.models.surveys import SegmentLetter, Survey, SurveyLogo, SurveyText, SurveyVersion
from surveys.models.touchpoints import ProgrammeStep, SendingHold, Touchpoint

__all__ = [
    "Announcement", "Invitation", "LoopCase", "LoopDeadline", "PendingFollowUp", "ProgrammeStep", "Response", "ResponseRevision", "SegmentLetter", "SendingHold",
    "Survey", "SurveyLink", "SurveyLogo", "SurveyText", "SurveyVersion", "Touchpoint",
]  # fmt: skip
