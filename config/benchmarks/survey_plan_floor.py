"""The wave by hand: one statement that finds who is due, decides by the same rules and stores a row each.

It knows what a hand would know of this wave: that its rule has no segments, conditions, sampling, delay
or cap, that nobody's holidays fall into the rounds, and that every ask it meets lies in the past. It
keeps no hash of addresses to look up, and leaves the zone out of the reasons it stores.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

# two contacts an account; one in fifty refused, one in a hundred bounced or has no address; three asks an account in the last
# 400 days, and one account in forty with three in the last week
HISTORY = (
    """INSERT INTO accounts_contact (external_id, account_id, email, name, name_sort, name_search, job_title, role, language, time_zone, country, opted_out, bounced_at,
           imported_unconfirmed, attributes, version, created_at, updated_at)
       SELECT 'c' || a.id || '-' || k, a.id, CASE WHEN a.id %% 100 = 7 AND k = 1 THEN '' ELSE 'c' || a.id || '-' || k || '@bench.test' END, '', '', '', '', '', 'en',
           (ARRAY['', 'Europe/Istanbul', 'Europe/Berlin', 'Europe/London'])[1 + (a.id + k) %% 4], '', a.id %% 50 = 3, CASE WHEN a.id %% 100 = 9 THEN %(start)s::timestamptz END,
           false, '{}', 1, %(start)s, %(start)s
       FROM accounts_account a CROSS JOIN generate_series(1, %(each)s) k""",
    """INSERT INTO surveys_invitation (id, survey_version_id, account_id, contact_id, wave, status, skip_reason, decision, rated_object, language, decided_at, not_before,
           valid_until, sent_at)
       SELECT gen_random_uuid(), %(version)s, c.account_id, c.id, 'history ' || k, 'sent', '', '{"rule": "eligible"}', '', 'en', t.at, t.at, t.at + interval '3 days', t.at
       FROM (SELECT id, account_id, row_number() OVER (PARTITION BY account_id ORDER BY id) AS place FROM accounts_contact) c CROSS JOIN generate_series(1, 3) k
       CROSS JOIN LATERAL (SELECT %(start)s::timestamptz - CASE WHEN c.account_id %% 40 = 0 THEN k * interval '30 hours'
           ELSE (10 + (c.id * 7919 + k * 104729) %% 390) * interval '1 day' END AS at) t
       WHERE (c.id + k) %% %(each)s = 0""",
)
_KEYS = (("touchpoint_id", "surveys_touchpoint"), ("survey_version_id", "surveys_surveyversion"), ("account_id", "accounts_account"),
         ("contact_id", "accounts_contact"), ("event_id", "accounts_accountevent"))  # fmt: skip
TABLES = (
    "CREATE TABLE floor_invitation (LIKE surveys_invitation INCLUDING ALL)",
    "INSERT INTO floor_invitation SELECT * FROM surveys_invitation",
    *(f"ALTER TABLE floor_invitation ADD FOREIGN KEY ({column}) REFERENCES {table} (id) DEFERRABLE INITIALLY DEFERRED" for column, table in _KEYS),
)

_PHASE = "('x' || substr(md5(%(salt)s || ':' || c.id), 1, 7))::bit(28)::int %% %(every)s"
_TIRED = """SELECT max(greatest(i.not_before, i.sent_at)) FILTER (WHERE i.status <> 'skipped') AS at FROM {table} i
    WHERE i.contact_id = c.id AND i.status <> 'skipped' AND i.not_before > %(as_of)s - interval '120 days' AND greatest(i.not_before, i.sent_at) > %(as_of)s - interval '90 days'"""
DECIDED = f"""
WITH due AS MATERIALIZED (
    SELECT c.id, c.account_id, c.language, c.email, c.opted_out, c.bounced_at, c.imported_unconfirmed, c.time_zone FROM accounts_contact c
    WHERE {_PHASE} = %(phase)s
      AND NOT EXISTS (SELECT 1 FROM {{table}} i WHERE i.touchpoint_id = %(touchpoint)s AND i.contact_id = c.id AND i.event_id IS NULL AND i.wave = %(wave)s)
), known AS (
    SELECT c.id, c.account_id, coalesce(nullif(c.language, ''), nullif(a.language, ''), 'en') AS language, t.at AS asked, r.recent, r.contacts,
           CASE WHEN c.email = '' THEN 'no_address' WHEN c.bounced_at IS NOT NULL THEN 'suppressed' WHEN c.opted_out THEN 'no_consent' WHEN c.imported_unconfirmed THEN 'import'
                WHEN a.churned_at <= %(as_of)s THEN 'account_churned'
                WHEN (%(as_of)s AT TIME ZONE coalesce(nullif(c.time_zone, ''), nullif(a.time_zone, ''), 'UTC'))::time NOT BETWEEN '09:00' AND '17:59:59.999999' THEN 'quiet'
                WHEN t.at IS NOT NULL THEN 'fatigue_contact' ELSE '' END AS reason
    FROM due c JOIN accounts_account a ON a.id = c.account_id
    LEFT JOIN LATERAL ({_TIRED}) t ON true
    CROSS JOIN LATERAL (SELECT
        (SELECT count(*) FROM {{table}} i WHERE i.account_id = c.account_id AND i.status <> 'skipped' AND i.not_before > %(as_of)s - interval '7 days') AS recent,
        (SELECT count(*) FROM accounts_contact o WHERE o.account_id = c.account_id) AS contacts) r
), counted AS (
    SELECT *, recent + count(*) FILTER (WHERE reason = '') OVER (PARTITION BY account_id ORDER BY id) AS asks, greatest(3, floor(0.2 * contacts)) AS allowed FROM known
), decided AS (
    SELECT *, CASE WHEN reason = '' AND asks > allowed THEN 'fatigue_account' ELSE reason END AS why FROM counted
)
"""
INSERT = (
    DECIDED.format(table="floor_invitation")
    + """
INSERT INTO floor_invitation (id, touchpoint_id, survey_version_id, account_id, contact_id, wave, status, skip_reason, decision, rated_object, language,
    decided_at, not_before, valid_until)
SELECT gen_random_uuid(), %(touchpoint)s, %(version)s, account_id, id, %(wave)s, CASE WHEN why = '' THEN 'planned' ELSE 'skipped' END, why,
    jsonb_build_object('rule', CASE WHEN why = '' THEN 'eligible' ELSE why END, 'as_of', %(as_of)s,
        'value', CASE why WHEN '' THEN to_jsonb(%(as_of)s) WHEN 'fatigue_contact' THEN to_jsonb(asked) WHEN 'fatigue_account' THEN to_jsonb(asks - 1) END,
        'limit', CASE why WHEN '' THEN to_jsonb(%(until)s) WHEN 'fatigue_contact' THEN '{"days": 30, "of": "any"}'
            WHEN 'fatigue_account' THEN jsonb_build_object('people', allowed) END),
    '', language, %(as_of)s, CASE WHEN why = '' THEN %(as_of)s END, %(until)s
FROM decided ORDER BY id ON CONFLICT DO NOTHING
"""
)
DIFFERING = """
SELECT count(*) FROM (SELECT contact_id, account_id, wave, status, skip_reason, language, not_before, valid_until FROM surveys_invitation
                      WHERE decided_at = %(as_of)s AND touchpoint_id = %(touchpoint)s) mine
FULL JOIN (SELECT contact_id, account_id, wave, status, skip_reason, language, not_before, valid_until FROM floor_invitation
           WHERE decided_at = %(as_of)s AND touchpoint_id = %(touchpoint)s) theirs USING (contact_id)
WHERE (mine.account_id, mine.wave, mine.status, mine.skip_reason, mine.language, mine.not_before, mine.valid_until) IS DISTINCT FROM
      (theirs.account_id, theirs.wave, theirs.status, theirs.skip_reason, theirs.language, theirs.not_before, theirs.valid_until)
"""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def values_of(as_of: dt.datetime, rest: Mapping[str, Any]) -> dict[str, Any]:
    """What the statement needs for the wave of this morning."""
    today, every = (as_of - _EPOCH).days, rest["every"]
    midnight = _EPOCH + dt.timedelta(days=today)
    return {**rest, "as_of": as_of, "until": midnight + dt.timedelta(hours=12), "phase": today % every, "wave": str(today // every)}
