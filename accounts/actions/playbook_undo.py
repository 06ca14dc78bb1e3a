"""Taking back what a person did to a run: a step left out, as long as the run has not gone past it; a stop, for a short time."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from accounts.actions.playbook_runs import MAIL, WORK_ITEM, NoSuchStep, RunEnded, StepOver, locked_run, tell_run
from accounts.actions.work_items import reopen_work_item
from accounts.models import AccountEvent, OutgoingMail, PlaybookRun, PlaybookStepLog, User, WorkItem
from accounts.queries.playbook_plans import plan_of

# as long as other changes of work can be taken back
UNDO_FOR = dt.timedelta(minutes=10)
Outcome = PlaybookStepLog.Outcome
Mail = OutgoingMail.Status


class TooLate(ValueError):
    """The stop can no longer be taken back: it is too old, nobody stopped it by hand, or the playbook runs there again."""


def restore_step(*, run_id: int, step: str, actor: User, now: dt.datetime) -> PlaybookRun:
    """Puts a dropped step back: it is done when it is its turn. Raises RunEnded, NoSuchStep, StepOver where the run is past it."""
    with transaction.atomic():
        run = locked_run(run_id)
        if run.status != PlaybookRun.Status.RUNNING:
            raise RunEnded
        row = PlaybookStepLog.objects.select_for_update().filter(run=run, step=step, outcome=Outcome.DROPPED).first()
        if row is None or run.version is None:
            raise NoSuchStep
        plan = plan_of(run.version)
        if plan.position(run.step) > plan.position(step):
            raise StepOver
        row.delete()
    return run


def may_resume(run: PlaybookRun, now: dt.datetime) -> bool:
    """Whether somebody stopped the run by hand a short time ago."""
    if run.status != PlaybookRun.Status.STOPPED or run.version_id is None or run.ended_at is None or not run.ended_at <= now <= run.ended_at + UNDO_FOR:
        return False
    told = AccountEvent.objects.filter(account_id=run.account_id, kind="playbook.ended", occurred_at=run.ended_at, subject_id=str(run.pk))
    return told.filter(actor__isnull=False).exists()


def resume_run(*, run_id: int, actor: User, now: dt.datetime) -> PlaybookRun:
    """Takes a stop back: the run goes on at the step where it stood, with what the stop had taken back.

    No step is done twice: what had left or was done is in the log, and the same mails wait in the outbox again. Work that
    was closed with it opens again, but where new work of the same identity is open. Raises TooLate.
    """
    with transaction.atomic():
        run = locked_run(run_id)
        if not may_resume(run, now) or run.version is None:
            raise TooLate
        others = PlaybookRun.objects.filter(playbook_id=run.playbook_id, account_id=run.account_id, status=PlaybookRun.Status.RUNNING, version__isnull=False)
        if others.count() >= plan_of(run.version).caps.at_once:
            raise TooLate
        stopped_at = run.ended_at
        run.status, run.end_reason, run.ended_at, run.due_at = PlaybookRun.Status.RUNNING, "", None, now
        run.save(update_fields=["status", "end_reason", "ended_at", "due_at"])
        for row in PlaybookStepLog.objects.select_for_update().filter(run=run).order_by("pk"):
            if row.subject_type == WORK_ITEM:
                _open_again(row, stopped_at, actor=actor, now=now)
            elif row.outcome == Outcome.SKIPPED and (row.reason.startswith("ended:") or row.reason == "playbook_ended"):
                _waits_again(row, now=now)
        tell_run(run, "playbook.resumed", now=now, actor=actor)
    return run


def _open_again(row: PlaybookStepLog, stopped_at: dt.datetime | None, *, actor: User, now: dt.datetime) -> None:
    item = WorkItem.objects.filter(pk=int(row.subject_id), status=WorkItem.Status.DROPPED, closed_at=stopped_at).first()
    if item is None:
        return
    try:
        with transaction.atomic():
            reopen_work_item(item_id=item.pk, now=now, actor=actor)
    except IntegrityError:
        pass


def _waits_again(row: PlaybookStepLog, *, now: dt.datetime) -> None:
    """The same row, and the same mail, as before the stop."""
    row.outcome, row.reason, row.next_attempt_at, row.actor, row.at = Outcome.WAITING, "", now, None, now
    if row.subject_type == MAIL:
        if not OutgoingMail.objects.filter(pk=row.subject_id, status=Mail.ABORTED, reason="playbook_ended").update(status=Mail.QUEUED, reason="", next_attempt_at=now):
            return
        row.outcome, row.next_attempt_at = Outcome.DONE, None
    row.save(update_fields=["outcome", "reason", "next_attempt_at", "actor", "at"])
