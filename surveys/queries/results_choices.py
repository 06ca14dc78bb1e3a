"""What the filters of results offer to choose from."""

from __future__ import annotations

from typing import Any

from accounts.models import Account, Segment, User
from accounts.queries.accounts import owners
from accounts.roles import Role
from surveys.models import Survey, SurveyText, Touchpoint
from surveys.queries.results_filter import ResultsFilter


def choices_of(user: User, chosen: ResultsFilter, *, survey: Survey | None) -> dict[str, Any]:
    """Touchpoints (of the survey), segments, owners, languages, the chosen account, and agents where they are asked for; five short statements, or six."""
    touchpoints = Touchpoint.objects.order_by("name", "id")
    texts = SurveyText.objects.order_by("language")
    if survey is not None:
        touchpoints, texts = touchpoints.filter(survey=survey), texts.filter(version__survey=survey)
    languages = set(texts.values_list("language", flat=True).distinct()) | ({chosen.language} - {"", "none"})
    people = User.objects.filter(is_active=True, role__in=[Role.CSM, Role.MANAGER, Role.ADMIN]).order_by("name", "id")[:200] if user.role == Role.ANALYST else owners(user)
    return {
        "touchpoints": list(touchpoints),
        "segments": list(Segment.objects.order_by("position", "id")),
        "owners": list(people),
        "agents": list(User.objects.order_by("name", "id")[:1000]) if chosen.by == "agent" or chosen.agent else [],
        "languages": sorted(languages),
        "account": Account.objects.filter(pk=chosen.account).first() if chosen.account is not None else None,
    }
