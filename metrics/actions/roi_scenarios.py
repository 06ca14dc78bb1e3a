"""Scenarios of the ROI studio: kept, changed, copied, deleted and brought back.

A change names the version it was made on; where somebody was faster nothing is changed and `StaleScenario`
holds the row as it stands. Who may change what is asked by the edge (`RoiScenario.objects.changeable_by`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from metrics.models import RoiScenario
from metrics.roi.live import LiveFigures

# how long a deleted scenario can be brought back
UNDO = dt.timedelta(days=1)


class StaleScenario(ValueError):
    """Somebody else saved or deleted the scenario in the meantime; `scenario` is the row as it stands."""

    def __init__(self, scenario: RoiScenario):
        super().__init__(f"“{scenario}” was changed by somebody else")
        self.scenario = scenario


def _locked(scenario_id: int, version: int) -> RoiScenario:
    row = RoiScenario.objects.select_for_update(no_key=True).get(pk=scenario_id)
    if row.version != version or row.deleted_at is not None:
        raise StaleScenario(row)
    return row


def keep_scenario(*, name: str, note: str, shared: bool, choices: Mapping[str, str], live: LiveFigures, live_at: dt.datetime, actor: User, now: dt.datetime) -> RoiScenario:
    """Saves a new scenario with a frozen copy of the live figures it was made on. A lead's belongs to the lead's team."""
    return RoiScenario.objects.create(
        name=name, note=note, shared=shared, choices=dict(choices), live=live.frozen(), live_at=live_at, author=actor, changed_by=actor,
        team_id=actor.team_id if actor.role == Role.MANAGER else None, created_at=now, updated_at=now,
    )  # fmt: skip


def save_choices(
    *, scenario_id: int, version: int, choices: Mapping[str, str], actor: User, now: dt.datetime, live: LiveFigures | None = None, live_at: dt.datetime | None = None
) -> RoiScenario:
    """Saves other assumptions in place of the scenario's, on `live` where given, else on the figures it stands on. Raises StaleScenario."""
    changed: dict[str, Any] = {"choices": dict(choices)}
    if live is not None:
        changed |= {"live": live.frozen(), "live_at": live_at or now}
    return _change(scenario_id, version, actor, now, changed)


def describe_scenario(*, scenario_id: int, version: int, name: str, note: str, shared: bool, actor: User, now: dt.datetime) -> RoiScenario:
    """Gives a scenario another name, note and circle of readers. Raises StaleScenario."""
    return _change(scenario_id, version, actor, now, {"name": name, "note": note, "shared": shared})


def delete_scenario(*, scenario_id: int, version: int, actor: User, now: dt.datetime) -> RoiScenario:
    """Takes a scenario out of sight; it can be brought back for a day. Those deleted longer ago go for good. Raises StaleScenario."""
    RoiScenario.objects.filter(deleted_at__lt=now - UNDO).delete()
    return _change(scenario_id, version, actor, now, {"deleted_at": now})


def _change(scenario_id: int, version: int, actor: User, now: dt.datetime, changed: Mapping[str, Any]) -> RoiScenario:
    with transaction.atomic():
        row = _locked(scenario_id, version)
        for name, value in changed.items():
            setattr(row, name, value)
        row.version += 1
        row.changed_by, row.updated_at = actor, now
        row.save()
    return row


def restore_scenario(*, scenario_id: int, actor: User, now: dt.datetime) -> RoiScenario:
    """Brings a deleted scenario back; one that is there stays as it is."""
    with transaction.atomic():
        row = RoiScenario.objects.select_for_update(no_key=True).get(pk=scenario_id)
        if row.deleted_at is not None:
            row.deleted_at, row.changed_by, row.updated_at = None, actor, now
            row.version += 1
            row.save()
    return row


def duplicate_scenario(*, scenario_id: int, actor: User, now: dt.datetime) -> RoiScenario:
    """A copy of one's own, not shared, on the same frozen figures."""
    row = RoiScenario.objects.get(pk=scenario_id)
    name = _("Copy of %(name)s") % {"name": row.name}
    return RoiScenario.objects.create(
        name=name[:120], note=row.note, choices=row.choices, live=row.live, live_at=row.live_at, author=actor, changed_by=actor, team_id=row.team_id, created_at=now, updated_at=now
    )
