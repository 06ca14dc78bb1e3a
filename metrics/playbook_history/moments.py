"""The moments of the past at which a trigger would have fired: one statement a kind of trigger.

Each statement yields (account_id, at) over [since, until). Facts alone are asked (the event log, the
history of segments, dates of accounts), so a moment is found whether it was imported or seen live.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from accounts.queries.playbook_candidates import Window, occasions

_TERM = "(CASE s.interval WHEN 'year' THEN 12 WHEN 'half_year' THEN 6 WHEN 'quarter' THEN 3 WHEN 'month' THEN 1 ELSE 0 END * s.interval_count)"
# A span renews at its planned end where the account went on, or at each anniversary of its start by its term (three months
# and longer, as the event of a renewal that comes near has it); the moment lies `days` from that day.
_RENEWALS = f"""
SELECT s.account_id, (r.at + make_interval(days => %(days)s)) AS at
FROM accounts_subscription s
CROSS JOIN LATERAL (
    SELECT s."end" AS at WHERE s."end" IS NOT NULL
    UNION ALL
    SELECT s.start + make_interval(months => turn * {_TERM}) FROM generate_series(1, 40) turn
    WHERE s."end" IS NULL AND {_TERM} >= 3 AND s.start + make_interval(months => turn * {_TERM}) < %(until)s + make_interval(days => 400)
) r
WHERE s.mrr_micros > 0 AND s.cancelled_at IS NULL AND r.at + make_interval(days => %(days)s) >= %(since)s AND r.at + make_interval(days => %(days)s) < %(until)s"""

_ENTERED = """
SELECT m.account_id, m.valid_from AS at
FROM accounts_segmentmembership m JOIN accounts_segment sg ON sg.id = m.segment_id
WHERE sg.key = %(segment)s AND m.valid_from >= %(since)s AND m.valid_from < %(until)s"""
_LEFT = """
SELECT m.account_id, m.valid_to AS at
FROM accounts_segmentmembership m JOIN accounts_segment sg ON sg.id = m.segment_id
WHERE sg.key = %(segment)s AND m.valid_to >= %(since)s AND m.valid_to < %(until)s"""
# The group stands in the event where the answer came to us; of an imported one it is worked out as `surveys.scoring.group` does
_ANSWERS = """
SELECT account_id, at FROM (
    SELECT e.account_id, e.occurred_at AS at, coalesce(e.payload->>'group', CASE
        WHEN e.payload->>'score' IS NULL THEN 'invalid'
        WHEN e.payload->>'survey_kind' = 'nps' THEN CASE WHEN (e.payload->>'score')::int >= 9 THEN 'promoter'
                                                            WHEN (e.payload->>'score')::int >= 7 THEN 'passive' ELSE 'detractor' END
        WHEN abs(p.twice) * 6 < p.width OR p.twice = 0 THEN 'middle' WHEN p.twice > 0 THEN 'high' ELSE 'low' END) AS "group"
    FROM accounts_accountevent e
    CROSS JOIN LATERAL (SELECT 2 * (e.payload->>'score')::int - (e.payload->>'scale_min')::int - (e.payload->>'scale_max')::int AS twice,
                               (e.payload->>'scale_max')::int - (e.payload->>'scale_min')::int AS width) p
    WHERE e.kind = 'survey.answered' AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
      AND (%(survey_kind)s = '' OR e.payload->>'survey_kind' = %(survey_kind)s) AND (%(survey)s = '' OR e.payload->>'survey' = %(survey)s)
      AND (e.payload->>'is_suspect') IS DISTINCT FROM 'true') answers
WHERE %(groups)s::text[] = '{}' OR "group" = ANY(%(groups)s::text[])"""
# Nobody seen for `days` days during a stay in the stage: the day of the last use (or of entering) has no day of use so soon after it.
_IDLE = """
SELECT account_id, (seen + %(days)s::int)::timestamp AT TIME ZONE %(zone)s AS at FROM (
    SELECT y.account_id, d.day AS seen, lead(d.day) OVER (PARTITION BY y.id ORDER BY d.day) AS next_seen, coalesce(y.valid_to, %(until)s) AS ends
    FROM accounts_stagestay y
    CROSS JOIN LATERAL (
        SELECT (y.valid_from AT TIME ZONE %(zone)s)::date AS day
        UNION
        SELECT u.day FROM accounts_usageday u WHERE u.account_id = y.account_id AND u.day > (y.valid_from AT TIME ZONE %(zone)s)::date
          AND u.day <= (coalesce(y.valid_to, %(until)s) AT TIME ZONE %(zone)s)::date AND u.day >= (%(since)s AT TIME ZONE %(zone)s)::date - %(days)s::int) d
    WHERE y.stage_id = %(stage)s AND (y.valid_to IS NULL OR y.valid_to >= %(since)s)) gaps
WHERE (next_seen IS NULL OR next_seen > seen + %(days)s::int)
  AND (seen + %(days)s::int)::timestamp AT TIME ZONE %(zone)s < ends AND (seen + %(days)s::int)::timestamp AT TIME ZONE %(zone)s >= %(since)s"""


class CannotTell(ValueError):
    """A trigger whose moments the past does not hold: one started by hand."""


def moments(trigger: Mapping[str, Any], *, since: dt.datetime, until: dt.datetime) -> tuple[str, dict[str, Any]]:
    """The statement of a trigger (as a checked plan has it) with all its parameters. Raises CannotTell.

    Events and dates are asked as the starts of runs ask them. What the starts take from the present (the segment, the
    renewal, the last sign of use) is taken from history here.
    """
    kind = trigger.get("kind")
    window: dict[str, Any] = {"since": since, "until": until, "zone": settings.ORGANISATION_TIME_ZONE}
    if kind == "manual":
        raise CannotTell
    if kind == "answer":
        return _ANSWERS, window | {"survey_kind": trigger["survey_kind"], "groups": [group for group in trigger["group"] if group], "survey": trigger.get("survey", "")}
    if kind == "segment":
        return (_LEFT if trigger["move"] == "leave" else _ENTERED), window | {"segment": trigger["segment"]}
    if kind == "stage" and trigger["idle_days"]:
        return _IDLE, window | {"stage": trigger["stage"], "days": trigger["idle_days"]}
    if kind == "date" and trigger["field"] == "renews_on":
        return _RENEWALS, window | {"days": trigger["days"]}
    return occasions(trigger, Window(since=since, until=until, imports=True))
