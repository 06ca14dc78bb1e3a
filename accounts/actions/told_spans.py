"""Spans of one subscription as another system tells them: all of them at once, so that the order of its news does not matter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.actions.dirty import mark_dirty
from accounts.actions.rows import Taken, assign, save_changes
from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.models import Subscription

_TERMS = ("amount", "quantity", "currency", "interval", "interval_count", "discount_percent")


@dataclass
class ToldSpan:
    """A span as it should be. `group` parts the items of a subscription; the first group is the subscription's own id."""

    external_id: str
    group: str
    start: dt.datetime
    end: dt.datetime | None
    fields: dict[str, Any]


def put_told_spans(
    *, account_id: int, subscription: str, spans: Sequence[ToldSpan], first_told: dt.datetime, made: Collection[str], now: dt.datetime
) -> list[Subscription]:  # fmt: skip
    """Makes the spans of a subscription those that are told; returns them in the order given. Tells no events.

    `made` are the ids of spans that the teller made before. Other spans (an import's) that begin before `first_told`,
    the first that is known from the teller, stay: what goes on under the same terms is one span, else theirs ends
    where ours begins. Raises Taken for an id of another account, ValidationError.
    """
    with transaction.atomic():
        of_it = Q(subscription=subscription) | Q(subscription__startswith=f"{subscription}/")
        rows = {row.external_id: row for row in Subscription.objects.select_for_update().filter(of_it, account_id=account_id).order_by("pk")}
        if Subscription.objects.filter(external_id__in=[span.external_id for span in spans]).exclude(account_id=account_id).exists():
            raise Taken(subscription)
        before = [row for row in rows.values() if row.external_id not in made and row.subscription == subscription and row.start < first_told]
        kept = _joined(before, [span for span in spans if span.group == subscription], first_told)
        wanted = {span.external_id for span in spans}
        for row in [row for row in rows.values() if row.external_id not in wanted | kept]:
            row.delete()
            del rows[row.external_id]
        stored = _written(account_id, spans, rows, now)
        if stored.changed:
            rebuild_ledger(account_ids=[account_id])
            mark_dirty([account_id], reason="subscription")
    return stored.rows


def _joined(before: list[Subscription], spans: list[ToldSpan], first_told: dt.datetime) -> set[str]:
    """Fits the first told span to the last of the spans that were there before; returns the ids of those that stay."""
    if not before or not spans:
        return {row.external_id for row in before}
    last, first = max(before, key=lambda row: (row.start, row.pk)), spans[0]
    if last.end is not None and last.end <= first_told:
        first.start = max(first.start, last.end)
    elif all(getattr(last, name) == first.fields[name] for name in _TERMS):
        first.external_id, first.start = last.external_id, last.start
    else:
        last.end = first.start = first_told
        last.save(update_fields=["end"])
    taken = {row.external_id for row in before if row is not last or first.external_id != last.external_id}
    if first.external_id in taken:
        first.external_id = f"{first.external_id}@{int(first.start.timestamp())}"
    return {row.external_id for row in before}


@dataclass
class _Stored:
    rows: list[Subscription]
    changed: bool


def _written(account_id: int, spans: Sequence[ToldSpan], rows: dict[str, Subscription], now: dt.datetime) -> _Stored:
    """Saves what differs. Spans that move are emptied first, so that none meets another on its way."""
    found, moving, new = [], [], []
    for span in spans:
        values = {**span.fields, "start": span.start, "end": span.end, "subscription": span.group}
        row = rows.get(span.external_id)
        if row is None:
            row = Subscription(external_id=span.external_id, account_id=account_id, **values)
            new.append(row)
        else:
            was = row.start
            if differing := assign(row, values):
                moving.append((row, differing, was))
        row.clean()
        found.append(row)
    for row, _differing, was in moving:
        Subscription.objects.filter(pk=row.pk).update(end=was)
    for row, differing, _was in moving:
        save_changes(row, {**differing, "end": None}, now=now)
    for row in new:
        row.save(force_insert=True)
    return _Stored(found, bool(moving or new))
