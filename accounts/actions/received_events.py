"""Lifecycle events as other systems send them: recorded all or none, each answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.models import AccountEvent


def receive_events(*, events: Sequence[NewEvent]) -> list[int | None]:
    """Records the events; returns for each its new id, or None where its dedupe key was known.

    An event without a key gets one of its own, by which its row is found again. Raises
    UnknownEventKind, WrongPayload (nothing is written then).
    """
    keyed = [event if event.dedupe_key else replace(event, dedupe_key=f"received:{uuid.uuid4()}") for event in events]
    # rows go in in one order, so that two requests with the same keys wait for each other, never in a ring
    with transaction.atomic():
        made = record_events(sorted(keyed, key=lambda event: (event.account_id, event.kind, event.dedupe_key or "")))
        rows = AccountEvent.objects.filter(pk__in=made).values_list("account_id", "kind", "dedupe_key", "pk")
    new = {(account, kind, key): pk for account, kind, key, pk in rows}
    # popped: the second of two equal ones in a request is a duplicate of the first
    return [new.pop((event.account_id, event.kind, event.dedupe_key), None) for event in keyed]
