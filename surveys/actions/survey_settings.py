"""The settings that hold for all surveys of the installation; who changed them is written down."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import Installation, User


class StaleSettings(ValueError):
    """Somebody else saved the settings in the meantime; `row` is how they stand."""

    def __init__(self, row: Installation):
        super().__init__("the settings were changed by somebody else")
        self.row = row


def settings_mark(row: Installation, names: list[str]) -> str:
    """What the settings say, as text: a form that comes back with another one was looked at too long ago."""
    return json.dumps({name: str(getattr(row, name)) for name in names}, sort_keys=True)


def change_survey_settings(*, values: dict[str, Any], actor: User, mark: str) -> list[str]:
    """Saves the settings and returns the names of what changed. Raises StaleSettings."""
    with transaction.atomic():
        Installation.current()
        row = Installation.objects.select_for_update(no_key=True).get(pk=1)
        if mark != settings_mark(row, list(values)):
            raise StaleSettings(row)
        changed = {name: [str(getattr(row, name)), str(value)] for name, value in values.items() if getattr(row, name) != value}
        if changed:
            for name in changed:
                setattr(row, name, values[name])
            row.save(update_fields=[*changed, "updated_at"])
            LogEntry.objects.create(
                user=actor, content_type=ContentType.objects.get_for_model(Installation), object_id="1", object_repr="Vefa", action_flag=CHANGE,
                change_message=json.dumps({"survey_settings": changed}),
            )  # fmt: skip
    return list(changed)
