"""The same wave in DuckDB: who is due and what is decided, counted and not stored.

Its history is that of before the first round, and the turn of a contact comes from a hash of its own.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

from config.benchmarks.duck_process import DuckProcess, serve

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


class PlanDuck(DuckProcess):
    """`wave()` answers the seconds of the statement alone."""

    module, tables = "config.benchmarks.survey_plan_duck", _EXPORTS

    def wave(self, as_of: dt.datetime, values: Mapping[str, Any]) -> float:
        """The wave of a morning."""
        every, day = values["every"], (as_of - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).days
        return self.ask({"salt": values["salt"], "every": every, "phase": day % every, "t": as_of.replace(tzinfo=None).isoformat()})["seconds"]


def _answer(base: Any, question: dict[str, Any]) -> dict[str, Any]:
    question["t"] = dt.datetime.fromisoformat(question["t"])
    began = time.perf_counter()
    found = base.execute(STATEMENT, question).fetchone()
    return {"seconds": time.perf_counter() - began, "due": found[0] if found else 0}


if __name__ == "__main__":
    serve(_EXPORTS, _answer)
