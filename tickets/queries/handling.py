"""The handle times noted on a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tickets.handling import ALL, handled
from tickets.models import Interaction, Ticket
from tickets.models.tickets import Channel

MOST = 100


@dataclass(frozen=True)
class Handled:
    """One handled contact and its handle time in seconds by the rule of its channel (None: no time noted)."""

    interaction: Interaction
    seconds: int | None


@dataclass(frozen=True)
class Handling:
    """The contacts of a ticket, the latest first, and what they come to in seconds; abandoned ones count nothing."""

    rows: list[Handled]
    total: int
    count: int

    @property
    def channels(self) -> list[tuple[str, Any]]:
        """The channels with their words."""
        return list(Channel.choices)


def handling_of(ticket: Ticket) -> Handling:
    """What was noted, at most the latest 100."""
    found = Interaction.objects.filter(ticket=ticket).select_related("agent").order_by("-ended_at", "-pk")[:MOST]
    rows = [Handled(row, handled(row.channel, {name: getattr(row, name) for name in ALL})) for row in found]
    counted = [row.seconds for row in rows if row.seconds is not None and not row.interaction.abandoned]
    return Handling(rows, sum(counted), len(counted))
