"""Rows for the tests of the worklist."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts import sentences
from accounts.models import Account, AccountSnapshot, Segment, User, WorkItem

NOW = dt.datetime(2026, 11, 17, 9, 0, tzinfo=dt.UTC)


def item(account: Account, *, due: dt.datetime = NOW, stake: int = 0, reason: str = "r", owner: User | None = None, **fields: Any) -> WorkItem:
    """Open work for the account's owner unless said otherwise; `stake` in whole units, ranked by it where `rank` says nothing else."""
    values = {"type": "risk", "title": "Call them", "why": sentences.why("usage_trend", percent=34), **fields}
    rank = values.pop("rank", stake)
    made = WorkItem.objects.create(account=account, reason=reason, due_at=due, stake_micros=stake * 1_000_000, owner=owner or account.owner, **values)
    # the database ranks what is opened by the snapshot; tests of order say it themselves
    WorkItem.objects.filter(pk=made.pk).update(rank_micros=rank * 1_000_000)
    return made


def account(name: str, owner: User | None, *, segment: str = "", stake: int = 0, health: int | None = None, band: str = "") -> Account:
    """An account with its snapshot; `health` in whole points."""
    made = Account.objects.create(name=name, owner=owner, segment=Segment.objects.get(key=segment) if segment else None, currency="EUR")
    values = {"stake_micros": stake * 1_000_000, "health": health * 100 if health is not None else None, "band": band, "why": sentences.why("usage_trend", percent=34)}
    AccountSnapshot.objects.filter(account=made).update(**values)
    return made
