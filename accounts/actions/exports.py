"""The log of exports: who took out what, and when; kept where the admin shows what people did."""

from __future__ import annotations

import datetime as dt
import logging

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from accounts.models import Account, User

log = logging.getLogger("vefa.exports")


def record_export(*, actor: User, what: str, title: str, choices: str, now: dt.datetime, about: Model | type[Model] = Account) -> LogEntry:
    """One line in the log and one entry beside what the export is about, a row or a kind of rows: what was taken out, with which filters."""
    log.info("export of %s (%s) by %s: %s", what, title, actor.email, choices or "-")
    return LogEntry.objects.create(
        user=actor, content_type=ContentType.objects.get_for_model(about), object_id=str(about.pk) if isinstance(about, Model) else "", object_repr=title[:200],
        action_flag=CHANGE, change_message=f"export {what}: {choices[:500] or '-'}", action_time=now,
    )  # fmt: skip
