"""What a key of the API may be allowed to do, by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable

EVERYTHING = "*"
SCOPES: dict[str, str] = {
    "accounts:read": "Read accounts, their health and their timeline.",
    "accounts:write": "Create and change accounts.",
    "contacts:read": "Read contacts.",
    "contacts:write": "Create and change contacts.",
    "subscriptions:read": "Read subscriptions.",
    "subscriptions:write": "Create and change subscriptions.",
    "transactions:read": "Read transactions.",
    "transactions:write": "Create and change transactions.",
    "tickets:read": "Read tickets, their messages and moves.",
    "tickets:write": "Create, change, answer and move tickets.",
    "work:read": "Read work items.",
    "work:write": "Open, change and close work items.",
    "notes:read": "Read notes.",
    "notes:write": "Write and change notes.",
    "events:write": "Send lifecycle events.",
    "usage:write": "Send usage.",
    "surveys:read": "Read surveys, touchpoints, invitations and answers.",
    "invitations:write": "Ask a contact now.",
    "metrics:read": "Read figures.",
    "webhooks:read": "Read outgoing webhooks and their deliveries.",
    "webhooks:write": "Create, change, test and replay outgoing webhooks.",
    EVERYTHING: "All of these, and those to come.",
}


class UnknownScope(ValueError):
    """A scope that is not in the list."""

    def __init__(self, names: Iterable[str]):
        self.names = sorted(names)
        super().__init__(f"no such scope: {', '.join(self.names)}; allowed: {', '.join(SCOPES)}")


def check_scopes(names: Iterable[str]) -> list[str]:
    """The scopes in the order of the list, each once. Raises UnknownScope, ValueError for none at all."""
    wanted = set(names)
    if unknown := wanted - SCOPES.keys():
        raise UnknownScope(unknown)
    if not wanted:
        raise ValueError("a key needs at least one scope")
    return [name for name in SCOPES if name in wanted]


def covers(held: Iterable[str], needed: str) -> bool:
    """Whether a key with the scopes `held` may do what `needed` names."""
    return needed in (names := set(held)) or EVERYTHING in names
