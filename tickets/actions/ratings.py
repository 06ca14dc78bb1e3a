"""Ratings of tickets, kept from what surveys tell by event; the two apps never meet otherwise."""

from __future__ import annotations

import datetime as dt

from django.db import connection

# The latest answer that speaks of a ticket wins. The payload carries the ticket's number, or its
# external id where the answer was imported. `rated_at` guards against an older answer read later.
_KEEP = """
WITH answers AS (
    SELECT DISTINCT ON (t.id) t.id, round((e.payload->>'score')::numeric)::int AS score, e.occurred_at
    FROM accounts_accountevent e
    JOIN tickets_ticket t ON t.account_id = e.account_id
        AND CASE jsonb_typeof(e.payload->'ticket') WHEN 'number' THEN t.id = (e.payload->>'ticket')::bigint
                                                  ELSE t.external_id = e.payload->>'ticket' OR t.id::text = e.payload->>'ticket' END
    WHERE e.kind = 'survey.answered' AND {window} AND e.recorded_at <= %(now)s
      AND e.payload->>'ticket' IS NOT NULL AND jsonb_typeof(e.payload->'score') = 'number'
      AND e.payload->>'survey_kind' = 'csat' AND coalesce(e.payload->>'is_suspect', 'false') <> 'true'
    ORDER BY t.id, e.occurred_at DESC, e.id DESC
), surviving AS (
    SELECT DISTINCT ON (coalesce(t.merged_into_id, t.id)) coalesce(t.merged_into_id, t.id) AS id, a.score, a.occurred_at
    FROM answers a JOIN tickets_ticket t USING (id)
    ORDER BY coalesce(t.merged_into_id, t.id), a.occurred_at DESC
)
UPDATE tickets_ticket t SET rating = s.score, rated_at = s.occurred_at, updated_at = %(now)s
FROM surviving s
WHERE s.id = t.id AND s.score BETWEEN 0 AND 32767
  AND (t.rated_at IS NULL OR t.rated_at < s.occurred_at OR (t.rated_at = s.occurred_at AND t.rating IS DISTINCT FROM s.score))
"""
_RECENT = "e.recorded_at > %(since)s"
_WIDE = "e.occurred_at > %(since)s"


def keep_ratings(*, since: dt.datetime, now: dt.datetime, wide: bool = False) -> int:
    """Takes over the answers recorded after `since` (or, wide, those that happened after it); returns how many tickets changed."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP.format(window=_WIDE if wide else _RECENT), {"since": since, "now": now})
        return cursor.rowcount
