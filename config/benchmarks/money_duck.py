"""The same ledger, pair and cohorts in DuckDB, in a process of its own, from a narrow table of spans.

DuckDB is a development requirement; where it is not installed its column stays empty and a line says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from config.benchmarks.scratch import conninfo

_EXPORT = "SELECT account_id, start_at AT TIME ZONE 'UTC', end_at AT TIME ZONE 'UTC', mrr FROM book_span ORDER BY account_id, start_at"
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


def installed() -> bool:
    """Whether DuckDB can be imported here."""
    return importlib.util.find_spec("duckdb") is not None


class MoneyDuck:
    """A child process with its native file; `ask()` answers the seconds of the statement alone."""

    def __init__(self, folder: Path):
        with psycopg.connect(**conninfo()) as connection, (folder / "span.csv").open("wb") as file, connection.cursor().copy(f"COPY ({_EXPORT}) TO STDOUT (FORMAT csv)") as copy:
            for block in copy:
                file.write(block)
        self._child = subprocess.Popen([sys.executable, "-m", "config.benchmarks.money_duck", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._say({"load": True})

    @classmethod
    @contextlib.contextmanager
    def of(cls) -> Iterator[MoneyDuck]:
        """Starts it with the spans of the default database; ends it and drops its file."""
        with tempfile.TemporaryDirectory() as folder:
            base = cls(Path(folder))
            try:
                yield base
            finally:
                base.close()

    def _say(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._child.stdin and self._child.stdout  # noqa: PT018
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("DuckDB's process ended; its message is above")
        return json.loads(line)

    def ask(self, statement: str, **values: str) -> float:
        """Runs a statement; the seconds it took, fetching included."""
        return self._say({"statement": statement, "values": values})["seconds"]

    def close(self) -> None:
        """Ends the process."""
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait(timeout=60)


def serve(folder: Path) -> None:
    """The child: answers one question a line."""
    import duckdb

    base = duckdb.connect(str(folder / "money.duckdb"), config={"threads": 2})
    for line in sys.stdin:
        question = json.loads(line)
        if "load" in question:
            base.execute("CREATE TABLE span (account_id BIGINT, start_at TIMESTAMP, end_at TIMESTAMP, mrr BIGINT)")
            base.execute(f"COPY span FROM '{folder / 'span.csv'}' (FORMAT csv)")
            told: dict[str, Any] = {"loaded": True}
        else:
            began = time.perf_counter()
            rows = base.execute(STATEMENTS[question["statement"]], question["values"] or None).fetchall()
            told = {"seconds": time.perf_counter() - began, "rows": len(rows)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
