"""What a person orders about mails that a machine must not decide on: send again, or let it be.

Surveys are left alone: whether one may leave again is decided where surveys are planned.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from accounts.models import OutgoingMail

Status = OutgoingMail.Status
KINDS = (OutgoingMail.Kind.REPLY, OutgoingMail.Kind.ALERT, OutgoingMail.Kind.AUTH)


def send_again(*, ids: Collection[Any], now: dt.datetime) -> int:
    """Queues mails whose fate is unknown, or that failed or were held back, once more; returns how many."""
    mails = OutgoingMail.objects.filter(pk__in=ids, kind__in=KINDS, status__in=[Status.UNKNOWN, Status.FAILED, Status.WITHHELD, Status.ABORTED])
    return mails.update(status=Status.QUEUED, attempt=0, next_attempt_at=now, reason="", valid_until=None)


def let_be(*, ids: Collection[Any]) -> int:
    """Takes mails that have not left, or whose fate is unknown, out of the queue for good; returns how many."""
    mails = OutgoingMail.objects.filter(pk__in=ids, kind__in=KINDS, status__in=[Status.QUEUED, Status.RETRY, Status.UNKNOWN])
    return mails.update(status=Status.ABORTED, reason="by_hand")
