"""Generated customers, by SQL alone: the same for the same size. Facts end at the last night of the rounds."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

FIRST_NIGHT = dt.date(2026, 11, 1)

# per account: 1.37 spans, 2 tickets, 1 answer, 0.2 failed payments, 30 rows of use in 56 days (9 in 10 accounts use the
# product, four days in seven; one in nine of them loses four tenths of it), half an event; the shape of the figures in docs/performance.md
_STATEMENTS = (
    "SELECT setseed(0.42)",
    """INSERT INTO accounts_user (email, password, name, role, language, time_zone, theme, density, is_active, created_at)
       SELECT 'csm' || n || '@bench.test', '!', 'CSM ' || n, 'csm', 'en', 'UTC', '', '', true, %(start)s FROM generate_series(1, %(owners)s) n""",
    """INSERT INTO accounts_account (external_id, name, name_sort, name_search, domain, owner_id, business_model, segment_id, plan, industry, country,
           time_zone, language, currency, signed_up_at, churn_reason, churn_reason_detail, excluded, tags, attributes, version, created_at, updated_at)
       SELECT 'b' || n, 'Customer ' || n, 'customer ' || lpad(n::text, 9, '0'), 'customer ' || n, '', o.id[1 + n %% %(owners)s], 'subscription',
           s.id[1 + n %% 4], 'Pro', '', 'TR', '', 'en', 'EUR', %(start)s::timestamptz - interval '2 years', '', '', n %% 1000 = 0, '{}', '{}', 1, %(start)s, %(start)s
       FROM generate_series(1, %(accounts)s) n,
            (SELECT array_agg(id ORDER BY id) AS id FROM accounts_user WHERE email LIKE 'csm%%') o, (SELECT array_agg(id ORDER BY id) AS id FROM accounts_segment) s
       ORDER BY n""",
    """INSERT INTO accounts_subscription (external_id, account_id, subscription, start, "end", product, kind, quantity, amount, currency, interval, interval_count,
           discount_percent, discount_forever, status, end_reason, mrr_micros, mrr_forever_micros, version, created_at, updated_at)
       SELECT 'p' || a.id || '-' || k, a.id, 's' || a.id, %(start)s::timestamptz - (700 - 300 * k) * interval '1 day' - (a.id %% 90) * interval '1 day',
           CASE WHEN k = 1 AND a.id %% 100 < 37 THEN %(start)s::timestamptz - 100 * interval '1 day' - (a.id %% 90) * interval '1 day' END,
           'Pro', 'plan', 1, 600 + a.id %% 5000, 'EUR', CASE WHEN a.id %% 3 = 0 THEN 'month' ELSE 'year' END, 1, 0, false, 'active', '',
           (600 + a.id %% 5000) * 1000000 / (CASE WHEN a.id %% 3 = 0 THEN 1 ELSE 12 END), 0, 1, %(start)s, %(start)s
       FROM accounts_account a CROSS JOIN generate_series(1, 2) k WHERE k = 1 OR a.id %% 100 < 37""",
    "SELECT vefa_ensure_months('accounts_usageday', %(usage_from)s, %(usage_to)s)",
    "SELECT vefa_ensure_months('metrics_healthscore', %(usage_from)s, %(usage_to)s)",
    "INSERT INTO accounts_feature (key) VALUES ('') ON CONFLICT DO NOTHING",
    """INSERT INTO accounts_usageday (account_id, feature_id, day, count, users, seconds, errors)
       SELECT a.id, f.id, d.day, 1 + ((5 + a.id %% 40) * (0.9 + 0.2 * random()) * CASE WHEN d.place > 28 AND a.id %% 9 = 0 THEN 0.6 ELSE 1 END)::integer, 1, 60, 0
       FROM (SELECT %(usage_from)s::date + n AS day, n AS place FROM generate_series(0, %(usage_to)s::date - %(usage_from)s::date) n) d
       CROSS JOIN accounts_account a CROSS JOIN (SELECT id FROM accounts_feature WHERE key = '') f
       WHERE a.id %% 10 <> 0 AND (a.id + d.place) %% 7 < 4 ORDER BY d.day""",
    """INSERT INTO tickets_ticket (external_id, account_id, subject, subject_search, category, channel, severity, status, created_by_kind, assignee_email, "group",
           location, opened_at, solved_at, replies, resolutions, escalated, first_level_solvable, spam, test, tags, version, created_at, updated_at)
       SELECT 't' || n, 1 + floor(random() * %(accounts)s)::integer + (SELECT min(id) FROM accounts_account) - 1, 'Ticket', 'ticket', '', 'web',
           1 + n %% 4, CASE WHEN n %% 8 = 0 THEN 'open' ELSE 'solved' END, 'customer', '', '', '', t.at,
           CASE WHEN n %% 8 <> 0 THEN t.at + interval '30 hours' END, 2, 1, false, true, n %% 97 = 0, false, '{}', 1, t.at, t.at
       FROM (SELECT n, %(start)s::timestamptz - random() * interval '500 days' AS at FROM generate_series(1, 2 * %(accounts)s) n) t""",
    # as the shipped ones in all but the key, whatever columns a survey has
    """INSERT INTO surveys_survey SELECT (jsonb_populate_record(NULL::surveys_survey, to_jsonb(s)
           || jsonb_build_object('id', nextval(pg_get_serial_sequence('surveys_survey', 'id')), 'key', 'bench-' || s.key))).*
       FROM surveys_survey s WHERE s.key IN ('nps', 'csat')""",
    """INSERT INTO surveys_response (id, external_id, survey_id, kind, touchpoint_label, account_id, respondent_key, respondent, answered_at, bounced, score, scale_min,
           scale_max, direction, comment, reasons, reason_detail, call_me, language, rated_object, agent_email, state, test, is_suspect, automation_flags, origin,
           created_at, updated_at)
       SELECT gen_random_uuid(), 'r' || n, s.id, s.kind, '', 1 + floor(random() * %(accounts)s)::integer + (SELECT min(id) FROM accounts_account) - 1, '', 'contact',
           %(start)s::timestamptz - random() * interval '400 days', false, CASE WHEN s.kind = 'nps' THEN (random() * 10)::integer ELSE 1 + (random() * 4)::integer END,
           CASE WHEN s.kind = 'nps' THEN 0 ELSE 1 END, CASE WHEN s.kind = 'nps' THEN 10 ELSE 5 END, 'high_good', '', '{}', '', false, 'en', '', '', 'complete',
           false, n %% 50 = 0, '{}', 'import', %(start)s, %(start)s
       FROM generate_series(1, %(accounts)s) n JOIN surveys_survey s ON s.key = CASE WHEN n %% 2 = 0 THEN 'bench-nps' ELSE 'bench-csat' END""",
    """INSERT INTO accounts_transaction (external_id, account_id, occurred_at, amount, currency, kind, status, invoice, failure_code, version, created_at, updated_at)
       SELECT 'x' || n, 1 + floor(random() * %(accounts)s)::integer + (SELECT min(id) FROM accounts_account) - 1,
           %(start)s::timestamptz - random() * interval '360 days', 100, 'EUR', 'invoice', CASE WHEN n %% 5 = 0 THEN 'failed' ELSE 'succeeded' END, '', '', 1, %(start)s, %(start)s
       FROM generate_series(1, %(accounts)s) n""",
    """INSERT INTO accounts_accountevent (account_id, kind, occurred_at, origin, subject_type, subject_id, payload)
       SELECT 1 + floor(random() * %(accounts)s)::integer + (SELECT min(id) FROM accounts_account) - 1, CASE WHEN n %% 5 = 0 THEN 'touch.logged' ELSE 'note.added' END,
           %(start)s::timestamptz - random() * interval '360 days', 'import', '', '', '{}'
       FROM generate_series(1, %(accounts)s / 2) n""",
)
_TABLES = (
    "accounts_account", "accounts_accountsnapshot", "accounts_subscription", "accounts_usageday", "tickets_ticket", "surveys_response", "accounts_transaction",
    "accounts_accountevent", "metrics_healthscore",
)  # fmt: skip


def generate(*, accounts: int, nights: int) -> None:
    """Fills the default database (a scratch one) with customers; the usage reaches over so many nights."""
    start = dt.datetime.combine(FIRST_NIGHT, dt.time(), dt.UTC)
    values: dict[str, Any] = {
        "accounts": accounts, "owners": max(1, min(50, accounts // 200)), "start": start, "usage_from": FIRST_NIGHT - dt.timedelta(days=57),
        "usage_to": FIRST_NIGHT + dt.timedelta(days=nights),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for statement in _STATEMENTS:
            cursor.execute(statement, values)
        for table in _TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("SET synchronous_commit = on")
