"""Calls of playbooks to other systems: at least once, in the receiver's hands once, by the key that every try carries.

A call is a log row that waits. It is claimed and committed before anybody is called, and no transaction is open
meanwhile; a worker that dies in between leaves a claim that runs out, and the call is made again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.instances import is_in_doubt
from accounts.actions.outbox import MOST_TRIES, RETRY_MINUTES
from accounts.actions.playbook_runs import settle_step
from accounts.models import Installation, PlaybookRun, PlaybookStepLog
from accounts.outward_calls import Answer, derived_secret, post, signature
from accounts.queries.playbook_plans import plan_of

LEASE = dt.timedelta(minutes=2)
Outcome = PlaybookStepLog.Outcome

_CLAIM = """
UPDATE accounts_playbooksteplog SET attempt = attempt + 1, next_attempt_at = %(until)s
WHERE id IN (
    SELECT id FROM accounts_playbooksteplog WHERE kind = 'webhook' AND outcome = 'waiting' AND next_attempt_at <= %(now)s
    ORDER BY next_attempt_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def signing_secret(playbook_key: str) -> str:
    """What the receiver checks the calls of a playbook with; it changes with SECRET_KEY."""
    return derived_secret(settings.SECRET_KEY, f"playbook:{playbook_key}")


def claim_calls(*, now: dt.datetime, limit: int) -> list[int]:
    """Takes due calls and commits the claim. Must not be called inside a transaction (raises RuntimeError)."""
    if connection.in_atomic_block:
        raise RuntimeError("A claim must be committed before anybody is called: call it outside a transaction.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "until": now + LEASE, "limit": limit})
        return sorted(row[0] for row in cursor.fetchall())


def send_calls(*, now: dt.datetime, limit: int = 50, goes_on: Callable[[], bool] = lambda: True) -> Counter[str]:
    """Makes the calls that are due; counts by `done`, `again`, `failed`. Nothing leaves while sending is off, or from a copy."""
    counts: Counter[str] = Counter()
    if not Installation.current().sending_enabled or is_in_doubt():
        return counts
    for _turn in range(limit):
        # one at a time: a slow receiver must not let the claims of others run out
        claimed = claim_calls(now=now, limit=1) if goes_on() else []
        if not claimed:
            break
        row = PlaybookStepLog.objects.select_related("run__playbook", "run__version", "run__event", "account").get(pk=claimed[0])
        counts[_call(row, now=now)] += 1
    return counts


def _call(row: PlaybookStepLog, *, now: dt.datetime) -> str:
    run = row.run
    step = plan_of(run.version).step(row.step) if run.version else None
    if step is None or run.status == PlaybookRun.Status.STOPPED:
        settle_step(step_id=row.pk, outcome=Outcome.SKIPPED, reason="playbook_ended", now=now)
        return "skipped"
    if settings.SANDBOX:
        # a rehearsal reaches nobody
        settle_step(step_id=row.pk, outcome=Outcome.SKIPPED, reason="sandbox", now=now)
        return "skipped"
    body = json.dumps(content_of(row), separators=(",", ":"), sort_keys=True).encode()
    call_id, seconds = key_of(row), int(now.timestamp())
    headers = {
        "Idempotency-Key": call_id, "webhook-id": call_id, "webhook-timestamp": str(seconds),
        "webhook-signature": signature(signing_secret(run.playbook.key), call_id=call_id, timestamp=seconds, body=body),
    }  # fmt: skip
    answer = post(step.body["url"], body=body, headers=headers, private=settings.PLAYBOOK_PRIVATE_CALLS, allowed=settings.OUTWARD_NETWORKS)
    return _settled(row, answer, now)


def key_of(row: PlaybookStepLog) -> str:
    """The same for every try of a call, so that a receiver can tell that it had it."""
    return f"vefa-{Installation.current().epoch.hex[:12]}-{row.run_id}-{row.step}"


def content_of(row: PlaybookStepLog) -> dict[str, object]:
    """What is told: ids, keys and instants, nothing personal."""
    run = row.run
    return {
        "id": key_of(row), "type": "playbook.step", "playbook": run.playbook.key, "version": run.version.number if run.version else None, "run": run.pk, "step": row.step,
        "occurred_at": row.begun_at.isoformat(), "account": {"id": run.account_id, "external_id": row.account.external_id},
        "event": {"id": run.event_id, "kind": run.event.kind, "payload": run.event.payload} if run.event else None,
    }  # fmt: skip


def _settled(row: PlaybookStepLog, answer: Answer, now: dt.datetime) -> str:
    """Writes down what became of a try: another comes 1, 5, 15, 60 minutes later, then hourly, for a day."""
    if answer.outcome == "done":
        settle_step(step_id=row.pk, outcome=Outcome.DONE, reason="", now=now, detail={**row.detail, "answer": answer.reason})
        return "done"
    if answer.outcome == "refused" or row.attempt >= MOST_TRIES:
        settle_step(step_id=row.pk, outcome=Outcome.FAILED, reason="refused" if answer.outcome == "refused" else "gave_up", now=now, detail={**row.detail, "answer": answer.reason})
        return "failed"
    later = now + dt.timedelta(minutes=RETRY_MINUTES[min(row.attempt, len(RETRY_MINUTES)) - 1])
    PlaybookStepLog.objects.filter(pk=row.pk, outcome=Outcome.WAITING).update(next_attempt_at=later, at=now, detail={**row.detail, "answer": answer.reason})
    return "again"
