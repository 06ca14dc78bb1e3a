"""What the beat starts for metrics. Both may run twice, and at once: locks and ledgers sort it out."""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Iterator

from celery import shared_task
from django.conf import settings

from accounts.models import OutgoingMail
from accounts.queries.clock import database_now, read_clock
from metrics.actions.backtests import claim, work_off
from metrics.actions.churn_models import refresh
from metrics.actions.closing import closing_steps
from metrics.actions.initiatives import measure_initiatives
from metrics.actions.known_facts import keep_known_facts
from metrics.actions.plan_features import observe_plans
from metrics.actions.recompute import is_done, recompute_all, recompute_marked, vacuum_usage
from metrics.actions.reports import queue_due, withdraw
from metrics.actions.restatements import restating_steps
from metrics.actions.segment_sweeps import sweep_due
from metrics.actions.stage_sweeps import sweep_due as sweep_stages_due
from metrics.actions.ticket_paths import keep_paths
from tickets.actions.dispatch import dispatch

# seconds that one turn works on closed months; the next goes on
MONTHS_SECONDS = 90
# seconds that one turn goes through accounts after a change of rules
SEGMENT_SECONDS = 15


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
    observe_plans(now=now)
    try:
        return recompute_all(as_of=now, now=now, go_on=True).scored
    except LookupError:
        return 0


@shared_task(name="metrics.segments", ignore_result=True)
def segments() -> int:
    """Every 20 seconds, and at once after rules changed: puts accounts where the rules of segments say; returns how many moved."""
    now = database_now()
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    return sweep_due(now=now, health_done=is_done(day=today), seconds=SEGMENT_SECONDS)


@shared_task(name="metrics.stages", ignore_result=True)
def stages() -> int:
    """Every 20 seconds, and at once after rules changed: puts accounts where the rules of stages say and judges how they do; returns how many moved."""
    now = database_now()
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    return sweep_stages_due(now=now, health_done=is_done(day=today), seconds=SEGMENT_SECONDS).moved


def _for_a_while(steps: Iterator[int]) -> int:
    """Takes steps until they end or the turn is over; returns what they did."""
    until, done = time.monotonic() + MONTHS_SECONDS, 0
    for count in steps:
        done += count
        if time.monotonic() > until:
            break
    return done


@shared_task(name="metrics.close_months", ignore_result=True)
def close_months() -> int:
    """Every ten minutes: closes the months that are over and settled; returns the figures written."""
    return _for_a_while(closing_steps(now=database_now()))


@shared_task(name="metrics.restate_months", ignore_result=True)
def restate_months() -> int:
    """Every minute: works off what was recorded about closed months; returns the restatements written."""
    return _for_a_while(restating_steps(now=database_now()))


@shared_task(name="metrics.ticket_paths", ignore_result=True)
def ticket_paths() -> int:
    """Every 20 seconds: works out the paths of the tickets that were touched; returns how many."""
    return _for_a_while(keep_paths())


@shared_task(name="metrics.reports", ignore_result=True)
def reports() -> dict[str, int]:
    """Every minute: puts the weekly reports that are due into the outbox and sends what waits there."""
    now = read_clock()
    done = dict(queue_due(now=now))
    done["withdrawn"] = withdraw(now=now)
    return done | dispatch(clock=read_clock, kinds=[OutgoingMail.Kind.REPORT])


@shared_task(name="metrics.measure_initiatives", ignore_result=True)
def measure_running_initiatives() -> int:
    """Every hour: measures the initiatives that were not measured for a day; returns how many."""
    return measure_initiatives(now=database_now())


@shared_task(name="metrics.backtests", ignore_result=True)
def backtests(pk: int | None = None) -> int:
    """Every minute, and at once after one was asked for: works off the backtests that wait; returns how many."""
    done = 0
    while (row := claim(now=database_now(), pk=pk)) is not None:
        work_off(row=row, now=database_now())
        done += 1
    return done


@shared_task(name="metrics.churn_risk", ignore_result=True)
def churn_risk() -> str:
    """Every hour: trains churn risk once a week and scores all customers once a day; returns what it did."""
    now = database_now()
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    return refresh(now=now, today_began=now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0))


@shared_task(name="metrics.known_facts", ignore_result=True)
def known_facts() -> int:
    """Every hour: how complete the facts about each customer are; returns the rows that changed."""
    return sum(keep_known_facts(now=database_now()))
