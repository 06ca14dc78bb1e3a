"""Who is in a segment and who holds whom there: members, standing overrides, how far a sweep is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Account, Segment, SegmentMembership, User
from metrics.models import SegmentRange
from metrics.segments.reading import segment_rules

MEMBERS = 25
PAGE = 50


def members(user: User, segment: Segment) -> list[Account]:
    """The largest accounts of a segment that the user may see."""
    rows = Account.objects.visible_to(user).filter(segment=segment).select_related("snapshot", "owner", "lifecycle_stage")
    return list(rows.order_by("-snapshot__mrr_micros", "-pk")[:MEMBERS])


def overrides(user: User, *, now: dt.datetime, segment: Segment | None = None) -> QuerySet[SegmentMembership]:
    """Overrides that stand at this moment, of accounts the user may see, the latest first."""
    rows = SegmentMembership.objects.visible_to(user).filter(is_override=True, valid_from__lte=now).exclude(valid_to__lte=now).exclude(override_until__lte=now)
    if segment is not None:
        rows = rows.filter(segment=segment)
    return rows.select_related("account", "segment", "set_by").order_by("-pk")


def history_of(account: Account, *, most: int = 12) -> list[SegmentMembership]:
    """The latest stretches of an account."""
    return list(SegmentMembership.objects.filter(account=account).select_related("segment", "set_by").order_by("-valid_from", "-pk")[:most])


def stretch_of(account: Account, *, now: dt.datetime) -> SegmentMembership | None:
    """The stretch an account is in at this moment."""
    rows = SegmentMembership.objects.filter(account=account, valid_from__lte=now).exclude(valid_to__lte=now)
    return rows.select_related("segment", "set_by").order_by("-valid_from").first()


@dataclass(frozen=True)
class Progress:
    """How far everybody is placed by the rules as they are: accounts looked at of all, those who moved; `waits`: a change was not begun on yet."""

    done: int
    total: int
    moved: int
    waits: bool

    @property
    def under_way(self) -> bool:
        """Whether somebody may still stand where an earlier rule put him."""
        return self.waits or self.done < self.total


def progress() -> Progress:
    """How far the latest sweep over everybody is, counted in ranges."""
    found: dict[str, Any] = SegmentRange.objects.aggregate(done=Count("pk", filter=Q(done_at__isnull=False)), total=Count("pk"), moved=Sum("moved"))
    latest = SegmentRange.objects.values_list("rules_digest", flat=True).first()
    return Progress(found["done"], found["total"], found["moved"] or 0, latest != segment_rules().digest and (latest is not None or Account.objects.exists()))
