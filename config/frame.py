"""What every page of the frame needs: navigation, the reader's preferences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from accounts.queries.clock import read_clock
from accounts.roles import READS_PROGRAMMES, Role


@dataclass(frozen=True)
class Place:
    """One entry of the navigation: where it may lead (the first address that exists), its icon and word."""

    names: tuple[str, ...]
    icon: str
    word: Any
    # does not fit into the bar of a phone; stands in the person's menu there
    minor: bool = False
    roles: frozenset[str] | None = None


_EVERY_ROW = frozenset({Role.ADMIN, Role.MANAGER, Role.CSM, Role.AGENT, Role.VIEWER})

MAIN = (
    Place(("accounts:work",), "list-checks", _("My work"), roles=_EVERY_ROW),
    Place(("accounts:list",), "building-2", _("Accounts"), roles=_EVERY_ROW),
    Place(("accounts:plans",), "flag", _("Plans"), minor=True, roles=_EVERY_ROW),
    Place(("accounts:offers",), "gift", _("Offers"), minor=True, roles=_EVERY_ROW),
    Place(("surveys:overview",), "message-square-text", _("Surveys"), roles=READS_PROGRAMMES | {Role.ANALYST}),
    Place(("tickets:queue",), "ticket", _("Tickets"), roles=_EVERY_ROW),
    Place(("metrics:overview",), "chart-line", _("Metrics")),
    Place(("segments:list",), "layers", _("Segments"), minor=True, roles=frozenset({Role.ADMIN, Role.MANAGER, Role.VIEWER, Role.ANALYST})),
    Place(("lifecycle:stages",), "route", _("Lifecycle"), minor=True, roles=READS_PROGRAMMES | {Role.ANALYST}),
    Place(("accounts:playbooks", "playbooks"), "book-open-check", _("Playbooks"), minor=True, roles=frozenset({Role.ADMIN, Role.MANAGER, Role.CSM})),
)
ADMIN = (
    Place(("imports",), "file-up", _("Imports"), minor=True, roles=frozenset({Role.ADMIN, Role.MANAGER})),
    Place(("sandbox",), "flask-conical", _("Sandbox"), minor=True, roles=frozenset({Role.ADMIN, Role.MANAGER})),
    Place(("inbox",), "inbox", _("Inbox"), minor=True, roles=frozenset({Role.ADMIN})),
    Place(("accounts:suppressions",), "mail-x", _("Suppressed"), minor=True, roles=frozenset({Role.ADMIN})),
    Place(("accounts:webhooks",), "webhook", _("Webhooks"), minor=True, roles=frozenset({Role.ADMIN, Role.MANAGER})),
    Place(("settings", "admin:index"), "settings-2", _("Settings"), minor=True, roles=frozenset({Role.ADMIN})),
)


def _address(place: Place) -> str | None:
    for name in place.names:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return None


def navigation(places: tuple[Place, ...], role: str, path: str) -> list[dict[str, Any]]:
    """The entries of a role; the one whose address is the longest beginning of the path is current."""
    entries = [
        {"url": address, "icon": place.icon, "word": place.word, "minor": place.minor}
        for place in places
        if (place.roles is None or role in place.roles) and (address := _address(place)) is not None
    ]
    matching = [entry["url"] for entry in entries if path == entry["url"] or (entry["url"] != "/" and path.startswith(entry["url"]))]
    current = max(matching, key=len, default=None)
    for entry in entries:
        entry["current"] = entry["url"] == current
    return entries


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of the base template; fragments ask for none of it."""
    user = getattr(request, "user", None)
    context: dict[str, Any] = {"languages": settings.LANGUAGES, "is_fragment": bool(getattr(request, "htmx", False))}
    if settings.SANDBOX:
        context["sandbox_now"] = read_clock()
    if user is None or not user.is_authenticated or context["is_fragment"]:
        return context
    return {**context, "nav_main": navigation(MAIN, user.role, request.path), "nav_admin": navigation(ADMIN, user.role, request.path)}
