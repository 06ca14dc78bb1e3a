"""The models of surveys, one file a noun."""

from surveys.models.answers import Response, ResponseRevision, Theme
from surveys.models.invitations import Invitation, SurveyLink
from surveys.models.surveys import Survey, SurveyText, SurveyVersion
from surveys.models.touchpoints import Touchpoint

__all__ = ["Invitation", "Response", "ResponseRevision", "Survey", "SurveyLink", "SurveyText", "SurveyVersion", "Theme", "Touchpoint"]
