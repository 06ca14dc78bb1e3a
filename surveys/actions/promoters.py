"""Happy customers are asked to help: a promoter's answer becomes work, a reference or a public review."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from accounts.actions.work_items import open_work_item
from accounts.models import WorkItem
from accounts.models.snapshots import Band
from accounts.sentences import why
from surveys.decent_hours import zone_of
from surveys.models import Response
from surveys.working_time import working_hours_later

# a slip of the finger may be corrected first
WAIT = dt.timedelta(minutes=10)
LOOK_BACK = dt.timedelta(days=3)
# nobody is asked for a favour more often
REST = dt.timedelta(days=180)
HOURS = 45
BATCH = 200


def ask_promoters(*, now: dt.datetime) -> int:
    """Opens work for recent promoters (9 and 10) of accounts that are not at risk and not lost, once a person in 180 days; returns how many."""
    asked = WorkItem.objects.filter(account_id=OuterRef("account_id"), type=WorkItem.Type.ACTIVITY, reason=OuterRef("favour"), created_at__gt=now - REST)
    rows = (
        Response.objects.counted()
        .filter(kind="nps", score__gte=9, scale_max=10, answered_at__gt=now - LOOK_BACK, answered_at__lte=now - WAIT, contact__isnull=False, origin="app")
        .filter(account__churned_at=None, account__excluded=False)
        .exclude(account__snapshot__band=Band.AT_RISK)
        .annotate(favour=Concat(Value("promoter:"), Cast("contact_id", CharField())))
        .filter(~Exists(asked))
        .select_related("account", "survey")
        .order_by("answered_at", "id")[:BATCH]
    )
    opened = 0
    for row in rows:
        assert row.account is not None
        zone = zone_of(row.account.time_zone, settings.ORGANISATION_TIME_ZONE)
        _item, new = open_work_item(
            account_id=row.account.pk, type=WorkItem.Type.ACTIVITY, reason=f"promoter:{row.contact_id}", now=now, due_at=working_hours_later(now, HOURS, zone=zone),
            why=why("promoter", score=row.score, scale_max=row.scale_max, survey=row.survey.name), priority=WorkItem.Priority.LOW, contact_id=row.contact_id,
            source=WorkItem.Source.SURVEY, subject_type="response", subject_id=str(row.pk),
        )  # fmt: skip
        opened += new
    return opened
