"""Replaying a past day: every stored score from its stored inputs, and again from the facts as they are known now. Writes nothing.

From the stored inputs and the stored version a score comes out as it was stored, always. From the facts it may not: something
that had happened by then was recorded, changed or taken back afterwards, or another version scores now for then. Such
rows are told as restatements with their cause and the inputs that differ; the stored day stays as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from metrics.actions.health_models import models_at, rule_of
from metrics.backtest.facts import Instant
from metrics.explained import models_by_id
from metrics.models import HealthScore
from metrics.scoring import Model, score
from metrics.sql.health import LISTED, judged

# the stored numbers do not follow from the stored inputs: somebody changed a row or a version by hand
ALTERED = "altered"
MODEL, LATE_DATA, NO_SCORE = "model", "late_data", "no_score"
BATCH = 2_000
_COLUMNS = "account_id", "model_id", "score", "band", "confidence", "raws", "contributions"


@dataclass(frozen=True)
class Differing:
    """A row that facts of today would score otherwise. Scores in hundredths; `parts` are the inputs that differ: source, then, now."""

    account_id: int
    day: dt.date
    stored: int
    replayed: int | None
    cause: str
    parts: list[tuple[str, float | None, float | None]]


@dataclass
class Replay:
    """What became of the rows of a day."""

    day: dt.date
    rows: int = 0
    # rows that follow from their stored inputs, and rows that the facts of today give again
    from_inputs: int = 0
    from_facts: int = 0
    differing: list[Differing] = field(default_factory=list)


def replay(*, day: dt.date, now: dt.datetime, account_ids: Iterable[int] | None = None) -> Replay:
    """Replays the stored scores of a day, each as of the instant it was worked out for; of everybody or of these accounts."""
    found = Replay(day)
    rules: dict[int, Model] = {}
    rows = HealthScore.objects.filter(day=day)
    if account_ids is not None:
        rows = rows.filter(account_id__in=list(account_ids))
    for instant in list(rows.order_by("computed_at").values_list("computed_at", flat=True).distinct()):
        for batch in _batches(rows.filter(computed_at=instant)):
            missing = {row.model_id for row in batch} - rules.keys()
            rules |= {pk: rule_of(model) for pk, model in models_by_id(missing).items()}
            again = _from_facts([row.account_id for row in batch], as_of=instant, now=now)
            for row in batch:
                _compare(found, row, rules.get(row.model_id), again.get(row.account_id), rules)
    return found


def _batches(rows: Any) -> Iterator[list[HealthScore]]:
    after = 0
    while batch := list(rows.filter(account_id__gt=after).order_by("account_id")[:BATCH]):
        yield batch
        after = batch[-1].account_id


def _from_facts(ids: list[int], *, as_of: dt.datetime, now: dt.datetime) -> dict[int, dict[str, Any]]:
    models = models_at(as_of)
    if not models:
        return {}
    instant = Instant.at(as_of=as_of, now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '64MB', true)")
        cursor.execute(
            f"WITH {judged(models, scope=LISTED, live=instant.moment.live, currencies=instant.currencies)} SELECT {', '.join(_COLUMNS)} FROM judged", {**instant.values, "ids": ids}
        )
        return {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in cursor.fetchall()}


def _compare(found: Replay, row: HealthScore, rule: Model | None, again: dict[str, Any] | None, rules: dict[int, Model]) -> None:
    found.rows += 1
    told = score(rule, row.raws) if rule is not None and len(rule.parts) == len(row.raws) else None
    follows = told is not None and (told.score, told.band, told.confidence, list(told.contributions)) == (row.score, row.band, row.confidence, list(row.contributions))
    found.from_inputs += follows
    new = None if again is None else again["score"]
    if follows and again is not None and (row.model_id, row.score, list(row.raws)) == (again["model_id"], new, list(again["raws"])):
        found.from_facts += 1
        return
    if not follows:
        cause = ALTERED
    elif again is None or new is None:
        cause = NO_SCORE
    else:
        cause = LATE_DATA if again["model_id"] == row.model_id else MODEL
    parts = []
    if rule is not None and again is not None and again["model_id"] == row.model_id:
        parts = [(part.source, before, after) for part, before, after in zip(rule.parts, row.raws, again["raws"], strict=False) if before != after]
    found.differing.append(Differing(row.account_id, row.day, row.score, new, cause, parts))
