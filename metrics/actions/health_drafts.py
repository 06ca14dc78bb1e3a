"""Drafts of health models: made from a version, changed until they are right, activated or thrown away. A version in use is never changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.dirty import mark_everybody
from accounts.models import Segment, User
from metrics.actions.health_models import activate, has_scored, new_version
from metrics.models import HealthComponent, HealthModel


class Frozen(ValueError):
    """The version has scored, or was activated: make a new one instead."""


class StaleDraft(ValueError):
    """Somebody changed the draft since it was read."""


def mark_of(model: HealthModel) -> str:
    """A fingerprint of a stored version: two people who began from the same one notice each other by it."""
    parts = [
        [component.position, component.source, component.worst, component.best, component.weight, component.missing, component.fresh_days]
        for component in sorted(model.components.all(), key=lambda component: component.position)
    ]
    spelled = [model.name, model.position, sorted(segment.pk for segment in model.segments.all()), model.healthy_from, model.watch_from, model.activated_at is not None, parts]
    return hashlib.sha256(json.dumps(spelled).encode()).hexdigest()[:16]


def _locked(model: HealthModel) -> HealthModel:
    """The row itself, for writing. Raises Frozen, HealthModel.DoesNotExist."""
    stored = HealthModel.objects.select_for_update().get(pk=model.pk)
    if has_scored(stored):
        raise Frozen(_("%(model)s scores or has scored: what it did can be replayed for ever, so it is not changed. Make a new version.") % {"model": stored})
    return stored


@transaction.atomic
def make_draft(*, model: HealthModel, actor: User, now: dt.datetime) -> HealthModel:
    """A copy of a version under the next number, to be changed; an open draft of the same key is handed back instead of a second one."""
    HealthModel.objects.select_for_update().filter(key=model.key).first()
    for other in HealthModel.objects.filter(key=model.key, activated_at__isnull=True).order_by("-number"):
        if not has_scored(other):
            return other
    draft = new_version(model=model)
    _log(actor, draft, ADDITION, _("made from version %(number)s") % {"number": model.number}, now)
    return draft


@transaction.atomic
def save_draft(
    *, model: HealthModel, mark: str, name: str, position: int, segments: Iterable[Segment], healthy_from: int, watch_from: int,
    components: Iterable[Mapping[str, Any]], actor: User, now: dt.datetime,
) -> HealthModel:  # fmt: skip
    """Writes a draft as the form has it. Raises Frozen, StaleDraft, HealthModel.DoesNotExist."""
    stored = _locked(model)
    if mark_of(stored) != mark:
        raise StaleDraft
    stored.name, stored.position, stored.healthy_from, stored.watch_from = name, position, healthy_from, watch_from
    stored.save(update_fields=["name", "position", "healthy_from", "watch_from"])
    stored.segments.set(segments)
    stored.components.all().delete()
    HealthComponent.objects.bulk_create(HealthComponent(model=stored, position=place, **component) for place, component in enumerate(components, start=1))
    _log(actor, stored, CHANGE, _("draft changed"), now)
    return stored


@transaction.atomic
def discard_draft(*, model: HealthModel, actor: User, now: dt.datetime) -> None:
    """Throws a draft away. Raises Frozen, HealthModel.DoesNotExist."""
    stored = _locked(model)
    _log(actor, stored, DELETION, _("draft thrown away"), now)
    stored.delete()


@transaction.atomic
def activate_draft(*, model: HealthModel, mark: str, actor: User, now: dt.datetime) -> HealthModel:
    """Lets a draft score from now on, in place of its key's version, and marks every account for it. Raises Frozen, StaleDraft, HealthModel.DoesNotExist."""
    stored = _locked(model)
    if mark_of(stored) != mark:
        raise StaleDraft
    active = activate(model=stored, now=now)
    mark_everybody(reason="model")
    _log(actor, active, CHANGE, _("activated"), now)
    return active


def _log(actor: User, model: HealthModel, flag: int, what: str, now: dt.datetime) -> None:
    """Who changed which rule of health, in the log of the administration."""
    LogEntry.objects.create(
        user_id=actor.pk, content_type=ContentType.objects.get_for_model(HealthModel), object_id=str(model.pk), object_repr=str(model)[:200],
        action_flag=flag, change_message=what, action_time=now,
    )  # fmt: skip
