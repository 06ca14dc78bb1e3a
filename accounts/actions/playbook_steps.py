"""Working on runs: claim those that are due, commit, then do step after step until one waits.

Each step is one transaction: the lock on the run, its log row (unique a step), its effect, and the place the run goes to.
A worker that dies leaves all of it or nothing; its claim runs out and another goes on from there.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections import Counter
from collections.abc import Callable

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DataError, IntegrityError, connection, transaction

from accounts.actions.playbook_effects import Effect, perform
from accounts.actions.playbook_runs import cut_short, finish
from accounts.models import PlaybookRun, PlaybookStepLog, PlaybookVersion
from accounts.playbooks import END, Plan, Step, awaited, decide
from accounts.queries.playbook_facts import RunFacts
from accounts.queries.playbook_plans import plan_of

LEASE = dt.timedelta(minutes=5)
# after a fault of the machinery itself the run rests, so that it holds up no other
REST = dt.timedelta(hours=1)
# a rule that ends a run, and a date that moves, are asked at least so often
LOOK_AGAIN = dt.timedelta(days=1)
# one look at a run does no more than all its steps
MOST_MOVES = 61
Outcome = PlaybookStepLog.Outcome
log = logging.getLogger("vefa.playbooks")

_CLAIM = """
UPDATE accounts_playbookrun SET worker = %(worker)s, lease_until = %(until)s
WHERE id IN (
    SELECT id FROM accounts_playbookrun WHERE status = 'running' AND due_at <= %(now)s AND version_id IS NOT NULL AND (lease_until IS NULL OR lease_until < %(now)s)
    ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_WAKE = """
UPDATE accounts_playbookrun r SET due_at = %(now)s
FROM (
    SELECT DISTINCT r.id FROM accounts_accountevent e
    JOIN unnest(%(versions)s::bigint[], %(steps)s::text[], %(kinds)s::text[]) AS w(version_id, step, kind) ON w.kind = e.kind
    JOIN accounts_playbookrun r ON r.account_id = e.account_id AND r.version_id = w.version_id AND (w.step = '' OR w.step = r.step)
    WHERE e.recorded_at >= statement_timestamp() - %(within)s::interval AND e.kind = ANY(%(kinds)s) AND r.status = 'running' AND r.due_at > %(now)s) found
WHERE r.id = found.id AND r.status = 'running' AND r.due_at > %(now)s
"""


def claim_runs(*, worker: str, now: dt.datetime, limit: int) -> list[int]:
    """Takes due runs and commits the claim; two workers never get the same. Must not be called inside a transaction (raises RuntimeError)."""
    if connection.in_atomic_block:
        raise RuntimeError("A claim must be committed before the work is done: call it outside a transaction.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"worker": worker, "until": now + LEASE, "now": now, "limit": limit})
        return sorted(row[0] for row in cursor.fetchall())


def run_due(*, now: dt.datetime, worker: str, limit: int = 1000, batch: int = 100, goes_on: Callable[[], bool] = lambda: True) -> Counter[str]:
    """Works on the runs that are due; counts steps by outcome, and runs that `ended`. `goes_on` says when the time is up."""
    done: Counter[str] = Counter()
    plans: dict[int, Plan] = {}
    taken = 0
    while taken < limit and goes_on():
        # a name of its own for each claim: one that ran out is lost, also to the same process
        mine = f"{worker[:60]}:{secrets.token_hex(6)}"
        claimed = claim_runs(worker=mine, now=now, limit=min(batch, limit - taken))
        if not claimed:
            break
        taken += len(claimed)
        for place, run_id in enumerate(claimed):
            if not goes_on():
                PlaybookRun.objects.filter(pk__in=claimed[place:], worker=mine).update(worker="", lease_until=None)
                return done
            done += _work_on(run_id, worker=mine, now=now, plans=plans)
    return done


def _work_on(run_id: int, *, worker: str, now: dt.datetime, plans: dict[int, Plan]) -> Counter[str]:
    done: Counter[str] = Counter()
    try:
        for _move in range(MOST_MOVES):
            outcome, goes_on = _move_on(run_id, worker=worker, now=now, plans=plans)
            if outcome:
                done[outcome] += 1
            if not goes_on:
                break
    except Exception:
        log.exception("run %s of a playbook could not go on", run_id)
        done["faults"] += 1
        PlaybookRun.objects.filter(pk=run_id, worker=worker).update(worker="", lease_until=None, due_at=now + REST)
    return done


def _move_on(run_id: int, *, worker: str, now: dt.datetime, plans: dict[int, Plan]) -> tuple[str, bool]:
    """One step, or the finding that there is none to do; what it came to, and whether to look at once again."""
    with transaction.atomic():
        run = (
            PlaybookRun.objects.select_for_update(no_key=True, of=("self",))
            .select_related("playbook", "version", "account", "account__owner", "event")
            .filter(pk=run_id, worker=worker, status=PlaybookRun.Status.RUNNING)
            .first()
        )
        if run is None or run.version is None:
            return "", False
        if run.version_id not in plans:
            plans[run.version.pk] = plan_of(run.version)
        plan, facts = plans[run.version.pk], RunFacts.of(run, now)
        reason = exit_of(run, run.version, plan, facts, now=now)
        if reason:
            cut_short(run, reason=reason, now=now)
            return "ended", False
        step = plan.step(run.step)
        if step is None:
            finish(run, reason="stop" if _stopped(run) else "done", now=now, plan=plan)
            return "ended", False
        return _one(run, plan, step, facts, now)


def _stopped(run: PlaybookRun) -> bool:
    return PlaybookStepLog.objects.filter(run=run, kind="stop", outcome=Outcome.DONE).exists()


def exit_of(run: PlaybookRun, version: PlaybookVersion, plan: Plan, facts: RunFacts, *, now: dt.datetime) -> str:
    """Why a run ends before its next step; empty where it goes on."""
    if run.account.churned_at is not None and run.account.churned_at <= now and not version.includes_churned:
        return "churned"
    if run.account.excluded and not version.includes_excluded:
        return "excluded"
    for number, entry in enumerate(plan.exits):
        if facts.happened(entry) if "event" in entry else facts.fits(entry["rule"]):
            return f"exit_{number + 1}"
    return ""


def _one(run: PlaybookRun, plan: Plan, step: Step, facts: RunFacts, now: dt.datetime) -> tuple[str, bool]:
    row = PlaybookStepLog.objects.filter(run=run, step=step.key).first()
    if row is not None and (row.outcome != Outcome.WAITING or step.kind not in {"wait", "branch"}):
        # done, or left out by a person before it was its turn
        _go(run, plan, step.following, now)
        return "", True
    decision = decide(step, facts, since=run.step_since or run.started_at, now=now)
    if decision.what == "wait":
        assert decision.due_at is not None
        rules = any("rule" in entry for entry in plan.exits)
        run.due_at, run.worker, run.lease_until = min(decision.due_at, now + LOOK_AGAIN) if rules else decision.due_at, "", None
        run.save(update_fields=["due_at", "worker", "lease_until"])
        _noted(run, step, row, Effect(Outcome.WAITING, next_attempt_at=decision.due_at), now)
        return ("" if row else "waiting"), False
    if decision.what == "act":
        effect = _performed(step, run, now)
    else:
        effect = Effect(Outcome.SKIPPED if decision.what == "skip" else Outcome.DONE, decision.reason, {"go": decision.going} if step.kind in {"wait", "branch"} else {})
    _noted(run, step, row, effect, now)
    _go(run, plan, decision.going, now)
    return str(effect.outcome), True


def _noted(run: PlaybookRun, step: Step, row: PlaybookStepLog | None, effect: Effect, now: dt.datetime) -> None:
    """The step's one row in the log, new or brought up to date; the run is locked, so nobody else writes it."""
    row = row or PlaybookStepLog(run=run, account_id=run.account_id, step=step.key, kind=step.kind, begun_at=now)
    row.outcome, row.reason, row.detail, row.at = effect.outcome, effect.reason[:80], effect.detail, now
    row.subject_type, row.subject_id, row.next_attempt_at = effect.subject_type, effect.subject_id, effect.next_attempt_at
    row.save()


def _performed(step: Step, run: PlaybookRun, now: dt.datetime) -> Effect:
    """The effect; one that cannot be had leaves nothing behind and lets the run go on."""
    try:
        with transaction.atomic():
            return perform(step, run, now=now)
    except (ValueError, ValidationError, ObjectDoesNotExist, IntegrityError, DataError) as fault:
        log.warning("step %s of run %s failed: %s", step.key, run.pk, type(fault).__name__)
        return Effect(Outcome.FAILED, type(fault).__name__)


def _go(run: PlaybookRun, plan: Plan, going: str, now: dt.datetime) -> None:
    run.step, run.step_since, run.due_at, run.position = going, now, now, plan.position(going)
    run.save(update_fields=["step", "step_since", "due_at", "position"])


def wake(*, now: dt.datetime, within: dt.timedelta) -> int:
    """Looks again at runs for which something became known lately (by the database's clock) that they wait for, or that ends them; returns how many."""
    versions: list[int] = []
    steps: list[str] = []
    kinds: list[str] = []

    def listen(version: int, step: str, kind: str) -> None:
        versions.append(version)
        steps.append(step)
        kinds.append(kind)

    for version in PlaybookVersion.objects.filter(published_at__isnull=False).order_by("pk"):
        plan = plan_of(version)
        if not version.includes_churned:
            listen(version.pk, "", "account.churned")
        for entry in plan.exits:
            if "event" in entry:
                listen(version.pk, "", entry["event"])
        for step in plan.steps:
            for event in awaited(step):
                listen(version.pk, step.key, event["event"])
    if not versions:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_WAKE, {"now": now, "within": within, "versions": versions, "steps": steps, "kinds": kinds})  # type: ignore[dict-item]
        return int(cursor.rowcount)


__all__ = ["END", "claim_runs", "exit_of", "run_due", "wake"]
