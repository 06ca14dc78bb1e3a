"""What scores and snapshots are made from: the inputs of every account of a range or a list, at an instant.

Every input is the left limit at the instant `as_of`: what is dated exactly then has not happened.
"""

from __future__ import annotations

from metrics.sql.usage_facts import ADOPTION, OFFERED, PLAN_THEN, SEAT_USE, adopted_select, past_plans_select, people_select, seats_select

RANGE = "{} BETWEEN %(low)s AND %(high)s"
LISTED = "{} = ANY(%(ids)s::bigint[])"

_OPEN = "('new', 'open', 'pending', 'on_hold')"
_COUNTED_TICKET = "NOT t.spam AND NOT t.test AND t.deleted_at IS NULL AND t.merged_into_id IS NULL"
_COUNTED_ANSWER = "r.score IS NOT NULL AND NOT r.is_suspect AND r.respondent = 'contact' AND NOT r.test AND r.score BETWEEN r.scale_min AND r.scale_max"

# open at the instant: the columns tell for all but tickets reopened since, those ask the log
_OPEN_THEN = f"""CASE WHEN t.reopened_at >= %(as_of)s
        THEN coalesce((SELECT c.value IN {_OPEN} FROM tickets_ticketchange c
                       WHERE c.ticket_id = t.id AND c.kind IN ('status', 'created') AND c.value <> '' AND c.occurred_at < %(as_of)s
                       ORDER BY c.occurred_at DESC, c.id DESC LIMIT 1),
                      t.solved_at IS NULL OR t.solved_at >= %(as_of)s)
        WHEN t.status IN {_OPEN} THEN true
        ELSE coalesce(t.solved_at, t.closed_at) >= %(as_of)s END"""
_SEVERITY_THEN = """coalesce((SELECT nullif(c.value_before, '')::integer FROM tickets_ticketchange c
                       WHERE c.ticket_id = t.id AND c.kind = 'severity' AND c.occurred_at >= %(as_of)s
                       ORDER BY c.occurred_at, c.id LIMIT 1), t.severity)"""

# the amounts in force, by the conventions of recurring revenue in docs/metrics.md
IN_FORCE = """s.start < %(as_of)s AND (s."end" IS NULL OR s."end" >= %(as_of)s) AND s.mrr_micros <> 0
      AND NOT (s.status = 'trialing' AND s.trial_until IS NULL) AND (s.trial_until IS NULL OR s.trial_until < %(as_of)s)
      AND NOT (s.status = 'unpaid' AND s.unpaid_at IS NULL) AND (s.unpaid_at IS NULL OR s.unpaid_at >= %(as_of)s)
      AND NOT (s.status = 'paused' AND s.paused_from IS NULL)
      AND NOT (s.paused_from IS NOT NULL AND s.paused_from < %(as_of)s AND (s.paused_until IS NULL OR s.paused_until >= %(as_of)s))"""

# a planned end is the renewal; else terms of three months and more come round from the start, shorter ones roll on
_TERM = "(CASE s.interval WHEN 'year' THEN 12 WHEN 'half_year' THEN 6 WHEN 'quarter' THEN 3 WHEN 'month' THEN 1 ELSE 0 END * s.interval_count)"
_RENEWS = f"""CASE WHEN s."end" IS NOT NULL AND (s.cancelled_at < %(as_of)s OR (s.cancelled_at IS NULL AND s.end_reason = '' AND s."end" > s.created_at))
             THEN (s."end" AT TIME ZONE %(zone)s)::date
             WHEN {_TERM} >= 3 THEN (
                 SELECT CASE WHEN soon >= %(t_date)s::date THEN soon ELSE (begun + make_interval(months => (rounds + 1) * {_TERM}))::date END
                 FROM (SELECT begun, rounds, (begun + make_interval(months => rounds * {_TERM}))::date AS soon
                       FROM (SELECT begun, greatest(1, ((date_part('year', %(t_date)s::date) - date_part('year', begun)) * 12
                                    + date_part('month', %(t_date)s::date) - date_part('month', begun))::integer / {_TERM}) AS rounds
                             FROM (SELECT (s.start AT TIME ZONE %(zone)s)::date AS begun) b) c) d)
        END"""


def _tickets(scope: str, *, live: bool) -> str:
    """Open and severe tickets. Now, the state in the row is the state; for the past it is derived."""
    if live:
        return f"""SELECT t.account_id, count(*) AS open_tickets, count(*) FILTER (WHERE t.severity >= 3) AS severe_tickets
      FROM tickets_ticket t
      WHERE {scope.format("t.account_id")} AND t.status IN {_OPEN} AND t.opened_at < %(as_of)s AND {_COUNTED_TICKET}
      GROUP BY t.account_id"""
    return f"""SELECT account_id, count(*) AS open_tickets, count(*) FILTER (WHERE severity >= 3) AS severe_tickets
      FROM (SELECT t.account_id, {_SEVERITY_THEN} AS severity FROM tickets_ticket t
            WHERE {scope.format("t.account_id")} AND t.opened_at < %(as_of)s AND {_COUNTED_TICKET} AND {_OPEN_THEN}) open_then
      GROUP BY account_id"""


# inputs that cost a join or a sort of their own: left out where no model looks at them
COSTLY = frozenset({"active_days", "pulse", "adoption", "seat_use"})


def inputs_select(scope: str, *, live: bool, currencies: bool, segments: bool, costly: frozenset[str] = COSTLY) -> str:
    """All accounts of the scope with what their scores and snapshots are made from.

    `live`: nothing has happened after the instant. `currencies`: there are rates to convert by.
    `segments`: a model is for some segments only. `costly`: which of those inputs are looked at.
    """
    days = ", count(DISTINCT day) FILTER (WHERE day >= %(usage_split)s AND count > 0) AS active_days" if "active_days" in costly else ""
    more = ("u.active_days, " if days else "") + ("g.pulse, " if "pulse" in costly else "")
    joins = ""
    if "adoption" in costly:
        more += ADOPTION.format(uses="u.uses") + " AS adoption, "
        joins += f"LEFT JOIN ({adopted_select(scope)}) ad ON ad.account_id = a.id\n"
        joins += f"LEFT JOIN ({past_plans_select(scope)}) pp ON pp.account_id = a.id\nLEFT JOIN ({OFFERED}) pl ON pl.plan = {PLAN_THEN}\n"
    if "seat_use" in costly:
        more += SEAT_USE.format(uses="u.uses") + " AS seat_use, "
        joins += f"LEFT JOIN ({people_select(scope)}) ud ON ud.account_id = a.id\nLEFT JOIN ({seats_select(scope, IN_FORCE)}) st ON st.account_id = a.id\n"
    pulses = (
        f"""LEFT JOIN (
      SELECT DISTINCT ON (account_id) account_id, value AS pulse FROM metrics_pulse
      WHERE {scope.format("account_id")} AND given_at < %(as_of)s AND given_at >= %(recent)s
      ORDER BY account_id, given_at DESC, id DESC) g ON g.account_id = a.id"""
        if "pulse" in costly
        else ""
    )
    money = "CASE WHEN s.currency = %(currency)s THEN s.mrr_micros END"
    total = f"coalesce(sum({money}), 0)::bigint"
    rates = ""
    if currencies:
        total = f"(coalesce(sum({money}), 0) + coalesce(round(sum(CASE WHEN s.currency <> %(currency)s THEN s.mrr_micros * rate.rate END)), 0))::bigint"
        rates = "LEFT JOIN (SELECT * FROM unnest(%(rate_currencies)s::text[], %(rates)s::numeric[]) AS u(currency, rate)) rate ON rate.currency = s.currency"
    member = member_join = ""
    if segments:
        member = "m.segment_id,"
        member_join = f"""LEFT JOIN (SELECT account_id, segment_id FROM accounts_segmentmembership
      WHERE {scope.format("account_id")} AND valid_from < %(day_start)s AND (valid_to IS NULL OR valid_to >= %(day_start)s)) m ON m.account_id = a.id"""
    return f"""
SELECT a.id AS account_id, {member}
    NOT a.excluded AND (a.churned_at IS NULL OR a.churned_at >= %(as_of)s) AS may_score,
    CASE WHEN a.excluded THEN '{{}}'::jsonb WHEN a.churned_at < %(as_of)s THEN '{{"key": "churned", "values": {{}}}}'::jsonb
         ELSE '{{"key": "no_data", "values": {{}}}}'::jsonb END AS no_score_why,
    o.health AS health_was, o.band AS band_was, coalesce(o.scored_on <= %(day)s, true) AS writes_snapshot,
    (SELECT h.score FROM metrics_healthscore h WHERE h.account_id = a.id AND h.day = %(before_day)s) AS health_before,
    u.uses, u.uses_before, coalesce(u.seen_on, CASE WHEN o.last_seen_on < %(usage_from)s THEN o.last_seen_on END,
             CASE WHEN %(looks_far)s OR o.scored_on IS NULL THEN (
                 SELECT max(far.day) FROM accounts_usageday far
                 WHERE far.account_id = a.id AND far.day < %(usage_from)s AND far.day >= %(year_before)s AND far.count > 0) END) AS seen_on,
    n.nps, n.nps_at, c.csat_sum, coalesce(c.csat_count, 0)::integer AS csat_count, c.csat_at,
    coalesce(k.open_tickets, 0)::integer AS open_tickets, coalesce(k.severe_tickets, 0)::integer AS severe_tickets,
    coalesce(p.failed_payments, 0)::integer AS failed_payments,
    {more}coalesce(r.mrr_micros, 0) AS mrr_micros, r.renews_on, e.last_touch_at
FROM accounts_account a
JOIN accounts_accountsnapshot o ON o.account_id = a.id AND {scope.format("o.account_id")}
LEFT JOIN (
      SELECT account_id, sum(count) FILTER (WHERE day >= %(usage_split)s) AS uses, sum(count) FILTER (WHERE day < %(usage_split)s) AS uses_before,
             max(day) FILTER (WHERE count > 0) AS seen_on{days}
      FROM accounts_usageday WHERE {scope.format("account_id")} AND day >= %(usage_from)s AND day < %(t_date)s
      GROUP BY account_id) u ON u.account_id = a.id
LEFT JOIN (
      SELECT DISTINCT ON (r.account_id) r.account_id, r.score AS nps, r.answered_at AS nps_at
      FROM surveys_response r
      WHERE {scope.format("r.account_id")} AND r.kind = 'nps' AND r.answered_at < %(as_of)s AND {_COUNTED_ANSWER}
        AND r.scale_min = 0 AND r.scale_max = 10 AND r.direction = 'high_good'
      ORDER BY r.account_id, r.answered_at DESC, r.id DESC) n ON n.account_id = a.id
LEFT JOIN (
      SELECT r.account_id, count(*) AS csat_count, max(r.answered_at) AS csat_at,
             sum(100000 + (800000 * (CASE r.direction WHEN 'high_good' THEN r.score - r.scale_min ELSE r.scale_max - r.score END)
                           + r.scale_max - r.scale_min) / (2 * (r.scale_max - r.scale_min))) AS csat_sum
      FROM surveys_response r
      WHERE {scope.format("r.account_id")} AND r.kind = 'csat' AND r.answered_at < %(as_of)s AND r.answered_at >= %(recent)s AND {_COUNTED_ANSWER}
        AND r.scale_max > r.scale_min
      GROUP BY r.account_id) c ON c.account_id = a.id
LEFT JOIN (
      {_tickets(scope, live=live)}) k ON k.account_id = a.id
LEFT JOIN (
      SELECT account_id, count(*) AS failed_payments FROM accounts_transaction
      WHERE {scope.format("account_id")} AND status = 'failed' AND occurred_at >= %(recent)s AND occurred_at < %(as_of)s
      GROUP BY account_id) p ON p.account_id = a.id
LEFT JOIN (
      SELECT s.account_id, {total} AS mrr_micros, min({_RENEWS}) AS renews_on
      FROM accounts_subscription s {rates}
      WHERE {scope.format("s.account_id")} AND {IN_FORCE}
      GROUP BY s.account_id) r ON r.account_id = a.id
LEFT JOIN (
      SELECT account_id, max(occurred_at) AS last_touch_at FROM accounts_accountevent
      WHERE {scope.format("account_id")} AND kind = 'touch.logged' AND occurred_at < %(as_of)s
      GROUP BY account_id) e ON e.account_id = a.id
{pulses}
{joins}{member_join}
WHERE {scope.format("a.id")}"""
