"""Segments of the demo: most accounts go over to the rules, a few stay held by hand, and the past ninety days have sizes."""

from __future__ import annotations

import datetime as dt

from accounts.models import Account, Segment, SegmentMembership, User
from metrics.actions.segment_overrides import override_segment
from metrics.actions.segment_sweeps import sweep_everybody
from metrics.segments.sizes import rebuild_sizes

DAYS = 90
# every so many accounts stay where the imported file put them
HELD_EVERY = 20
# segment, reason, days until it ends (0: until it is taken back)
_BY_HAND = (
    ("vip", "Listed group, decides for four sister companies this year", 60),
    ("potential", "Tender for a second site is out, we are asked to quote", 45),
    ("core", "Agreed with the sponsor: one contact here until the merger is done", 0),
)


def place_demo(*, now: dt.datetime) -> int:
    """Hands accounts over to the rules and keeps sizes of the past days; returns how many moved."""
    standing = list(SegmentMembership.objects.filter(is_override=True, valid_to=None).order_by("account_id").values_list("pk", flat=True))
    handed = [pk for place, pk in enumerate(standing) if place % HELD_EVERY]
    SegmentMembership.objects.filter(pk__in=handed).update(override_until=now)
    moved = sweep_everybody(as_of=now, now=now)
    small = Account.objects.filter(segment__key="non_core", churned_at=None, owner__isnull=False).select_related("owner").order_by("-snapshot__mrr_micros", "pk")
    lead = User.objects.filter(role="manager").order_by("pk").first()
    for account, (key, reason, days) in zip(small, _BY_HAND, strict=False):
        author = lead or account.owner
        if author is None:
            continue
        until = now + dt.timedelta(days=days) if days else None
        override_segment(account_id=account.pk, segment=Segment.objects.get(key=key), reason=reason, until=until, author=author, now=now)
    for back in range(1, DAYS):
        rebuild_sizes(day=now.date() - dt.timedelta(days=back))
    return moved
