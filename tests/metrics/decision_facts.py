"""Customers made for the tests of decisions: accounts in a segment that pay from one day to another."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import Account, AccountSnapshot, Segment, SegmentMembership, Subscription

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def at(year: int, month: int, day: int = 1, hour: int = 0) -> dt.datetime:
    """An instant in UTC."""
    return dt.datetime(year, month, day, hour, tzinfo=dt.UTC)


def pays(account: Account, amount: Any, start: dt.datetime, end: dt.datetime | None = None, **fields: Any) -> Subscription:
    """A monthly span; its MRR is the amount. The read model of the lists is told, too."""
    given = {"currency": "EUR", "interval": "month", "status": "cancelled" if end else "active", **fields}
    span = Subscription.objects.create(account=account, amount=amount, start=start, end=end, **given)
    if end is None:
        AccountSnapshot.objects.filter(account=account).update(mrr_micros=span.mrr_micros)
    return span


def customer(key: str, segment: str = "", *, owner: Any = None, plan: str = "", **fields: Any) -> Account:
    """An account that has always been in its segment."""
    found = Segment.objects.get(key=segment) if segment else None
    account = Account.objects.create(external_id=key, name=f"Customer {key}", owner=owner, plan=plan, segment=found, **fields)
    if found:
        SegmentMembership.objects.create(account=account, segment=found, valid_from=LONG_AGO)
    return account
