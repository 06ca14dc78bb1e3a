"""What runs for accounts in the background: snoozed work wakes, renewals are told in time. May run twice."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.actions.ended_subscriptions import record_ended_subscriptions
from accounts.actions.heartbeats import note_heartbeats
from accounts.actions.month_build import build_months
from accounts.actions.plan_sweeps import do_steps_by_rule, open_late_steps, tell_completed_plans
from accounts.actions.renewals import record_due_renewals
from accounts.actions.success_plans import measure_success_plans, open_due_reviews
from accounts.actions.verbatim_sources import forget_removed_notes, read_churn_reasons, read_notes
from accounts.actions.verbatim_sweeps import sweep_outdated, sweep_texts
from accounts.actions.work_items import wake_snoozed
from accounts.actions.work_ranks import apply_assumptions
from accounts.actions.work_recovery import close_recovered
from accounts.models import Heartbeat

RENEWALS_EVERY = dt.timedelta(hours=1)
_RENEWALS = "accounts.renewals"
PLANS_EVERY = dt.timedelta(minutes=5)
_PLANS = "accounts.plans"


@shared_task(name="accounts.tick", ignore_result=True)
def tick() -> dict[str, int]:
    """One round: wakes snoozed work that is due, builds the month ledger where it is missing; once an hour looks for renewals that come near and for service that ended."""
    now = timezone.now()
    done = {"woken": wake_snoozed(now=now), "ranked": apply_assumptions(now=now), "months": build_months(now=now)}
    looked_at = Heartbeat.objects.filter(part=_RENEWALS).values_list("beaten_at", flat=True).first()
    if looked_at is None or looked_at <= now - RENEWALS_EVERY:
        today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
        done["recovered"] = close_recovered(now=now)
        done["renewals"] = record_due_renewals(now=now, today=today)
        done["ended"] = record_ended_subscriptions(now=now)
        done["forgotten"] = forget_removed_notes()
        note_heartbeats(parts=[_RENEWALS], now=now)
    return done


@shared_task(name="accounts.plans", ignore_result=True)
def plans() -> dict[str, int]:
    """Tells completed onboarding plans; every five minutes looks for steps done by their rule, late steps, measures and reviews of success plans."""
    now = timezone.now()
    done = {"completed": tell_completed_plans(now=now)}
    looked_at = Heartbeat.objects.filter(part=_PLANS).values_list("beaten_at", flat=True).first()
    if looked_at is None or looked_at <= now - PLANS_EVERY:
        done["by_rule"] = do_steps_by_rule(now=now)
        done["late"] = open_late_steps(now=now)
        done["measured"] = measure_success_plans(now=now)
        done["reviews"] = open_due_reviews(now=now)
        note_heartbeats(parts=[_PLANS], now=now)
    return done


@shared_task(name="accounts.read_texts", ignore_result=True)
def read_texts() -> dict[str, int]:
    """Reads notes and reasons for leaving, and again whatever an older reader read."""
    now = timezone.now()
    return {
        "notes": sweep_texts(part="accounts.read_notes", read=read_notes, now=now),
        "churn": sweep_texts(part="accounts.read_churn", read=read_churn_reasons, now=now),
        "again": sweep_outdated(now=now),
    }
