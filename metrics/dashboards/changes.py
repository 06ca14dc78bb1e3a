"""What changed in the period: the biggest moves of health, MRR and segment, each with its account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Abs, Cast

from accounts import wording
from accounts.models import AccountEvent, Segment, User
from accounts.roles import Role
from metrics.dashboards.base import narrowed
from metrics.dashboards.figures import sees_rows
from metrics.dashboards.moves import Moves, movements_question, moves
from metrics.filters import Filters

SHOWN = 6


@dataclass(frozen=True)
class HealthMove:
    """An account that entered another band."""

    account: int
    name: str
    at: dt.datetime
    before: int | None
    score: int
    band: str
    change: int


@dataclass(frozen=True)
class SegmentMove:
    """An account that changed its segment."""

    account: int
    name: str
    at: dt.datetime
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """What changed; rows are empty for readers of figures alone, the numbers are not."""

    fell: int
    recovered: int
    health: list[HealthMove]
    segments: list[SegmentMove]
    moved: int
    mrr: Moves
    rows: bool


def _events(user: User, chosen: Filters, kind: str) -> QuerySet[AccountEvent]:
    start, end = chosen.period.span
    rows = AccountEvent.objects.all() if user.role == Role.ANALYST else AccountEvent.objects.visible_to(user)
    return narrowed(rows.filter(kind=kind, occurred_at__gte=start, occurred_at__lt=min(end, chosen.now)), chosen)


def _number(name: str) -> Cast:
    return Cast(KeyTextTransform(name, "payload"), IntegerField())


def changes(user: User, chosen: Filters) -> Changes:
    """The changes of the period, the largest first; as many statements whatever there is."""
    health = _events(user, chosen, "health.band_changed")
    counted: dict[str, Any] = health.aggregate(
        fell=Count("pk", filter=Q(payload__band="at_risk")), recovered=Count("pk", filter=Q(payload__band_before="at_risk") & ~Q(payload__band="at_risk"))
    )
    segments = _events(user, chosen, "segment.changed")
    rows = sees_rows(user)
    largest = health.annotate(moved=Abs(_number("score") - _number("score_before"))).filter(moved__isnull=False).select_related("account").order_by("-moved", "-pk")
    return Changes(
        fell=counted["fell"], recovered=counted["recovered"],
        health=[_health(event) for event in largest[:SHOWN]] if rows else [],
        segments=_segments(segments) if rows else [],
        moved=segments.order_by().values("pk")[:1001].count(),
        mrr=moves(movements_question(user, chosen), most=SHOWN if rows else 0), rows=rows,
    )  # fmt: skip


def _health(event: AccountEvent) -> HealthMove:
    score, before = int(event.payload["score"]), event.payload.get("score_before")
    assert event.account is not None
    return HealthMove(event.account.pk, event.account.name, event.occurred_at, before, score, event.payload["band"], score - int(before or 0))


def _segments(events: QuerySet[AccountEvent]) -> list[SegmentMove]:
    names = {row.key: wording.segment_name(row) for row in Segment.objects.all()}
    found = []
    for event in events.select_related("account").order_by("-occurred_at", "-pk")[:SHOWN]:
        assert event.account is not None
        before, after = (event.payload.get(name) or "" for name in ("segment_before", "segment"))
        found.append(SegmentMove(event.account.pk, event.account.name, event.occurred_at, names.get(before, before), names.get(after, after)))
    return found
