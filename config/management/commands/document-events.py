"""`manage.py document-events`: the vocabulary of the event log as Markdown, for `docs/events.md`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.event_kinds import EVENT_KINDS


def markdown() -> str:
    """The page: one row a kind, from `accounts/event_kinds.py`."""
    rows = [
        f"| `{kind.key}` | {kind.meaning} | {_keys(kind.required)} | {_keys(kind.optional)} |"
        for kind in EVENT_KINDS.values()
    ]  # fmt: skip
    return "\n".join(
        [
            "# Events",
            "",
            "Every kind of the event log with its payload keys. Made from `accounts/event_kinds.py` by `manage.py document-events`;",
            "a test compares the two. Payloads hold ids, codes and numbers, never a name, an address or a free text.",
            "",
            "| kind | what happened | always in the payload | may be in it |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _keys(keys: tuple[str, ...]) -> str:
    return ", ".join(f"`{key}`" for key in keys) or "–"


class Command(BaseCommand):
    """Prints the page."""

    help = "The kinds of the event log as Markdown."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes to stdout."""
        self.stdout.write(markdown(), ending="")
