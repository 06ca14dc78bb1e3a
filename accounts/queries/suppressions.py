"""The list of suppressed addresses, what was lifted, and what mail providers told that needs a person."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import InboundEvent, Suppression

PAGE = 50
MOST = 1001
# a provider's own link for confirming a subscription; nothing else is ever shown as one
_CONFIRMS = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/\?[\w=&%.:~+/-]+")
CONFIRMABLE = dt.timedelta(days=3)


@dataclass(frozen=True)
class SuppressionList:
    """A page of the list, the newest first. `older` is the id to go on before; counts stop at 1001."""

    rows: list[Suppression]
    older: int | None
    total: int
    lifted: list[LogEntry]
    confirmations: list[dict[str, Any]]
    failed: int


def suppression_list(*, now: dt.datetime, reason: str = "", before: int | None = None) -> SuppressionList:
    """The page; `reason` keeps those of one reason alone."""
    rows = Suppression.objects.order_by("-pk")
    if reason:
        rows = rows.filter(reason=reason)
    total = rows[:MOST].count()
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    lifted = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Suppression), action_flag=DELETION).select_related("user")
    waiting = InboundEvent.objects.filter(source="email:amazon_ses", kind="subscription_confirmation", received_at__gt=now - CONFIRMABLE).order_by("-received_at")[:5]
    confirmations = [
        {"topic": row.payload.get("topic", ""), "at": row.received_at, "link": link}
        for row in waiting
        if _CONFIRMS.fullmatch(link := str(row.payload.get("link", "")))
    ]  # fmt: skip
    failed = InboundEvent.objects.filter(source__startswith="email:", status=InboundEvent.Status.FAILED)[:MOST].count()
    return SuppressionList(found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None, total, list(lifted.order_by("-action_time")[:10]), confirmations, failed)
