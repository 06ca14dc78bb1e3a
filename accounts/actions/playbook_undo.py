"""Taking back that a step was left out, as long as the run has not gone past it."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.actions.playbook_runs import NoSuchStep, RunEnded, StepOver, locked_run
from accounts.models import PlaybookRun, PlaybookStepLog, User
from accounts.queries.playbook_plans import plan_of


def restore_step(*, run_id: int, step: str, actor: User, now: dt.datetime) -> PlaybookRun:
    """Puts a dropped step back: it is done when it is its turn. Raises RunEnded, NoSuchStep, StepOver where the run is past it."""
    with transaction.atomic():
        run = locked_run(run_id)
        if run.status != PlaybookRun.Status.RUNNING:
            raise RunEnded
        row = PlaybookStepLog.objects.select_for_update().filter(run=run, step=step, outcome=PlaybookStepLog.Outcome.DROPPED).first()
        if row is None or run.version is None:
            raise NoSuchStep
        plan = plan_of(run.version)
        if plan.position(run.step) > plan.position(step):
            raise StepOver
        row.delete()
    return run
