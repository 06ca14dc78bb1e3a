"""Runs of playbooks under way: ending them, and steps that a person leaves out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from accounts.actions.event_log import record_event
from accounts.actions.work_items import WorkItemClosed, close_work_item
from accounts.actions.work_recovery import ENDED_WITH_PLAYBOOK, close_recovered
from accounts.models import OutgoingMail, PlaybookRun, PlaybookStepLog, User
from accounts.models.events import Origin
from accounts.playbooks import END, Plan
from accounts.queries.playbook_plans import plan_of

Status = PlaybookRun.Status
Outcome = PlaybookStepLog.Outcome
WORK_ITEM = "work_item"
MAIL = "mail"


class RunEnded(ValueError):
    """The run is over already."""


class StepOver(ValueError):
    """The step was done, skipped or dropped before."""


class NoSuchStep(ValueError):
    """The run has no step of this key."""


def locked_run(run_id: int) -> PlaybookRun:
    """The run under a lock. Raises DoesNotExist."""
    return PlaybookRun.objects.select_for_update(no_key=True, of=("self",)).select_related("version", "playbook").get(pk=run_id)


def finish(run: PlaybookRun, *, reason: str, now: dt.datetime, plan: Plan) -> None:
    """The run came to its end; what it asked of others goes on. Call it in the transaction that holds the run."""
    run.status, run.end_reason, run.ended_at = Status.DONE, reason[:40], now
    run.step, run.due_at, run.lease_until, run.worker, run.position = "", None, None, "", len(plan.steps)
    run.save(update_fields=["status", "end_reason", "ended_at", "step", "due_at", "lease_until", "worker", "position"])
    tell_run(run, "playbook.ended", now=now, reason=reason)


def tell_run(run: PlaybookRun, kind: str, *, now: dt.datetime, actor: User | None = None, **more: Any) -> None:
    """Records what became of a run in the account's log; reasons that a person typed stay out of it."""
    record_event(
        account_id=run.account_id, kind=kind, occurred_at=now, origin=Origin.APP, actor_id=actor.pk if actor else None, subject_type="playbook_run", subject_id=str(run.pk),
        payload={"playbook": run.playbook.key, "run": run.pk, **more},
    )  # fmt: skip


def cut_short(run: PlaybookRun, *, reason: str, now: dt.datetime, actor: User | None = None) -> None:
    """Ends a run early: nothing more is done, and what has not left or is not done yet is taken back. In the transaction that holds it.

    Work whose cause is over closes for that; the rest is dropped, but for that whose step says so (`keep_on_exit`).
    """
    if run.status != Status.RUNNING:
        raise RunEnded
    run.status, run.end_reason, run.ended_at, run.due_at, run.lease_until, run.worker = Status.STOPPED, reason[:40], now, None, None, ""
    run.save(update_fields=["status", "end_reason", "ended_at", "due_at", "lease_until", "worker"])
    tell_run(run, "playbook.ended", now=now, actor=actor, reason="by_hand" if actor else reason)
    if actor is None:
        close_recovered(now=now, run_ids=[run.pk])
    rows = list(PlaybookStepLog.objects.filter(run=run))
    mails = [row.subject_id for row in rows if row.subject_type == MAIL and row.subject_id]
    unsent = OutgoingMail.objects.filter(pk__in=mails, status__in=[OutgoingMail.Status.QUEUED, OutgoingMail.Status.RETRY])
    taken_back = {str(pk) for pk in unsent.select_for_update(skip_locked=True).values_list("pk", flat=True)}
    OutgoingMail.objects.filter(pk__in=taken_back).update(status=OutgoingMail.Status.ABORTED, reason="playbook_ended")
    for row in rows:
        if row.outcome == Outcome.WAITING or (row.subject_type == MAIL and row.subject_id in taken_back):
            _settle(row, outcome=Outcome.SKIPPED, reason=f"ended:{reason}", now=now, actor=actor)
        elif row.subject_type == WORK_ITEM and row.outcome == Outcome.DONE and not row.detail.get("keep"):
            try:
                close_work_item(item_id=int(row.subject_id), actor=actor, now=now, outcome="" if actor else ENDED_WITH_PLAYBOOK, dropped=True)
            except WorkItemClosed:
                pass


def _settle(row: PlaybookStepLog, *, outcome: str, reason: str, now: dt.datetime, actor: User | None = None) -> None:
    row.outcome, row.reason, row.at, row.next_attempt_at = outcome, reason[:80], now, None
    if actor is not None:
        row.actor = actor
    row.save(update_fields=["outcome", "reason", "at", "next_attempt_at", "actor"])


def settle_step(*, step_id: int, outcome: str, reason: str, now: dt.datetime, **made: Any) -> bool:
    """Says what became of a step that waited for somebody else (a survey, a receiver); false where it no longer waits.

    `made`: `subject_type`, `subject_id`, `detail`.
    """
    fields: dict[str, Any] = {"outcome": outcome, "reason": reason[:80], "at": now, "next_attempt_at": None, **made}
    return bool(PlaybookStepLog.objects.filter(pk=step_id, outcome=Outcome.WAITING).update(**fields))


def stop_run(*, run_id: int, now: dt.datetime, actor: User | None = None, reason: str = "by_hand") -> PlaybookRun:
    """Ends one run early. Raises RunEnded, DoesNotExist."""
    with transaction.atomic():
        run = locked_run(run_id)
        cut_short(run, reason=reason, now=now, actor=actor)
    return run


def stop_runs(*, playbook_id: int, reason: str, now: dt.datetime, actor: User | None = None) -> int:
    """Ends every run of a playbook that is under way; returns how many."""
    stopped = 0
    for pk in PlaybookRun.objects.filter(playbook_id=playbook_id, status=Status.RUNNING, version__isnull=False).order_by("pk").values_list("pk", flat=True):
        try:
            stop_run(run_id=pk, now=now, actor=actor, reason=reason)
        except RunEnded:
            continue
        stopped += 1
    return stopped


def drop_step(*, run_id: int, step: str, actor: User, now: dt.datetime, reason: str = "") -> PlaybookStepLog:
    """A person leaves a step out: now, or before it is its turn. A wait that is dropped is over; of a branch the way on is the step below.

    Raises RunEnded, NoSuchStep, StepOver (work and mails that a step made are closed and stopped where they are).
    """
    with transaction.atomic():
        run = locked_run(run_id)
        if run.status != Status.RUNNING:
            raise RunEnded
        if run.version is None:
            raise NoSuchStep
        found = plan_of(run.version).step(step)
        if found is None or step == END:
            raise NoSuchStep
        row, _new = PlaybookStepLog.objects.select_for_update().get_or_create(
            run=run, step=step, defaults={"account_id": run.account_id, "kind": found.kind, "outcome": Outcome.WAITING, "begun_at": now, "at": now}
        )
        if row.outcome != Outcome.WAITING:
            raise StepOver
        _settle(row, outcome=Outcome.DROPPED, reason=reason, now=now, actor=actor)
        if run.step == step:
            run.due_at = now
            run.save(update_fields=["due_at"])
    return row
