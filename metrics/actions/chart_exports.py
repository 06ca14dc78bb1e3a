"""The log of charts taken out: who, which and with which filters; kept where the admin shows what people did."""

from __future__ import annotations

import datetime as dt
import logging

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import Account, User

log = logging.getLogger("vefa.exports")


def record_chart_export(*, actor: User, chart: str, title: str, choices: str, now: dt.datetime) -> LogEntry:
    """One line in the log and one entry about accounts: the table of a chart that names some of them."""
    log.info("export of chart %s by %s: %s", chart, actor.email, choices or "-")
    return LogEntry.objects.create(
        user=actor, content_type=ContentType.objects.get_for_model(Account), object_id="", object_repr=title[:200], action_flag=CHANGE,
        change_message=f"export chart {chart}: {choices or '-'}", action_time=now,
    )  # fmt: skip
