"""The log of exports of decisions: who took out what, and when; kept where the administration shows what people did."""

from __future__ import annotations

import datetime as dt
import logging

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import Account, User

log = logging.getLogger("vefa.exports")


def record_export(*, actor: User, what: str, choices: str, now: dt.datetime) -> LogEntry:
    """One line in the log and one entry of the kind of accounts: which list, with which filters."""
    log.info("export %s by %s: %s", what, actor.email, choices or "-")
    return LogEntry.objects.create(
        user=actor, content_type=ContentType.objects.get_for_model(Account), object_id="", object_repr=f"decisions: {what}"[:200], action_flag=CHANGE,
        change_message=f"export {what}: {choices or '-'}", action_time=now,
    )  # fmt: skip
