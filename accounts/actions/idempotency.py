"""Answers kept for repeated requests: the same `Idempotency-Key` does its work once.

The work and the record of its answer are one transaction, under an advisory lock on the key: a
process that dies leaves neither, and a second request meets the lock, never half a record.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction

from accounts.models import ApiKey, IdempotentRequest

KEPT = dt.timedelta(hours=24)
_SWEPT_AT_ONCE = 20


class StillRunning(Exception):
    """A request with this key is being worked on."""


class OtherRequest(Exception):
    """The key was used for another request."""


@dataclass(frozen=True)
class Answer:
    """What a request was answered: status, the body as text, headers to repeat."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


def answer_once(*, owner: ApiKey, key: str, method_path: str, body: bytes, now: dt.datetime, work: Callable[[], Answer]) -> Answer:
    """Runs `work` and keeps its answer, or gives the kept one. What raises is not kept and may be tried again.

    Raises StillRunning, OtherRequest, and whatever `work` raises.
    """
    digest = hashlib.sha256(body).digest()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 20210511))", [f"{owner.pk}:{key}"])
            if not cursor.fetchone()[0]:
                raise StillRunning
        kept = IdempotentRequest.objects.filter(key_owner=owner, key=key).first()
        if kept is not None and kept.created_at <= now - KEPT:
            kept.delete()
            kept = None
        if kept is not None:
            if bytes(kept.body_sha256) != digest or kept.method_path != method_path:
                raise OtherRequest
            return Answer(kept.status or 200, kept.response["body"], kept.response["headers"], replayed=True)  # type: ignore[index]
        answer = work()
        IdempotentRequest.objects.create(
            key_owner=owner, key=key, method_path=method_path, body_sha256=digest, status=answer.status,
            response={"body": answer.body, "headers": answer.headers},
        )  # fmt: skip
        _sweep(now)
    return answer


def _sweep(now: dt.datetime) -> None:
    """Every new record takes a few outlived ones with it, so the table needs no task of its own."""
    old = IdempotentRequest.objects.filter(created_at__lte=now - KEPT).order_by("created_at", "pk").select_for_update(skip_locked=True)
    IdempotentRequest.objects.filter(pk__in=[row.pk for row in old.only("pk")[:_SWEPT_AT_ONCE]]).delete()
