"""Noting how long a contact was handled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tickets.actions.tickets import locked
from tickets.handling import ALL, MOST_SECONDS, clocks_of, handled
from tickets.models import Interaction
from tickets.models.tickets import Channel


def log_handling(
    *,
    ticket_id: int,
    channel: str,
    seconds: Mapping[str, int | None],
    now: dt.datetime,
    agent: User | None = None,
    ended_at: dt.datetime | None = None,
    concurrency: Decimal | None = None,
    external_id: str | None = None,
) -> tuple[Interaction, bool]:
    """Notes one handled contact on a ticket with the clocks of its channel (see `tickets.handling`).

    A contact known by its external id is given back. Returns it and whether it is new. Raises
    ValidationError (clocks of another channel, none or zero, longer than a day, in the future),
    MergedAway, Ticket.DoesNotExist.
    """
    if channel not in Channel.values:
        raise ValidationError({"channel": _("There is no such channel.")})
    noted = {name: seconds[name] for name in ALL if seconds.get(name) is not None}
    if strange := [name for name in noted if name not in clocks_of(channel)]:
        raise ValidationError({strange[0]: _("This time does not belong to the channel %(channel)s.") % {"channel": Channel(channel).label}})
    if not handled(channel, noted):
        raise ValidationError({clocks_of(channel)[0]: _("Enter how long it took.")})
    if too_long := [name for name, value in noted.items() if value and value > MOST_SECONDS]:
        raise ValidationError({too_long[0]: _("More than a day cannot be one contact.")})
    if (ended_at or now) > now:
        raise ValidationError({"ended_at": _("This lies in the future.")})
    with transaction.atomic():
        ticket = locked(ticket_id, None)
        if external_id and (known := Interaction.objects.filter(external_id=external_id).first()):
            if known.ticket_id != ticket.pk:
                raise ValidationError({"external_id": _("Another ticket has a contact of this id.")})
            return known, False
        made = Interaction(
            ticket=ticket, account=ticket.account, agent=agent, agent_email=agent.email if agent else "", channel=channel, ended_at=ended_at or now,
            concurrency=concurrency if channel == Channel.CHAT else None, **noted, **({"external_id": external_id} if external_id else {}),
        )  # fmt: skip
        made.full_clean(exclude=["ticket", "account", "agent"])
        made.save()
    return made, True


def forget_handling(*, interaction: Interaction) -> None:
    """Takes back what was noted by mistake."""
    Interaction.objects.filter(pk=interaction.pk).delete()
