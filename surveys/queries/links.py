"""Finding what a public link opens."""

from __future__ import annotations

from surveys.models import Response, SurveyLink, SurveyText
from surveys.tokens import token_digest

ANSWER_KINDS = (SurveyLink.Kind.INVITE, SurveyLink.Kind.REMINDER, SurveyLink.Kind.TEST)
_RELATED = (
    "invitation__survey_version__survey",
    "invitation__touchpoint",
    "invitation__contact",
    "invitation__account__owner",
)


def answer_link(token: str) -> SurveyLink | None:
    """The link of an answer page with all it shows; None for a token that is none."""
    return _link(token, *ANSWER_KINDS)


def refusal_link(token: str) -> SurveyLink | None:
    """The link of an unsubscribe page; a token of an answer page is none here."""
    return _link(token, SurveyLink.Kind.UNSUBSCRIBE)


def _link(token: str, *kinds: str) -> SurveyLink | None:
    return SurveyLink.objects.select_related(*_RELATED).filter(token_hash=token_digest(token), kind__in=kinds).first()


def texts_of(version_id: int | None) -> dict[str, SurveyText]:
    """The texts of a version by language."""
    return {text.language: text for text in SurveyText.objects.filter(version_id=version_id).select_related("version__survey")}


def response_of(link: SurveyLink) -> Response | None:
    """The answer given through this invitation, if any."""
    return Response.objects.filter(invitation_id=link.invitation_id).first()
