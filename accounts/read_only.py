"""Rights of the pages of the admin that only show: what is append-only, and what only actions write."""

from __future__ import annotations

from typing import Any


class ReadOnly:
    """Nothing is added, changed or deleted."""

    def has_add_permission(self, *_: Any) -> bool:
        """Never."""
        return False

    def has_change_permission(self, *_: Any) -> bool:
        """Never; seeing is another right."""
        return False

    def has_delete_permission(self, *_: Any) -> bool:
        """Never."""
        return False


class Kept:
    """What is added and changed, but never deleted: facts that others refer to."""

    def has_delete_permission(self, *_: Any) -> bool:
        """Never."""
        return False
