"""Backtests as rows: asked for, claimed by a worker, told of as they go, answered; and the draft a person takes from one."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from accounts.models import User
from metrics.actions.health_drafts import make_draft
from metrics.backtest.question import Question, Refused, question
from metrics.backtest.running import run
from metrics.models import BacktestRun, HealthModel

# a run without a sign of life for so long has lost its worker
LOST_AFTER = dt.timedelta(minutes=20)
KEPT = 200


@transaction.atomic
def ask(*, model: HealthModel | None, start: dt.date, end: dt.date, horizon_days: int, user: User | None, now: dt.datetime) -> BacktestRun:
    """Puts a backtest into the queue. Raises Refused where the question makes no sense. The oldest beyond 200 go."""
    asked = question(model=model, start=start, end=end, horizon_days=horizon_days, now=now)
    row = BacktestRun.objects.create(
        model=model, model_label=asked.label, start=asked.start, end=asked.end, horizon_days=horizon_days, steps=len(asked.instants()), made_by=user, created_at=now
    )
    BacktestRun.objects.filter(pk__in=BacktestRun.objects.order_by("-created_at", "-id").values_list("pk", flat=True)[KEPT:]).delete()
    return row


@transaction.atomic
def claim(*, now: dt.datetime, pk: int | None = None) -> BacktestRun | None:
    """The oldest run that waits or lost its worker (or the one named, if it does), now running; None where there is none."""
    waiting = BacktestRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        Q(status=BacktestRun.Status.QUEUED) | Q(status=BacktestRun.Status.RUNNING, beaten_at__lt=now - LOST_AFTER)
    )
    row = (waiting.filter(pk=pk) if pk is not None else waiting).order_by("created_at", "id").first()
    if row is not None:
        row.status, row.beaten_at, row.steps_done = BacktestRun.Status.RUNNING, now, 0
        row.save(update_fields=["status", "beaten_at", "steps_done"])
    return row


def work_off(*, row: BacktestRun, now: dt.datetime) -> BacktestRun:
    """Runs a claimed backtest and stores its figures, or why it was refused. What fails unforeseen is marked and raised."""
    started = time.monotonic()

    def tell(done: int, steps: int) -> None:
        BacktestRun.objects.filter(pk=row.pk).update(steps_done=done, steps=steps, beaten_at=now + dt.timedelta(seconds=time.monotonic() - started))

    try:
        asked = question(model=row.model, start=row.start, end=row.end, horizon_days=row.horizon_days, now=now)
        row.figures, row.refusal, row.status = run(asked, now=now, progress=tell), {}, BacktestRun.Status.DONE
        row.model_label = asked.label
    except Refused as fault:
        row.figures, row.refusal, row.status = {}, fault.stored, BacktestRun.Status.REFUSED
    except Exception:
        BacktestRun.objects.filter(pk=row.pk).update(status=BacktestRun.Status.FAILED, refusal={"key": "failed", "values": {}}, finished_at=now)
        raise
    row.seconds = round(time.monotonic() - started, 2)
    row.finished_at = now + dt.timedelta(seconds=row.seconds)
    row.save(update_fields=["figures", "refusal", "status", "model_label", "seconds", "finished_at"])
    return row


def record(*, asked: Question, model: HealthModel | None, figures: dict[str, Any], seconds: float, now: dt.datetime) -> BacktestRun:
    """Keeps a backtest that a command made, so that the page lists it with the others."""
    steps = len(figures["dates"])
    return BacktestRun.objects.create(
        model=model, model_label=asked.label, start=asked.start, end=asked.end, horizon_days=asked.horizon_days, status=BacktestRun.Status.DONE, steps=steps,
        steps_done=steps, figures=figures, created_at=now, finished_at=now + dt.timedelta(seconds=seconds), seconds=round(seconds, 2),
    )  # fmt: skip


def judged_model(row: BacktestRun) -> HealthModel | None:
    """The one version whose weights a run proposes to change; None where there is none."""
    if row.model is not None:
        return row.model
    if "components" not in row.figures.get("weights", {}):
        return None
    return HealthModel.objects.filter(activated_at__isnull=False, retired_at__isnull=True).order_by("position", "key").first()


class OpenDraft(ValueError):
    """A draft of this model is open already: what was proposed must not write over what somebody is at."""

    def __init__(self, draft: HealthModel):
        super().__init__(str(draft))
        self.draft = draft


@transaction.atomic
def draft_from(*, row: BacktestRun, actor: User, now: dt.datetime) -> HealthModel | None:
    """A new version of the model with the weights that were proposed, not active; None where none were, or its parts have changed since.

    Raises OpenDraft.
    """
    proposed = {each["component"]: each["proposed"] for each in row.figures.get("weights", {}).get("components", [])}
    model = judged_model(row)
    if not proposed or model is None or set(proposed) != set(model.components.values_list("source", flat=True)):
        return None
    last = HealthModel.objects.filter(key=model.key).aggregate(last=Max("number"))["last"]
    draft = make_draft(model=model, actor=actor, now=now)
    if draft.number <= last:
        raise OpenDraft(draft)
    for component in draft.components.all():
        component.weight = proposed[component.source]
        component.save(update_fields=["weight"])
    return draft
