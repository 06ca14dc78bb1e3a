"""The log of rows taken out: who, of which figure and with which filters; kept where the admin shows what people did."""

from __future__ import annotations

import datetime as dt
import logging

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import Account, User

log = logging.getLogger("vefa.exports")


def record_rows_export(*, actor: User, kpi: str, title: str, choices: str, now: dt.datetime) -> LogEntry:
    """One line in the log and one entry about accounts: the rows behind a figure."""
    log.info("export of rows of %s by %s: %s", kpi, actor.email, choices or "-")
    return LogEntry.objects.create(
        user=actor, content_type=ContentType.objects.get_for_model(Account), object_id="", object_repr=title[:200], action_flag=CHANGE,
        change_message=f"export rows of {kpi}: {choices or '-'}", action_time=now,
    )  # fmt: skip
