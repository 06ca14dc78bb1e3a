"""The stop switch of all surveys."""

from __future__ import annotations

from accounts.models import Installation


class InDoubt(ValueError):
    """This may be a copy: that has to be settled before anything is sent."""


def switch_sending(*, enabled: bool, note: str = "") -> Installation:
    """Turns sending on or off; off holds within seconds, what is due waits. Raises InDoubt."""
    row = Installation.current()
    if enabled and row.doubt:
        raise InDoubt
    row.sending_enabled, row.sending_note = enabled, "" if enabled else note[:200]
    row.save(update_fields=["sending_enabled", "sending_note", "updated_at"])
    return row
