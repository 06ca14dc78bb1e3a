"""The clock of the commands: read once from the database, or given as `--as-of`."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.conf import settings
from django.core.management.base import CommandError

from accounts.queries.clock import database_now


def at_or_now(text: str | None) -> tuple[dt.datetime, dt.datetime]:
    """The instant asked for (default: now) and the real one. Raises CommandError (exit 2) for what is no instant."""
    clock = database_now()
    if not text:
        return clock, clock
    try:
        asked = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"“{text}” is no instant; use ISO 8601, such as 2026-03-29T09:00:00+03:00.", returncode=2) from None
    if asked.tzinfo is None:
        asked = asked.replace(tzinfo=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))
    return asked.astimezone(dt.UTC), clock
