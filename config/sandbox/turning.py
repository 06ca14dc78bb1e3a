"""Moves the sandbox's clock on, inside one of its processes: every sweep of the schedule, hour by hour.

The clock is set first, then everything that the beat would have woken looks at it and does what is due:
plans and sends surveys, escalates, wakes work, walks playbooks, scores. Mails leave by SMTP to a catcher of
the sandbox's own. An hour is committed by its sweeps; a turn that is cut goes on with the hour it was in.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from accounts.actions.instances import watch_instance
from accounts.models import Installation
from accounts.queries.clock import read_clock
from config.celery import app
from config.schedule import SCHEDULE
from config.services.catcher import embedded_catcher
from surveys.tasks import CLOSING, FULL_SWEEP

# beyond the hour, so that what looks once an hour finds that it is over although a round took longer than the next
MARGIN = dt.timedelta(seconds=30)
# of the installation itself, or between it and the outside, or asked for by somebody at a page
_NOT_HERE = frozenset({"config.heartbeat", "config.sweep", "config.sandbox", "config.imports", "metrics.backtests", "metrics.close_months", "metrics.restate_months"})


def sweeps() -> list[str]:
    """The tasks of the schedule that a sandbox runs, in the schedule's order."""
    return [entry["task"] for entry in SCHEDULE.values() if entry["task"] not in _NOT_HERE]


def turn(*, until: dt.datetime, seconds: float, hours: int = 1, tell: Callable[[dt.datetime], None] = lambda _at: None) -> dt.datetime:
    """Moves the clock on to `until`, or for so many real seconds, a round of sweeps every so many hours; where it stands afterwards.

    Raises RuntimeError outside a sandbox, ValueError for an instant that its clock has passed.
    """
    if not settings.SANDBOX:
        raise RuntimeError("Only a process of the sandbox may move its clock.")
    stands = read_clock()
    step = dt.timedelta(hours=hours) + MARGIN
    if until < stands - step:
        raise ValueError(f"Its clock stands at {stands.isoformat()} and does not go back.")
    ends = time.monotonic() + seconds
    app.loader.import_default_modules()
    # the row that keeps the clock
    Installation.current()
    with embedded_catcher():
        while stands < until and time.monotonic() < ends:
            stands = min(stands + step, until)
            _set(stands)
            watch_instance()
            # marks that count real hours
            cache.delete_many([FULL_SWEEP, CLOSING])
            for name in sweeps():
                app.tasks[name]()
            tell(stands)
    return stands


def _set(instant: dt.datetime) -> None:
    seconds = round((instant - timezone.now()).total_seconds())
    Installation.objects.filter(pk=1).update(clock_offset_seconds=seconds)
