"""The same wave in DuckDB, in a process of its own: who is due and what is decided, counted and not stored.

DuckDB is a development requirement; where it is not installed its column stays empty and a line says so.
Its history is that of before the first round, and the turn of a contact comes from a hash of its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from config.benchmarks.scratch import conninfo

_EXPORTS = {
    "contact": (
        "id BIGINT, account_id BIGINT, reachable BOOLEAN, opted_out BOOLEAN",
        "SELECT id, account_id, email <> '' AND bounced_at IS NULL AND NOT imported_unconfirmed, opted_out FROM accounts_contact ORDER BY id",
    ),
    "account": ("id BIGINT, churned_at TIMESTAMP", "SELECT id, churned_at AT TIME ZONE 'UTC' FROM accounts_account ORDER BY id"),
    "asked": (
        "contact_id BIGINT, account_id BIGINT, asked_at TIMESTAMP",
        "SELECT contact_id, account_id, greatest(not_before, sent_at) AT TIME ZONE 'UTC' FROM surveys_invitation WHERE status <> 'skipped' ORDER BY account_id, contact_id",
    ),
}
STATEMENT = """
WITH due AS (SELECT * FROM contact WHERE ('0x' || substr(md5($salt || ':' || id), 1, 7))::BIGINT % $every = $phase),
tired AS (SELECT DISTINCT contact_id FROM asked WHERE asked_at > $t - INTERVAL 90 DAY AND contact_id IN (SELECT id FROM due)),
recent AS (SELECT account_id, count(*) AS asks FROM asked WHERE asked_at > $t - INTERVAL 7 DAY AND account_id IN (SELECT account_id FROM due) GROUP BY account_id),
sizes AS (SELECT account_id, count(*) AS contacts FROM contact WHERE account_id IN (SELECT account_id FROM due) GROUP BY account_id),
known AS (SELECT d.id, d.account_id, CASE WHEN NOT reachable THEN 'unreachable' WHEN opted_out THEN 'no_consent' WHEN a.churned_at <= $t THEN 'account_churned'
    WHEN t.contact_id IS NOT NULL THEN 'fatigue_contact' ELSE '' END AS reason, coalesce(r.asks, 0) AS asks, s.contacts
    FROM due d JOIN account a ON a.id = d.account_id LEFT JOIN tired t ON t.contact_id = d.id LEFT JOIN recent r ON r.account_id = d.account_id
    JOIN sizes s ON s.account_id = d.account_id),
counted AS (SELECT *, asks + count(*) FILTER (WHERE reason = '') OVER (PARTITION BY account_id ORDER BY id) AS total FROM known)
SELECT count(*), count(*) FILTER (WHERE reason = '' AND total <= greatest(3, floor(0.2 * contacts))), max(id) FROM counted
"""


def installed() -> bool:
    """Whether DuckDB can be imported here."""
    return importlib.util.find_spec("duckdb") is not None


class PlanDuck:
    """A child process with its native file; `wave()` answers the seconds of the statement alone."""

    def __init__(self, folder: Path, values: Mapping[str, Any]):
        self._values = values
        with psycopg.connect(**conninfo()) as connection:
            for name, (_columns, query) in _EXPORTS.items():
                with (folder / f"{name}.csv").open("wb") as file, connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
                    for block in copy:
                        file.write(block)
        self._child = subprocess.Popen([sys.executable, "-m", "config.benchmarks.survey_plan_duck", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask({"load": True})

    @classmethod
    @contextlib.contextmanager
    def of(cls, values: Mapping[str, Any]) -> Iterator[PlanDuck]:
        """Starts it with the rows of the default database; ends it and drops its file."""
        with tempfile.TemporaryDirectory() as folder:
            base = cls(Path(folder), values)
            try:
                yield base
            finally:
                base.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._child.stdin and self._child.stdout  # noqa: PT018
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("DuckDB's process ended; its message is above")
        return json.loads(line)

    def wave(self, as_of: dt.datetime) -> float:
        """The wave of a morning."""
        every, day = self._values["every"], (as_of - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).days
        asked = {"salt": self._values["salt"], "every": every, "phase": day % every, "t": as_of.replace(tzinfo=None).isoformat()}
        return self._ask(asked)["seconds"]

    def close(self) -> None:
        """Ends the process."""
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait(timeout=60)


def serve(folder: Path) -> None:
    """The child: answers one question a line."""
    import duckdb

    base = duckdb.connect(str(folder / "plan.duckdb"), config={"threads": 2})
    for line in sys.stdin:
        question = json.loads(line)
        if "load" in question:
            for name, (columns, _query) in _EXPORTS.items():
                base.execute(f"CREATE TABLE {name} ({columns})")
                base.execute(f"COPY {name} FROM '{folder / name}.csv' (FORMAT csv)")
            answer: dict[str, Any] = {"loaded": True}
        else:
            question["t"] = dt.datetime.fromisoformat(question["t"])
            began = time.perf_counter()
            found = base.execute(STATEMENT, question).fetchone()
            answer = {"seconds": time.perf_counter() - began, "due": found[0] if found else 0}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
