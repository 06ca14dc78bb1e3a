"""What plans include: kept by what is used on them, unless somebody chooses it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Feature, User
from metrics.models import PlanFeature
from metrics.moments import WINDOW_DAYS

# by plan and feature: the first and the last day on which anybody used it who was on the plan at the end of that day
_USED = """
CREATE TEMPORARY TABLE used_on_plan ON COMMIT DROP AS
SELECT coalesce(pp.plan, a.plan) AS plan, d.feature_id, min(d.day) AS first, max(d.day) AS last
FROM accounts_usageday d JOIN accounts_feature f ON f.id = d.feature_id AND f.key <> '' JOIN accounts_account a ON a.id = d.account_id AND NOT a.excluded
LEFT JOIN accounts_pastplan pp ON pp.account_id = d.account_id AND pp.valid_to >= (d.day + 1)::timestamp AT TIME ZONE %(zone)s
    AND (pp.valid_from IS NULL OR pp.valid_from < (d.day + 1)::timestamp AT TIME ZONE %(zone)s)
WHERE d.count > 0 AND d.day >= %(since)s AND d.day < %(today)s GROUP BY 1, 2"""
_OPENED = """
INSERT INTO metrics_planfeature (plan, feature_id, by_hand, valid_from, valid_to)
SELECT u.plan, u.feature_id, false, CASE WHEN %(known)s THEN %(now)s ELSE (u.first + 1)::timestamp AT TIME ZONE %(zone)s END,
       CASE WHEN u.last < %(window)s THEN (u.last + 1 + %(days)s)::timestamp AT TIME ZONE %(zone)s END
FROM used_on_plan u
WHERE NOT EXISTS (SELECT 1 FROM metrics_planfeature p WHERE p.plan = u.plan AND p.feature_id = u.feature_id AND NOT p.by_hand AND p.valid_to IS NULL)
ORDER BY 1, 2"""
_CLOSED = """
UPDATE metrics_planfeature p SET valid_to = greatest(%(now)s, p.valid_from)
WHERE NOT p.by_hand AND p.valid_to IS NULL AND NOT EXISTS (SELECT 1 FROM used_on_plan u WHERE u.plan = p.plan AND u.feature_id = p.feature_id AND u.last >= %(window)s)"""


@transaction.atomic
def observe_plans(*, now: dt.datetime) -> int:
    """Notes which features were used on which plan in the last 28 days, the first time ever in all of history; returns the changes.

    A feature counts from the night that found it until the one after 28 days without; the first time from the day after it was
    first used, so that the past of a fresh import has adoption, too. Later nights never reach back: a day that was scored
    is scored the same when it is replayed. The plan of an account is the one it had on the day of use (`PastPlan`).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('vefa.plan_features'))")
        today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
        window = today - dt.timedelta(days=WINDOW_DAYS)
        known = PlanFeature.objects.filter(by_hand=False).exists()
        values: dict[str, Any] = {
            "today": today,
            "window": window,
            "since": window if known else dt.date(1900, 1, 1),
            "zone": settings.ORGANISATION_TIME_ZONE,
            "now": now,
            "days": WINDOW_DAYS,
            "known": known,
        }
        cursor.execute("DROP TABLE IF EXISTS pg_temp.used_on_plan")
        cursor.execute(_USED, values)
        cursor.execute(_CLOSED, values)
        changes = cursor.rowcount
        cursor.execute(_OPENED, values)
        return changes + cursor.rowcount


@transaction.atomic
def choose_features(*, plan: str, feature_ids: Iterable[int], actor: User, now: dt.datetime) -> None:
    """From now on the plan includes these features; none: those that are used on it. What it included before stays true of the past.

    Features that are not there, and use as a whole, are left out.
    """
    # a lock of its own: there may be no row yet that could be locked
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('vefa.plan_features'))")
    wanted = set(Feature.objects.filter(pk__in=list(feature_ids)).exclude(key="").values_list("pk", flat=True))
    chosen = PlanFeature.objects.filter(plan=plan, by_hand=True, valid_to__isnull=True)
    had = set(chosen.values_list("feature_id", flat=True))
    if had == wanted:
        return
    chosen.exclude(feature_id__in=wanted).update(valid_to=now)
    PlanFeature.objects.bulk_create(PlanFeature(plan=plan, feature_id=feature, by_hand=True, valid_from=now) for feature in sorted(wanted - had))
    LogEntry.objects.create(
        user_id=actor.pk, content_type=ContentType.objects.get_for_model(PlanFeature), object_id=plan[:200], object_repr=plan[:200] or "–", action_flag=CHANGE,
        change_message=_("%(count)s features chosen") % {"count": len(wanted)}, action_time=now,
    )  # fmt: skip
