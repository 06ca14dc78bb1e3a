"""Health by hand: the shipped model written out as one statement, a history row with its parts, a snapshot where it changed.

What somebody would write who knows the one model, has one currency and no events to tell. It is run
the way that measured best: account ranges in index order, two connections, a commit a range.
"""

from __future__ import annotations

import datetime as dt
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from config.benchmarks.scratch import conninfo

TABLES = """
CREATE TABLE floor_history (account_id bigint NOT NULL, day date NOT NULL, model_id bigint NOT NULL, score smallint NOT NULL, band varchar(8) NOT NULL,
    confidence smallint NOT NULL, raws double precision[] NOT NULL, contributions smallint[] NOT NULL, computed_at timestamptz NOT NULL, PRIMARY KEY (account_id, day));
CREATE TABLE floor_snapshot (LIKE accounts_accountsnapshot INCLUDING ALL);
ALTER TABLE floor_snapshot SET (fillfactor = 70), ADD FOREIGN KEY (account_id) REFERENCES accounts_account, ADD FOREIGN KEY (owner_id) REFERENCES accounts_user,
    ADD FOREIGN KEY (segment_id) REFERENCES accounts_segment;
INSERT INTO floor_snapshot SELECT * FROM accounts_accountsnapshot;
"""

STATEMENT = """
WITH facts AS (
  SELECT a.id, (a.churned_at < %(t)s OR a.excluded) IS TRUE AS out,
    CASE WHEN u.before > 0 THEN (coalesce(u.after, 0) - u.before)::float8 / u.before::float8 END AS r1,
    CASE WHEN n.answered_at >= %(t)s::timestamptz - interval '8760 hours' THEN n.score::float8 END AS r2,
    c.total::float8 / c.answers::float8 AS r3, coalesce(k.severe, 0)::float8 AS r4, (r.renews_on - %(d)s::date)::float8 AS r5, coalesce(p.failed, 0)::float8 AS r6,
    h.score AS before, coalesce(r.mrr, 0) AS mrr, n.score AS nps, n.answered_at AS nps_at, round(c.total::numeric / c.answers, 2) AS csat_mean,
    coalesce(c.answers, 0) AS csat_count, coalesce(k.open, 0) AS open, u.seen, r.renews_on, e.touched,
    CASE WHEN u.before > 0 THEN least(round((coalesce(u.after, 0) - u.before)::numeric / u.before, 4), 9999) END AS trend, u.after
  FROM accounts_account a
  LEFT JOIN (SELECT account_id, sum(count) FILTER (WHERE day >= %(d)s::date - 28) AS after, sum(count) FILTER (WHERE day < %(d)s::date - 28) AS before, max(day) AS seen
             FROM accounts_usageday WHERE account_id BETWEEN %(low)s AND %(high)s AND day >= %(d)s::date - 56 AND day < %(d)s GROUP BY account_id) u ON u.account_id = a.id
  LEFT JOIN (SELECT DISTINCT ON (account_id) account_id, score, answered_at FROM surveys_response
             WHERE account_id BETWEEN %(low)s AND %(high)s AND kind = 'nps' AND answered_at < %(t)s AND score BETWEEN 0 AND 10 AND NOT is_suspect AND NOT test
               AND respondent = 'contact' AND scale_min = 0 AND scale_max = 10
             ORDER BY account_id, answered_at DESC) n ON n.account_id = a.id
  LEFT JOIN (SELECT account_id, sum(score) AS total, count(*) AS answers FROM surveys_response
             WHERE account_id BETWEEN %(low)s AND %(high)s AND kind = 'csat' AND answered_at < %(t)s AND answered_at >= %(t)s::timestamptz - interval '90 days'
               AND score BETWEEN 1 AND 5 AND NOT is_suspect AND NOT test AND respondent = 'contact' GROUP BY account_id) c ON c.account_id = a.id
  LEFT JOIN (SELECT account_id, count(*) AS open, count(*) FILTER (WHERE severity >= 3) AS severe FROM tickets_ticket
             WHERE account_id BETWEEN %(low)s AND %(high)s AND status IN ('new', 'open', 'pending', 'on_hold') AND opened_at < %(t)s AND NOT spam AND NOT test
               AND deleted_at IS NULL AND merged_into_id IS NULL GROUP BY account_id) k ON k.account_id = a.id
  LEFT JOIN (SELECT account_id, count(*) AS failed FROM accounts_transaction
             WHERE account_id BETWEEN %(low)s AND %(high)s AND status = 'failed' AND occurred_at >= %(t)s::timestamptz - interval '90 days' AND occurred_at < %(t)s
             GROUP BY account_id) p ON p.account_id = a.id
  LEFT JOIN (SELECT account_id, sum(mrr_micros)::bigint AS mrr, min(CASE WHEN interval = 'year' THEN
                 (start::date + make_interval(years => greatest(1, (extract(year FROM age(%(d)s::date - 1, start::date)))::integer + 1)))::date END) AS renews_on
             FROM accounts_subscription WHERE account_id BETWEEN %(low)s AND %(high)s AND start < %(t)s AND ("end" IS NULL OR "end" >= %(t)s) AND status = 'active'
             GROUP BY account_id) r ON r.account_id = a.id
  LEFT JOIN (SELECT account_id, max(occurred_at) AS touched FROM accounts_accountevent
             WHERE account_id BETWEEN %(low)s AND %(high)s AND kind = 'touch.logged' AND occurred_at < %(t)s GROUP BY account_id) e ON e.account_id = a.id
  LEFT JOIN floor_history h ON h.account_id = a.id AND h.day = %(day)s::date - 28 AND h.account_id BETWEEN %(low)s AND %(high)s
  WHERE a.id BETWEEN %(low)s AND %(high)s OFFSET 0),
pointed AS (
  SELECT *, CASE WHEN r1 IS NOT NULL THEN floor(least(greatest((r1 + 0.5) / (0.1::float8 - -0.5::float8), 0), 1) * 10000 + 0.5)::integer END AS p1,
    CASE WHEN r2 IS NOT NULL THEN floor(least(greatest(r2 / 10, 0), 1) * 10000 + 0.5)::integer END AS p2,
    CASE WHEN r3 IS NOT NULL THEN floor(least(greatest((r3 - 1) / 4, 0), 1) * 10000 + 0.5)::integer END AS p3,
    floor(least(greatest((r4 - 3) / -3, 0), 1) * 10000 + 0.5)::integer AS p4,
    CASE WHEN r5 IS NOT NULL THEN floor(least(greatest(r5 / 90, 0), 1) * 10000 + 0.5)::integer END AS p5,
    floor(least(greatest((r6 - 2) / -2, 0), 1) * 10000 + 0.5)::integer AS p6,
    CASE WHEN r1 IS NULL THEN 0 ELSE 30 END + CASE WHEN r2 IS NULL THEN 0 ELSE 20 END + CASE WHEN r3 IS NULL THEN 0 ELSE 15 END + 25
      + CASE WHEN r5 IS NULL THEN 0 ELSE 10 END AS w
  FROM facts OFFSET 0),
summed AS (
  SELECT *, (60 * coalesce(p1, 0) + w) / (2 * w) AS c1, (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + w) / (2 * w) AS c2,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + w) / (2 * w) AS c3,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + 30 * p4 + w) / (2 * w) AS c4,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + 30 * p4 + 20 * coalesce(p5, 0) + w) / (2 * w) AS c5,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + 30 * p4 + 20 * coalesce(p5, 0) + 20 * p6 + w) / (2 * w) AS c6,
    CASE WHEN r1 < 0 THEN 30 * (10000 - p1) END AS k1, 20 * (10000 - p2) AS k2, 15 * (10000 - p3) AS k3, CASE WHEN r4 > 0 THEN 15 * (10000 - p4) END AS k4,
    10 * (10000 - p5) AS k5, CASE WHEN r6 > 0 THEN 10 * (10000 - p6) END AS k6,
    NOT out AND (r1 IS NOT NULL OR r2 IS NOT NULL OR r3 IS NOT NULL OR r4 > 0 OR r5 IS NOT NULL OR r6 > 0
      OR CASE WHEN out THEN false ELSE
         (SELECT true FROM tickets_ticket t WHERE t.account_id = pointed.id AND t.opened_at < %(t)s AND NOT t.spam AND NOT t.test AND t.deleted_at IS NULL LIMIT 1) IS TRUE
         OR (SELECT true FROM accounts_transaction x WHERE x.account_id = pointed.id AND x.occurred_at < %(t)s LIMIT 1) IS TRUE END) AS counts
  FROM pointed OFFSET 0),
done AS MATERIALIZED (
  SELECT id, CASE WHEN counts THEN c6 END AS score, CASE WHEN NOT counts THEN '' WHEN c6 >= 7500 THEN 'healthy' WHEN c6 >= 5000 THEN 'watch' ELSE 'at_risk' END AS band,
    CASE WHEN counts THEN w END AS confidence, ARRAY[r1, r2, r3, r4, r5, r6] AS raws,
    ARRAY[CASE WHEN p1 IS NOT NULL THEN c1 END, CASE WHEN p2 IS NOT NULL THEN c2 - c1 END, CASE WHEN p3 IS NOT NULL THEN c3 - c2 END, c4 - c3,
          CASE WHEN p5 IS NOT NULL THEN c5 - c4 END, c6 - c5]::smallint[] AS contributions,
    before, mrr, CASE WHEN counts THEN (12 * mrr * (10000 - c6) + 5000) / 10000 ELSE 0 END AS stake, nps, nps_at, csat_mean, csat_count, open, r4::integer AS severe,
    r6::integer AS failed, trend, seen, touched, renews_on,
    CASE WHEN NOT counts THEN jsonb_build_object('key', 'no_data') WHEN coalesce(greatest(k1, k2, k3, k4, k5, k6), 0) < 200 * w THEN jsonb_build_object('key', 'all_well')
         WHEN greatest(k1, k2, k3, k4, k5, k6) = k1 THEN jsonb_build_object('key', 'usage_trend', 'values', jsonb_build_object('percent', round(-r1 * 100)::integer))
         WHEN greatest(k1, k2, k3, k4, k5, k6) = k2 THEN jsonb_build_object('key', 'last_nps', 'values', jsonb_build_object('score', r2::integer))
         WHEN greatest(k1, k2, k3, k4, k5, k6) = k3 THEN jsonb_build_object('key', 'csat_90d', 'values', jsonb_build_object('mean', round(r3::numeric, 1)))
         WHEN greatest(k1, k2, k3, k4, k5, k6) = k4 THEN jsonb_build_object('key', 'severe_tickets', 'values', jsonb_build_object('count', r4::integer))
         WHEN greatest(k1, k2, k3, k4, k5, k6) = k5 THEN jsonb_build_object('key', 'days_to_renewal', 'values', jsonb_build_object('days', r5::integer))
         ELSE jsonb_build_object('key', 'failed_payments', 'values', jsonb_build_object('count', r6::integer)) END AS why
  FROM summed),
kept AS (
  INSERT INTO floor_history SELECT id, %(day)s, %(model)s, score, band, confidence, raws, contributions, %(t)s FROM done WHERE score IS NOT NULL
  ON CONFLICT (account_id, day) DO UPDATE SET score = excluded.score, band = excluded.band, confidence = excluded.confidence, raws = excluded.raws,
    contributions = excluded.contributions, computed_at = excluded.computed_at)
UPDATE floor_snapshot s SET health = d.score, band = d.band, health_before = d.before, confidence = d.confidence, scored_on = %(day)s, mrr_micros = d.mrr,
  stake_micros = d.stake, nps = d.nps, nps_at = d.nps_at, csat_mean = d.csat_mean, csat_count = d.csat_count, open_tickets = d.open, severe_tickets = d.severe,
  failed_payments = d.failed, usage_trend = d.trend, last_seen_on = d.seen, last_touch_at = d.touched, renews_on = d.renews_on, why = d.why, updated_at = %(t)s
FROM done d WHERE s.account_id = d.id AND s.account_id BETWEEN %(low)s AND %(high)s
  AND (s.health, s.band, s.health_before, s.confidence, s.scored_on, s.mrr_micros, s.stake_micros, s.nps, s.nps_at, s.csat_mean, s.csat_count, s.open_tickets,
       s.severe_tickets, s.failed_payments, s.usage_trend, s.last_seen_on, s.last_touch_at, s.renews_on, s.why)
    IS DISTINCT FROM (d.score, d.band, d.before, d.confidence, %(day)s::date, d.mrr, d.stake, d.nps, d.nps_at, d.csat_mean, d.csat_count, d.open, d.severe, d.failed,
       d.trend, d.seen, d.touched, d.renews_on, d.why)
"""


class Floor:
    """Two open connections and the ranges; `night()` scores everybody as of a midnight."""

    def __init__(self, *, low: int, high: int, ranges: int, model_id: int):
        self._connections = [psycopg.connect(**conninfo(), cursor_factory=psycopg.ClientCursor) for _ in range(2)]
        edges = [low + (high - low + 1) * piece // ranges for piece in range(ranges + 1)]
        self._ranges = [(start, end - 1) for start, end in itertools.pairwise(edges)]
        self._model_id = model_id

    def night(self, as_of: dt.datetime) -> None:
        """Everybody, by two connections."""
        todo = iter(self._ranges)
        with ThreadPoolExecutor(2) as pool:
            for work in [pool.submit(self._work, each, todo, as_of) for each in self._connections]:
                work.result()

    def _work(self, connection: psycopg.Connection[Any], todo: Any, as_of: dt.datetime) -> None:
        for low, high in todo:
            self.one_range(connection, low, high, as_of)

    def one_range(self, connection: psycopg.Connection[Any], low: int, high: int, as_of: dt.datetime) -> None:
        """One transaction."""
        values = {"t": as_of, "d": as_of.date(), "day": (as_of - dt.timedelta(microseconds=1)).date(), "low": low, "high": high, "model": self._model_id}
        with connection.transaction():
            connection.execute("SET LOCAL enable_hashagg = off")
            connection.execute("SET LOCAL work_mem = '64MB'")
            connection.execute(STATEMENT, values)

    def listed(self, ids: list[int], as_of: dt.datetime) -> None:
        """The same statement over a list, which is what somebody would write for a few."""
        text = STATEMENT
        for column in ("account_id", "a.id", "h.account_id", "s.account_id"):
            text = text.replace(f" {column} BETWEEN %(low)s AND %(high)s", f" {column} = ANY(%(ids)s::bigint[])")
        values = {"t": as_of, "d": as_of.date(), "day": (as_of - dt.timedelta(microseconds=1)).date(), "ids": ids, "model": self._model_id}
        connection = self._connections[0]
        with connection.transaction():
            connection.execute("SET LOCAL work_mem = '64MB'")
            connection.execute(text, values)

    def close(self) -> None:
        """Gives the connections back."""
        for connection in self._connections:
            connection.close()
