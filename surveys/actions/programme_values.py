"""What a programme says as plain values: for history, comparison, copying and proposals. One spelling of each value.

A survey is its key, segments are sorted keys, times are "09:00", a share is a decimal as text.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from accounts.models import Segment, User
from surveys.models import ProgrammeStep, Survey, Touchpoint
from surveys.programme_state import FIELDS


def plain_values(touchpoint: Touchpoint) -> dict[str, Any]:
    """All that a programme says, as JSON can hold it."""
    values = {name: plain_value(getattr(touchpoint, name)) for name in FIELDS if name not in {"survey", "segments"}}
    return values | {"survey": touchpoint.survey.key, "segments": sorted(segment.key for segment in touchpoint.segments.all()), "weekdays": sorted(set(touchpoint.weekdays))}


def plain_value(value: Any) -> Any:
    """One value as JSON can hold it."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    # a default that was never read back from the database ("09:00")
    return value


def comparable(name: str, value: Any) -> Any:
    """The plain value in a form that can be compared with less and more."""
    return Decimal(value) if name == "sampling" and value is not None else value


def differences(before: dict[str, Any], now: dict[str, Any]) -> dict[str, list[Any]]:
    """What changed: field to [before, now], in the order in which people read it. Fields that are not named stay."""
    return {name: [before[name], now[name]] for name in FIELDS if name in now and comparable(name, before[name]) != comparable(name, now[name])}


def put_values(touchpoint: Touchpoint, values: dict[str, Any]) -> None:
    """Writes plain values into the row and its segments; the row itself is saved by the caller afterwards (segments at once).

    Raises Survey.DoesNotExist for a survey that is gone.
    """
    for name, value in values.items():
        if name == "survey":
            touchpoint.survey = Survey.objects.get(key=value)
        elif name == "sampling":
            touchpoint.sampling = Decimal(value)
        elif name in {"window_from", "window_until"}:
            setattr(touchpoint, name, dt.time.fromisoformat(value))
        elif name != "segments":
            setattr(touchpoint, name, value)
    if touchpoint.pk and "segments" in values:
        touchpoint.segments.set(Segment.objects.filter(key__in=values["segments"]))


def record_step(touchpoint: Touchpoint, *, action: str, actor: User | None, now: dt.datetime, note: str = "", changes: dict[str, list[Any]] | None = None) -> ProgrammeStep:
    """Writes one line into a programme's history."""
    return ProgrammeStep.objects.create(touchpoint=touchpoint, action=action, actor=actor, happened_at=now, note=note[:300], changes=changes or {})
