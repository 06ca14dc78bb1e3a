"""Reading the models that score, and making a new version of one."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

from django.db import connection, transaction
from django.db.models import Max

from metrics.models import HealthComponent, HealthModel, HealthScore
from metrics.scoring import Model, Part
from metrics.sql.health import ScoredBy


def rule_of(model: HealthModel) -> Model:
    """The arithmetic of a stored version, its components in order."""
    parts = tuple(
        Part(source=component.source, worst=component.worst, best=component.best, weight=component.weight, missing=component.missing, fresh_days=component.fresh_days)
        for component in sorted(model.components.all(), key=lambda component: component.position)
    )
    return Model(parts=parts, healthy_from=model.healthy_from, watch_from=model.watch_from)


# one round trip: the recompute of a single account reads this every time
_ACTIVATED = """
SELECT m.id, m.activated_at, m.retired_at, m.healthy_from, m.watch_from,
    coalesce((SELECT jsonb_agg(jsonb_build_array(c.source, c.worst, c.best, c.weight, c.missing, c.fresh_days) ORDER BY c.position)
              FROM metrics_healthcomponent c WHERE c.model_id = m.id), '[]'),
    coalesce((SELECT array_agg(s.segment_id ORDER BY s.segment_id) FROM metrics_healthmodel_segments s WHERE s.healthmodel_id = m.id), '{}')
FROM metrics_healthmodel m WHERE m.activated_at IS NOT NULL ORDER BY m.position, m.key, m.number DESC
"""


def models_at(instant: dt.datetime) -> list[ScoredBy]:
    """The models active at an instant, in the order in which they are tried; models without weight are left out.

    Where no model for every account was active then, the present one steps in, and where there is
    none at all, all present ones: a fresh installation can score the past it has imported.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVATED)
        known = cursor.fetchall()
    then, present = set(), set()
    for number, (_id, activated_at, retired_at, *_rule) in enumerate(known):
        if activated_at < instant and (retired_at is None or retired_at >= instant):
            then.add(number)
        if retired_at is None:
            present.add(number)
    if all(known[number][6] for number in then):
        then |= {number for number in present if not known[number][6]}
    found = []
    for number in sorted(then or present):
        pk, _activated_at, _retired_at, healthy_from, watch_from, parts, segment_ids = known[number]
        rows = json.loads(parts) if isinstance(parts, str) else parts
        rule = Model(
            parts=tuple(Part(source, float(worst), float(best), weight, missing, fresh) for source, worst, best, weight, missing, fresh in rows),
            healthy_from=healthy_from,
            watch_from=watch_from,
        )
        if any(part.weight for part in rule.parts):
            found.append(ScoredBy(id=pk, model=rule, segment_ids=tuple(segment_ids)))
    return found


def digest(models: list[ScoredBy]) -> str:
    """A fingerprint of everything that decides a score but the facts."""
    spelled = [(entry.id, entry.segment_ids, [vars(part) for part in entry.model.parts], entry.model.healthy_from, entry.model.watch_from) for entry in models]
    return hashlib.sha256(json.dumps(spelled, sort_keys=True).encode()).hexdigest()


def has_scored(model: HealthModel) -> bool:
    """Whether scores name this version, which freezes it."""
    return bool(model.pk) and (model.activated_at is not None or HealthScore.objects.filter(model_id=model.pk).exists())


@transaction.atomic
def new_version(*, model: HealthModel) -> HealthModel:
    """A copy under the next number, not active, with components and segments, to be changed and activated."""
    number = HealthModel.objects.filter(key=model.key).aggregate(last=Max("number"))["last"] + 1
    copy = HealthModel.objects.create(key=model.key, number=number, name=model.name, position=model.position, healthy_from=model.healthy_from, watch_from=model.watch_from)
    copy.segments.set(model.segments.all())
    fields = ("position", "source", "worst", "best", "weight", "missing", "fresh_days")
    HealthComponent.objects.bulk_create(HealthComponent(model=copy, **{name: getattr(component, name) for name in fields}) for component in model.components.all())
    return copy


@transaction.atomic
def activate(*, model: HealthModel, now: dt.datetime) -> HealthModel:
    """Makes a version the one that scores under its key; the one before it retires at the same instant."""
    HealthModel.objects.filter(key=model.key, activated_at__isnull=False, retired_at__isnull=True).exclude(pk=model.pk).update(retired_at=now)
    model.activated_at, model.retired_at = now, None
    model.save(update_fields=["activated_at", "retired_at"])
    return model
