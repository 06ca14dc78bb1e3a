"""Writing purchases and payments; what they mean for the customer's life is told as events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction as database

from accounts.actions.dirty import mark_dirty
from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.rows import assign, locked, save_changes
from accounts.models import Transaction, User
from accounts.models.events import Origin

Fields = Mapping[str, Any]
_BOUGHT = frozenset({Transaction.Kind.ORDER, Transaction.Kind.ONE_TIME})


def create_transaction(*, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP) -> Transaction:
    """A new transaction. Raises IntegrityError where the external id is taken."""
    with database.atomic():
        row = Transaction(**fields)
        row.save(force_insert=True)
        _tell(row, actor=actor, origin=origin)
        mark_dirty([row.account_id], reason="transaction")
    return row


def change_transaction(*, transaction_id: int, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> Transaction:
    """Changes what differs. Raises DoesNotExist, StaleVersion."""
    with database.atomic():
        row = locked(Transaction, actor=actor, version=version, pk=transaction_id)
        differing = assign(row, fields)
        if differing:
            save_changes(row, differing, now=now)
            if "status" in differing:
                _tell(row, actor=actor, origin=origin, recovered=differing["status"][0] == Transaction.Status.FAILED, occurred_at=now)
            mark_dirty([row.account_id], reason="transaction")
    return row


def _tell(row: Transaction, *, actor: User | None, origin: str, recovered: bool = False, occurred_at: dt.datetime | None = None) -> None:
    """A failure, a purchase, or a payment that makes good an earlier failure (of the same invoice, or of itself)."""
    money: dict[str, Any] = {"transaction": row.pk, "amount": f"{row.amount:f}", "currency": row.currency}
    kind = None
    if row.status == Transaction.Status.FAILED:
        kind = "payment.failed"
        optional = {"invoice": row.invoice or None, "attempt": row.attempt, "failure_code": row.failure_code or None}
        # who does not say that the card is refused for good has not said so: playbooks ask for either
        money |= {name: value for name, value in optional.items() if value is not None} | {"hard_decline": bool(row.hard_decline)}
    elif row.status == Transaction.Status.SUCCEEDED:
        if not recovered and row.invoice:
            failed = Transaction.objects.filter(account_id=row.account_id, invoice=row.invoice, status=Transaction.Status.FAILED, occurred_at__lte=row.occurred_at)
            recovered = failed.exclude(pk=row.pk).exists()
        if recovered:
            kind = "payment.recovered"
            money |= {"invoice": row.invoice} if row.invoice else {}
        elif row.kind in _BOUGHT:
            kind = "purchase.completed"
    if kind is None:
        return
    record_events(
        [
            NewEvent(
                account_id=row.account_id, kind=kind, occurred_at=occurred_at or row.occurred_at, origin=origin, actor_id=actor.pk if actor else None,
                subject_type="transaction", subject_id=str(row.pk), payload=money, dedupe_key=f"transaction:{row.pk}:{row.version}",
            )
        ]
    )  # fmt: skip
