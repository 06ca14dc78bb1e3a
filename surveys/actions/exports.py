"""The log of exports: who took out what, and when; kept where the admin shows what people did."""

from __future__ import annotations

import datetime as dt
import logging

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import User
from surveys.models import Survey

log = logging.getLogger("vefa.exports")


def record_export(*, actor: User, survey: Survey, what: str, choices: str, now: dt.datetime) -> LogEntry:
    """One line in the log and one entry beside the survey: what (figures, answers, asks, contacts) with which filters."""
    log.info("export %s of survey %s by %s: %s", what, survey.key, actor.email, choices or "-")
    return LogEntry.objects.create(
        user=actor, content_type=ContentType.objects.get_for_model(Survey), object_id=str(survey.pk), object_repr=str(survey)[:200], action_flag=CHANGE,
        change_message=f"export {what}: {choices or '-'}", action_time=now,
    )  # fmt: skip
