"""Signs of life of the installation's parts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from accounts.models import Heartbeat


def note_heartbeats(*, parts: Sequence[str], now: dt.datetime) -> None:
    """Notes that these parts lived at `now`; an older sign never replaces a newer one."""
    Heartbeat.objects.bulk_create([Heartbeat(part=part, beaten_at=now) for part in parts], ignore_conflicts=True)
    Heartbeat.objects.filter(part__in=parts, beaten_at__lt=now).update(beaten_at=now)


def forget_heartbeats(*, parts: Sequence[str]) -> None:
    """Forgets these signs of life, so that those of an earlier run speak for nobody."""
    Heartbeat.objects.filter(part__in=parts).delete()
