"""How texts are swept up: what is recent at every tick, everything once an hour, and a backlog until it is gone."""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol

from accounts.actions.heartbeats import note_heartbeats
from accounts.actions.verbatims import read_again
from accounts.models import Heartbeat

RECENT = dt.timedelta(minutes=15)
WIDE_EVERY = dt.timedelta(hours=1)
LIMIT = 1000
# what one sweep may take of its tick
SECONDS = 10.0


class Reader(Protocol):
    """An app's own: reads texts written or changed since (None: all unread), at most `limit`; returns how many."""

    def __call__(self, *, now: dt.datetime, since: dt.datetime | None, limit: int = LIMIT) -> int:
        """Reads."""
        raise NotImplementedError


def sweep_texts(*, part: str, read: Reader, now: dt.datetime) -> int:
    """One round of a source; `part` names it in the heartbeats. Returns how many texts were read.

    A wide look that comes to its limit is taken up again by the next tick, so an import of a hundred
    thousand comments is read within the hour, and no tick takes longer than it may.
    """
    looked = Heartbeat.objects.filter(part=part).values_list("beaten_at", flat=True).first()
    wide = looked is None or looked <= now - WIDE_EVERY
    since = None if wide else now - RECENT
    began, total = time.monotonic(), 0
    while True:
        done = read(now=now, since=since, limit=LIMIT)
        total += done
        if done < LIMIT:
            if wide:
                note_heartbeats(parts=[part], now=now)
            return total
        if time.monotonic() - began > SECONDS:
            return total


def sweep_outdated(*, now: dt.datetime) -> int:
    """Reads again what older rules, topics or classifiers read, for as long as a tick allows."""
    began, total = time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        done = read_again(now=now)
        total += done
        if not done:
            break
    return total
