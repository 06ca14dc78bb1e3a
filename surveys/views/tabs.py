"""The tabs above the pages of surveys: each shows as soon as its page exists and the reader may open it."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import READS_PROGRAMMES, Role
from accounts.wording import capped
from surveys.models import Invitation

# address names (the first that exists), word, roles that see it
_FIGURES = READS_PROGRAMMES | {Role.ANALYST}
_TABS = (
    (("surveys:overview",), _("Programmes"), _FIGURES),
    (("surveys:results_overview", "surveys:all_results"), _("Results"), _FIGURES),
    (("surveys:editor", "surveys:surveys", "surveys:editor_list"), _("Surveys"), READS_PROGRAMMES),
    (("surveys:forecast",), _("Forecast"), READS_PROGRAMMES),
    (("surveys:decisions",), _("Decisions"), READS_PROGRAMMES),
    (("surveys:outbox",), _("Outbox"), READS_PROGRAMMES),
    (("surveys:unknown",), _("Uncertain"), READS_PROGRAMMES),
    (("surveys:topics",), _("Topics"), _FIGURES),
    (("surveys:cases",), _("Cases"), _FIGURES),
    (("surveys:survey_settings",), _("Settings"), frozenset({Role.ADMIN})),
)


def _existing(names: tuple[str, ...]) -> str:
    """The first of the names that is an address; empty for none."""
    for name in names:
        try:
            reverse(name)
        except NoReverseMatch:
            continue
        return name
    return ""


def tabs_for(user: User, here: str) -> list[tuple[str, str, str, bool]]:
    """The tabs of a reader: address name, word, count, whether it is this page. None where there would be only one."""
    if user.role == Role.AGENT:
        return []
    found = []
    for names, word, roles in _TABS:
        name = _existing(names) if user.role in roles else ""
        if name:
            count = Invitation.objects.visible_to(user).filter(status=Invitation.Status.UNKNOWN)[:1001].count() if name == "surveys:unknown" else 0
            found.append((name, str(word), capped(count) if count else "", name == here))
    return found if len(found) > 1 else []
