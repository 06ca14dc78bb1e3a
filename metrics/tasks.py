"""What the beat starts for metrics. Both may run twice, and at once: locks and ledgers sort it out."""

from __future__ import annotations

import zoneinfo

from celery import shared_task
from django.conf import settings

from metrics.actions.recompute import is_done, recompute_all, recompute_marked, vacuum_usage
from metrics.queries import database_now


@shared_task(name="metrics.recompute_dirty", ignore_result=True)
def recompute_dirty() -> int:
    """Every 20 seconds: scores the accounts whose inputs changed; returns how many there were."""
    try:
        summary = recompute_marked(now=database_now())
    except LookupError:
        # no active model: the marks wait for one
        return 0
    return summary.accounts if summary else 0


@shared_task(name="metrics.nightly", ignore_result=True)
def nightly() -> int:
    """Every hour: the full run of the organisation's new day, unless it is done; returns the accounts scored."""
    now = database_now()
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    if is_done(day=today):
        return 0
    vacuum_usage(day=today)
    try:
        return recompute_all(as_of=now, now=now, go_on=True).scored
    except LookupError:
        return 0
