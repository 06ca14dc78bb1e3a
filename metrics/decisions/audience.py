"""Whom an initiative is for: the accounts that its filters name."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Account, SegmentMembership
from metrics.models import Initiative


def narrows(initiative: Initiative) -> bool:
    """Whether it is for some accounts only."""
    return bool(initiative.segment_id or initiative.plan or initiative.country or initiative.tag)


def audience(initiative: Initiative, *, start: dt.datetime, now: dt.datetime) -> QuerySet[Account]:
    """The accounts it is for: by the segment they were in when it began, by plan, country and tags of today.

    One that has not begun takes the segment of today. Accounts that are left out of figures are not among them.
    """
    found: Any = Account.objects.filter(excluded=False)
    if initiative.segment_id and start < now:
        held = SegmentMembership.objects.filter(account=OuterRef("pk"), segment=initiative.segment_id, valid_from__lte=start)
        found = found.filter(Exists(held.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=start))))
    elif initiative.segment_id:
        found = found.filter(segment=initiative.segment_id)
    if initiative.plan:
        found = found.filter(plan=initiative.plan)
    if initiative.country:
        found = found.filter(country=initiative.country)
    if initiative.tag:
        found = found.filter(tags__contains=[initiative.tag])
    return found


def audience_words(row: Initiative) -> list[str]:
    """The filters of its audience in words; none is everybody."""
    told = [wording.segment_name(row.segment)] if row.segment else []
    told += [_("plan %(plan)s") % {"plan": row.plan}] if row.plan else []
    told += [wording.country_name(row.country)] if row.country else []
    return told + ([_("tag %(tag)s") % {"tag": row.tag}] if row.tag else [])
