"""Writing spans of subscriptions; starts, changes of terms, notices and ends are told as events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actions.dirty import mark_dirty
from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.rows import Taken, assign, insert_or_lock, locked, save_changes
from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.models import Subscription, User
from accounts.models.events import Origin
from accounts.money import from_micros

Fields = Mapping[str, Any]


def create_subscription(*, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP) -> Subscription:
    """A new span. Raises IntegrityError where the external id is taken or the span overlaps another of its group."""
    with transaction.atomic():
        span = Subscription(**fields)
        span.save(force_insert=True)
        _begun(span, actor=actor, now=now, origin=origin)
    return span


def change_subscription(*, span_id: int, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> Subscription:
    """Changes what differs. Raises DoesNotExist, StaleVersion, IntegrityError for an overlap."""
    with transaction.atomic():
        span = locked(Subscription, actor=actor, version=version, pk=span_id)
        _change(span, fields=fields, actor=actor, now=now, origin=origin)
    return span


def put_subscription(*, external_id: str, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> tuple[Subscription, bool]:
    """Creates the span or changes what differs; returns it and whether it is new.

    Raises Taken (also for a span of another account than the one named), StaleVersion, IntegrityError.
    """
    values = {name: value for name, value in fields.items() if name != "external_id"}
    with transaction.atomic():
        if Subscription.objects.filter(external_id=external_id).exists():
            span = locked(Subscription, actor=actor, version=version, external_id=external_id)
        else:
            span, new = insert_or_lock(Subscription(external_id=external_id, **values), actor=actor)
            if new:
                _begun(span, actor=actor, now=now, origin=origin)
                return span, True
        if values.pop("account", span.account) != span.account:
            raise Taken(external_id)
        _change(span, fields=values, actor=actor, now=now, origin=origin)
    return span, False


Fact = tuple[str, dt.datetime, dict[str, Any], str]


def _terms(span: Subscription) -> dict[str, Any]:
    return {"subscription": span.subscription, "product": span.product}


def _money(micros: int) -> str:
    return f"{from_micros(micros).normalize():f}"


def _begun(span: Subscription, *, actor: User | None, now: dt.datetime, origin: str) -> None:
    """A span that follows another of its group without a gap is a change of terms, any other a start."""
    facts: list[Fact] = []
    if span.start <= now and span.end != span.start:
        before = Subscription.objects.filter(account_id=span.account_id, subscription=span.subscription, end=span.start).exclude(pk=span.pk).exclude(start=span.start).first()
        terms = {**_terms(span), "mrr": _money(span.mrr_micros), "currency": span.currency}
        if before is None:
            facts.append(("subscription.started", span.start, terms, f"span:{span.pk}"))
        elif (before.mrr_micros, before.product, before.currency) != (span.mrr_micros, span.product, span.currency):
            facts.append(("subscription.changed", span.start, {**terms, "mrr_before": _money(before.mrr_micros)}, f"span:{span.pk}"))
    facts += _endings(span, {"cancelled_at", "end"}, now)
    _tell(span, facts, actor=actor, origin=origin)
    rebuild_ledger(account_ids=[span.account_id])
    mark_dirty([span.account_id], reason="subscription")


def _change(span: Subscription, *, fields: Fields, actor: User | None, now: dt.datetime, origin: str) -> None:
    mrr_before, product_before = span.mrr_micros, span.product
    differing = assign(span, fields)
    if not differing:
        return
    save_changes(span, differing, now=now)
    facts: list[Fact] = []
    if (span.mrr_micros, span.product) != (mrr_before, product_before):
        terms = {**_terms(span), "mrr_before": _money(mrr_before), "mrr": _money(span.mrr_micros), "currency": span.currency}
        facts.append(("subscription.changed", now, terms, f"span:{span.pk}:{span.version}"))
    facts += _endings(span, set(differing), now)
    _tell(span, facts, actor=actor, origin=origin)
    rebuild_ledger(account_ids=[span.account_id])
    mark_dirty([span.account_id], reason="subscription")


def _endings(span: Subscription, names: set[str], now: dt.datetime) -> list[Fact]:
    """Notice given, and an end that has come and is not followed by the next span of the group."""
    facts: list[Fact] = []
    why: dict[str, Any] = {**({"reason": span.end_reason} if span.end_reason else {}), **({"voluntary": span.voluntary} if span.voluntary is not None else {})}
    if "cancelled_at" in names and span.cancelled_at is not None and span.cancelled_at <= now:
        ends = {"ends_at": span.end.isoformat()} if span.end else {}
        facts.append(("subscription.cancelled", span.cancelled_at, {**_terms(span), **ends, **why}, f"span:{span.pk}:{span.cancelled_at.isoformat()}"))
    if "end" in names and span.end is not None and span.start < span.end <= now:
        followed = Subscription.objects.filter(account_id=span.account_id, subscription=span.subscription, start=span.end).exclude(pk=span.pk).exists()
        if not followed:
            facts.append(("subscription.ended", span.end, {**_terms(span), **why}, f"span:{span.pk}:{span.end.isoformat()}"))
    return facts


def _tell(span: Subscription, facts: list[Fact], *, actor: User | None, origin: str) -> None:
    record_events(
        NewEvent(
            account_id=span.account_id, kind=kind, occurred_at=instant, origin=origin, actor_id=actor.pk if actor else None,
            subject_type="subscription", subject_id=str(span.pk), payload=payload, dedupe_key=key,
        )
        for kind, instant, payload, key in facts
    )  # fmt: skip
