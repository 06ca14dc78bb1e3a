"""The log of the list of restatements taken out: who, and with which filters."""

from __future__ import annotations

import datetime as dt
import logging

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import User
from metrics.models import Restatement

log = logging.getLogger("vefa.exports")


def record_restatements_export(*, actor: User, choices: str, now: dt.datetime) -> LogEntry:
    """One line in the log and one entry about restatements."""
    log.info("export of restatements by %s: %s", actor.email, choices or "-")
    return LogEntry.objects.create(
        user=actor, content_type=ContentType.objects.get_for_model(Restatement), object_id="", object_repr="restatements", action_flag=CHANGE,
        change_message=f"export restatements: {choices or '-'}", action_time=now,
    )  # fmt: skip
