"""What runs for accounts in the background: snoozed work wakes, renewals are told in time. May run twice."""

from __future__ import annotations

import datetime as dt
import time
import zoneinfo
from collections.abc import Callable

from celery import shared_task
from django.conf import settings

from accounts.actions.ended_subscriptions import record_ended_subscriptions
from accounts.actions.heartbeats import note_heartbeats
from accounts.actions.month_build import build_months
from accounts.actions.offers import match_offers, tie_expansions
from accounts.actions.outbox import worker_name
from accounts.actions.plan_sweeps import do_steps_by_rule, open_late_steps, tell_completed_plans
from accounts.actions.playbook_calls import send_calls
from accounts.actions.playbook_mails import send_mails
from accounts.actions.playbook_steps import run_due, wake
from accounts.actions.playbook_sweeps import forget_passes, start_due
from accounts.actions.renewals import record_due_renewals
from accounts.actions.success_plans import measure_success_plans, open_due_reviews
from accounts.actions.verbatim_sources import forget_removed_notes, read_churn_reasons, read_notes
from accounts.actions.verbatim_sweeps import sweep_outdated, sweep_texts
from accounts.actions.webhook_calls import send_deliveries
from accounts.actions.webhooks import forget_deliveries
from accounts.actions.work_bulk import run_batch, run_waiting
from accounts.actions.work_items import wake_snoozed
from accounts.actions.work_ranks import apply_assumptions
from accounts.actions.work_recovery import close_recovered, close_recovered_lately
from accounts.models import Heartbeat
from accounts.queries.clock import read_clock

RENEWALS_EVERY = dt.timedelta(hours=1)
_RENEWALS = "accounts.renewals"
PLANS_EVERY = dt.timedelta(minutes=5)
_PLANS = "accounts.plans"
OFFERS_EVERY = dt.timedelta(hours=1)
_OFFERS = "accounts.offers"
PLAYBOOKS_EVERY = dt.timedelta(hours=1)
_PLAYBOOKS = "accounts.playbooks"
WEBHOOKS_EVERY = dt.timedelta(hours=1)
_WEBHOOKS = "accounts.webhooks"
WEBHOOK_SECONDS = 20
# what one tick works on runs, and then on calls, so that neither starves the other; the next goes on
PLAYBOOK_SECONDS, CALL_SECONDS, RUNS_A_TICK = 20, 8, 10_000


@shared_task(name="accounts.tick", ignore_result=True)
def tick() -> dict[str, int]:
    """One round: wakes snoozed work that is due, builds the month ledger where it is missing; once an hour looks for renewals that come near and for service that ended."""
    now = read_clock()
    done = {"woken": wake_snoozed(now=now), "ranked": apply_assumptions(now=now), "batches": run_waiting(now=now), "months": build_months(now=now)}
    looked_at = Heartbeat.objects.filter(part=_RENEWALS).values_list("beaten_at", flat=True).first()
    if looked_at is None or looked_at <= now - RENEWALS_EVERY:
        today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
        done["recovered"] = close_recovered(now=now)
        done["renewals"] = record_due_renewals(now=now, today=today)
        done["ended"] = record_ended_subscriptions(now=now)
        done["forgotten"] = forget_removed_notes()
        note_heartbeats(parts=[_RENEWALS], now=now)
    return done


@shared_task(name="accounts.work_batch", ignore_result=True)
def work_batch(batch_id: int) -> int:
    """Works one change of many items off at once; the nudge after somebody asked for it. The tick makes sure."""
    return run_batch(batch_id=batch_id, now=read_clock())


@shared_task(name="accounts.plans", ignore_result=True)
def plans() -> dict[str, int]:
    """Tells completed onboarding plans; every five minutes looks for steps done by their rule, late steps, measures and reviews of success plans."""
    now = read_clock()
    done = {"completed": tell_completed_plans(now=now)}
    looked_at = Heartbeat.objects.filter(part=_PLANS).values_list("beaten_at", flat=True).first()
    if looked_at is None or looked_at <= now - PLANS_EVERY:
        done["by_rule"] = do_steps_by_rule(now=now)
        done["late"] = open_late_steps(now=now)
        done["measured"] = measure_success_plans(now=now)
        done["reviews"] = open_due_reviews(now=now)
        note_heartbeats(parts=[_PLANS], now=now)
    return done


def _for_seconds(seconds: float) -> Callable[[], bool]:
    """Whether the time is not up yet, asked again and again."""
    ends = time.monotonic() + seconds
    return lambda: time.monotonic() < ends


@shared_task(name="accounts.playbooks", ignore_result=True)
def playbooks() -> dict[str, int]:
    """Starts playbooks by what happened lately (once an hour by all of their window and by dates), does the steps that are due, sends their mails and calls."""
    now = read_clock()
    looked_at = Heartbeat.objects.filter(part=_PLAYBOOKS).values_list("beaten_at", flat=True).first()
    full = looked_at is None or looked_at <= now - PLAYBOOKS_EVERY
    if full:
        note_heartbeats(parts=[_PLAYBOOKS], now=now)
    done = {f"start_{name}": count for name, count in start_due(now=now, full=full).items()}
    done["woken"] = wake(now=now, within=dt.timedelta(days=2) if full else dt.timedelta(minutes=15))
    done["recovered"] = close_recovered_lately(now=now, within=dt.timedelta(days=2) if full else dt.timedelta(minutes=15))
    done |= {f"step_{name}": count for name, count in run_due(now=now, worker=worker_name(), limit=RUNS_A_TICK, goes_on=_for_seconds(PLAYBOOK_SECONDS)).items()}
    done |= {f"mail_{name}": count for name, count in send_mails(worker=worker_name(), clock=read_clock).items()}
    done |= {f"call_{name}": count for name, count in send_calls(now=now, goes_on=_for_seconds(CALL_SECONDS)).items()}
    if full:
        done["forgotten"] = forget_passes(now=now)
    return done


@shared_task(name="accounts.webhooks", ignore_result=True)
def webhooks() -> dict[str, int]:
    """Calls the webhooks that are to be told something; once an hour forgets deliveries of long ago."""
    if settings.SANDBOX:
        return {}
    now = read_clock()
    done = dict(send_deliveries(clock=read_clock, goes_on=_for_seconds(WEBHOOK_SECONDS)))
    looked_at = Heartbeat.objects.filter(part=_WEBHOOKS).values_list("beaten_at", flat=True).first()
    if looked_at is None or looked_at <= now - WEBHOOKS_EVERY:
        done["forgotten"] = forget_deliveries(now=now)
        note_heartbeats(parts=[_WEBHOOKS], now=now)
    return done


@shared_task(name="accounts.offers", ignore_result=True)
def offers() -> dict[str, int]:
    """Once an hour: finds whom active offers fit, and ties growth of MRR to offers that were made."""
    now = read_clock()
    looked_at = Heartbeat.objects.filter(part=_OFFERS).values_list("beaten_at", flat=True).first()
    if looked_at is not None and looked_at > now - OFFERS_EVERY:
        return {}
    done = {**match_offers(now=now), "tied": tie_expansions(now=now)}
    note_heartbeats(parts=[_OFFERS], now=now)
    return done


@shared_task(name="accounts.read_texts", ignore_result=True)
def read_texts() -> dict[str, int]:
    """Reads notes and reasons for leaving, and again whatever an older reader read."""
    now = read_clock()
    return {
        "notes": sweep_texts(part="accounts.read_notes", read=read_notes, now=now),
        "churn": sweep_texts(part="accounts.read_churn", read=read_churn_reasons, now=now),
        "again": sweep_outdated(now=now),
    }
