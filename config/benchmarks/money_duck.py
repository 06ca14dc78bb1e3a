"""The same ledger, pair and cohorts in DuckDB, from a narrow table of spans."""

from __future__ import annotations

import time
from typing import Any

from config.benchmarks.duck_process import DuckProcess, serve

_EXPORTS = {
    "span": (
        "account_id BIGINT, start_at TIMESTAMP, end_at TIMESTAMP, mrr BIGINT",
        "SELECT account_id, start_at AT TIME ZONE 'UTC', end_at AT TIME ZONE 'UTC', mrr FROM book_span ORDER BY account_id, start_at",
    ),
}
_RUNNING = """
WITH change AS (
    SELECT account_id, year(start_at) * 12 + month(start_at) - 1 AS month, mrr FROM span
    UNION ALL SELECT account_id, year(end_at) * 12 + month(end_at) - 1, -mrr FROM span WHERE end_at IS NOT NULL),
monthly AS (SELECT account_id, month, sum(mrr)::BIGINT AS delta FROM change GROUP BY ALL),
running AS (
    SELECT account_id, month, delta, sum(delta) OVER w AS balance, min(month) OVER (PARTITION BY account_id) AS first
    FROM monthly WINDOW w AS (PARTITION BY account_id ORDER BY month))"""
STATEMENTS = {
    "ledger": f"""{_RUNNING}
        SELECT month, CASE WHEN balance = delta THEN CASE WHEN balance = 0 THEN '' WHEN month = first THEN 'new' ELSE 'reactivation' END
            WHEN balance = 0 THEN 'churned' WHEN delta > 0 THEN 'expansion' WHEN delta < 0 THEN 'contraction' ELSE '' END AS kind, sum(abs(delta)), count(*)
        FROM running GROUP BY ALL""",
    "pair": """
        WITH pair AS (SELECT account_id, sum(mrr) FILTER (WHERE start_at < $from AND (end_at IS NULL OR end_at >= $from)) AS was,
            sum(mrr) FILTER (WHERE start_at < $until AND (end_at IS NULL OR end_at >= $until)) AS now FROM span GROUP BY account_id)
        SELECT sum(now), sum(was) FROM pair WHERE was > 0""",
    "cohorts": f"""{_RUNNING}
        SELECT first, month, sum((balance > 0)::INTEGER - (balance > delta)::INTEGER), sum(delta) FROM running GROUP BY ALL""",
}


class MoneyDuck(DuckProcess):
    """`seconds()` answers those of a statement alone."""

    module, tables = "config.benchmarks.money_duck", _EXPORTS

    def seconds(self, statement: str, **values: str) -> float:
        """Runs a statement; the seconds it took, fetching included."""
        return self.ask({"statement": statement, "values": values})["seconds"]


def _answer(base: Any, question: dict[str, Any]) -> dict[str, Any]:
    began = time.perf_counter()
    rows = base.execute(STATEMENTS[question["statement"]], question["values"] or None).fetchall()
    return {"seconds": time.perf_counter() - began, "rows": len(rows)}


if __name__ == "__main__":
    serve(_EXPORTS, _answer)
