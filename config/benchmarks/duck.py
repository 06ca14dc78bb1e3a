"""The same health in DuckDB.

It writes the history row with its parts into its own native file; it keeps no snapshot and no index,
and its facts lie in narrow tables without the columns that a live system needs.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from config.benchmarks.duck_process import DuckProcess, serve

_EXPORTS = {
    "account": ("id BIGINT, excluded BOOLEAN, churned_at TIMESTAMP", "SELECT id, excluded, churned_at AT TIME ZONE 'UTC' FROM accounts_account"),
    "usage": ("account_id BIGINT, day DATE, count INTEGER", "SELECT account_id, day, count FROM accounts_usageday ORDER BY day, account_id"),
    "answer": (
        "account_id BIGINT, kind VARCHAR, score INTEGER, answered_at TIMESTAMP",
        "SELECT account_id, kind, score, answered_at AT TIME ZONE 'UTC' FROM surveys_response WHERE NOT is_suspect AND NOT test AND respondent = 'contact'",
    ),
    "ticket": (
        "account_id BIGINT, status VARCHAR, severity INTEGER, opened_at TIMESTAMP",
        "SELECT account_id, status, severity, opened_at AT TIME ZONE 'UTC' FROM tickets_ticket WHERE NOT spam AND NOT test AND deleted_at IS NULL",
    ),
    "payment": ("account_id BIGINT, status VARCHAR, occurred_at TIMESTAMP", "SELECT account_id, status, occurred_at AT TIME ZONE 'UTC' FROM accounts_transaction"),
    "span": (
        'account_id BIGINT, start_at TIMESTAMP, end_at TIMESTAMP, "interval" VARCHAR',
        "SELECT account_id, start AT TIME ZONE 'UTC', \"end\" AT TIME ZONE 'UTC', interval FROM accounts_subscription WHERE status = 'active'",
    ),
}

STATEMENT = """
INSERT INTO history
WITH facts AS (
  SELECT a.id, coalesce(a.churned_at < $t OR a.excluded, false) AS gone,
    CASE WHEN u.before > 0 THEN (coalesce(u.after, 0) - u.before)::DOUBLE / u.before END AS r1,
    CASE WHEN n.latest >= $t - INTERVAL 8760 HOUR THEN n.score::DOUBLE END AS r2, c.total::DOUBLE / c.answers AS r3, coalesce(k.severe, 0)::DOUBLE AS r4,
    date_diff('day', $d, r.renews_on)::DOUBLE AS r5, coalesce(p.failed, 0)::DOUBLE AS r6, k.account_id IS NOT NULL OR p.account_id IS NOT NULL AS known
  FROM account a
  LEFT JOIN (SELECT account_id, sum(count) FILTER (WHERE day >= $d - 28) AS after, sum(count) FILTER (WHERE day < $d - 28) AS before FROM usage
             WHERE day >= $d - 56 AND day < $d GROUP BY account_id) u ON u.account_id = a.id
  LEFT JOIN (SELECT account_id, arg_max(score, answered_at) AS score, max(answered_at) AS latest FROM answer WHERE kind = 'nps' AND answered_at < $t GROUP BY account_id) n
    ON n.account_id = a.id
  LEFT JOIN (SELECT account_id, sum(score) AS total, count(*) AS answers FROM answer WHERE kind = 'csat' AND answered_at < $t AND answered_at >= $t - INTERVAL 90 DAY
             GROUP BY account_id) c ON c.account_id = a.id
  LEFT JOIN (SELECT account_id, count(*) FILTER (WHERE severity >= 3 AND status IN ('new', 'open', 'pending', 'on_hold')) AS severe FROM ticket WHERE opened_at < $t
             GROUP BY account_id) k ON k.account_id = a.id
  LEFT JOIN (SELECT account_id, count(*) FILTER (WHERE status = 'failed' AND occurred_at >= $t - INTERVAL 90 DAY) AS failed FROM payment WHERE occurred_at < $t
             GROUP BY account_id) p ON p.account_id = a.id
  LEFT JOIN (SELECT account_id, min(CASE WHEN "interval" = 'year' THEN
                 (start_at + to_years(greatest(1, datesub('year', start_at::DATE, $d - 1) + 1)::INTEGER))::DATE END) AS renews_on
             FROM span WHERE start_at < $t AND (end_at IS NULL OR end_at >= $t) GROUP BY account_id) r ON r.account_id = a.id),
pointed AS (
  SELECT *, floor(CASE WHEN r1 IS NOT NULL THEN least(greatest((r1 + 0.5::DOUBLE) / 0.6::DOUBLE, 0), 1) END * 10000 + 0.5)::INTEGER AS p1,
    floor(CASE WHEN r2 IS NOT NULL THEN least(greatest(r2 / 10, 0), 1) END * 10000 + 0.5)::INTEGER AS p2,
    floor(CASE WHEN r3 IS NOT NULL THEN least(greatest((r3 - 1) / 4, 0), 1) END * 10000 + 0.5)::INTEGER AS p3,
    floor(least(greatest((r4 - 3) / -3, 0), 1) * 10000 + 0.5)::INTEGER AS p4,
    floor(CASE WHEN r5 IS NOT NULL THEN least(greatest(r5 / 90, 0), 1) END * 10000 + 0.5)::INTEGER AS p5,
    floor(least(greatest((r6 - 2) / -2, 0), 1) * 10000 + 0.5)::INTEGER AS p6,
    CASE WHEN r1 IS NULL THEN 0 ELSE 30 END + CASE WHEN r2 IS NULL THEN 0 ELSE 20 END + CASE WHEN r3 IS NULL THEN 0 ELSE 15 END + 25 + CASE WHEN r5 IS NULL THEN 0 ELSE 10 END AS w
  FROM facts),
summed AS (
  SELECT *, (60 * coalesce(p1, 0) + w) // (2 * w) AS c1, (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + w) // (2 * w) AS c2,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + w) // (2 * w) AS c3,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + 30 * p4 + w) // (2 * w) AS c4,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + 30 * p4 + 20 * coalesce(p5, 0) + w) // (2 * w) AS c5,
    (60 * coalesce(p1, 0) + 40 * coalesce(p2, 0) + 30 * coalesce(p3, 0) + 30 * p4 + 20 * coalesce(p5, 0) + 20 * p6 + w) // (2 * w) AS c6
  FROM pointed WHERE NOT gone AND (r1 IS NOT NULL OR r2 IS NOT NULL OR r3 IS NOT NULL OR r4 > 0 OR r5 IS NOT NULL OR r6 > 0 OR known))
SELECT id, $day, c6, CASE WHEN c6 >= 7500 THEN 'healthy' WHEN c6 >= 5000 THEN 'watch' ELSE 'at_risk' END, w, [r1, r2, r3, r4, r5, r6],
  [CASE WHEN p1 IS NOT NULL THEN c1 END, CASE WHEN p2 IS NOT NULL THEN c2 - c1 END, CASE WHEN p3 IS NOT NULL THEN c3 - c2 END, c4 - c3,
   CASE WHEN p5 IS NOT NULL THEN c5 - c4 END, c6 - c5], $t
FROM summed
"""


class Duck(DuckProcess):
    """`night()` answers the seconds of the statement alone."""

    module, tables = "config.benchmarks.duck", _EXPORTS

    def night(self, as_of: dt.datetime) -> float:
        """Everybody, as of a midnight."""
        return self.ask({"as_of": as_of.replace(tzinfo=None).isoformat()})["seconds"]

    def checksum(self, as_of: dt.datetime) -> int:
        """The sum of the scores of that night."""
        return self.ask({"checksum": (as_of - dt.timedelta(days=1)).date().isoformat()})["sum"]


def _answer(base: Any, question: dict[str, Any]) -> dict[str, Any]:
    if "checksum" in question:
        found: Any = base.execute("SELECT coalesce(sum(score), 0) FROM history WHERE day = $1", [dt.date.fromisoformat(question["checksum"])]).fetchone()
        return {"sum": int(found[0])}
    as_of = dt.datetime.fromisoformat(question["as_of"])
    began = time.perf_counter()
    base.execute(STATEMENT, {"t": as_of, "d": as_of.date(), "day": (as_of - dt.timedelta(days=1)).date()})
    return {"seconds": time.perf_counter() - began}


_HISTORY = "CREATE TABLE history (id BIGINT, day DATE, score SMALLINT, band VARCHAR, confidence SMALLINT, raws DOUBLE[], parts SMALLINT[], as_of TIMESTAMP)"

if __name__ == "__main__":
    serve(_EXPORTS, _answer, then=_HISTORY)
