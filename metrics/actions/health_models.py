"""Reading the models that score, and making a new version of one."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

from django.db import transaction
from django.db.models import Max, Q

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


def models_at(instant: dt.datetime) -> list[ScoredBy]:
    """The models active at an instant, in the order in which they are tried; models without weight are left out.

    Where no model for every account was active then, the present one steps in, and where there is
    none at all, all present ones: a fresh installation can score the past it has imported.
    """
    known = HealthModel.objects.filter(activated_at__isnull=False).prefetch_related("components", "segments").order_by("position", "key", "-number")
    then = list(known.filter(Q(retired_at__isnull=True) | Q(retired_at__gte=instant), activated_at__lt=instant))
    present = list(known.filter(retired_at__isnull=True))
    if all(model.segments.all() for model in then):
        then += [model for model in present if model not in then and not model.segments.all()]
    found = sorted(then or present, key=lambda model: (model.position, model.key))
    scored_by = [ScoredBy(id=model.pk, model=rule_of(model), segment_ids=tuple(sorted(segment.pk for segment in model.segments.all()))) for model in found]
    return [entry for entry in scored_by if any(part.weight for part in entry.model.parts)]


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
