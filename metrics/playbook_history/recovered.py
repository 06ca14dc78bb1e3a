"""What came of a playbook's runs in money: payments made good, customers who stayed or came back, and the MRR they pay today.

What counts as success follows from the trigger of the published version; other triggers have none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

# how long after a run began a success is still its own
WITHIN_DAYS = 90
REACH_DAYS = 365
# kinds of trigger (an event's kind, or a date's field) -> the word of the success, the events that are one ("": nothing bad came)
_GOALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "payment.failed": ("recovered", ("payment.recovered",)),
    "subscription.cancelled": ("saved", ()),
    "churned_at": ("won_back", ("account.reactivated", "subscription.started")),
    "account.churned": ("won_back", ("account.reactivated", "subscription.started")),
    "renews_on": ("renewed", ()),
    "subscription.renewal_due": ("renewed", ()),
}
_GONE = ("account.churned", "subscription.ended")


@dataclass(frozen=True)
class Recovered:
    """Accounts a playbook worked on in a year whose time is up or who reached the goal; `mrr_micros` is what these pay today, in the reporting currency."""

    goal: str
    accounts: int
    reached: int
    mrr_micros: int


_STATEMENT = """
WITH firsts AS (
    SELECT r.account_id, min(r.started_at) AS began
    FROM accounts_playbookrun r JOIN accounts_account a ON a.id = r.account_id
    WHERE r.playbook_id = %(playbook)s AND r.status <> 'held_out' AND r.started_at >= %(since)s AND r.started_at <= %(now)s AND NOT a.excluded
      AND (%(whole)s OR a.id = ANY(%(scope)s))
    GROUP BY r.account_id),
judged AS (
    SELECT f.account_id, f.began <= %(settled)s AS settled,
           EXISTS (SELECT 1 FROM accounts_accountevent e WHERE e.account_id = f.account_id AND e.kind = ANY(%(good)s)
                   AND e.occurred_at > f.began AND e.occurred_at <= f.began + %(within)s) AS good,
           EXISTS (SELECT 1 FROM accounts_accountevent e WHERE e.account_id = f.account_id AND e.kind = ANY(%(gone)s)
                   AND e.occurred_at > f.began AND e.occurred_at <= f.began + %(within)s) AS gone
    FROM firsts f),
counted AS (SELECT j.account_id, settled, CASE WHEN %(by_event)s THEN good ELSE settled AND NOT gone END AS reached FROM judged j)
SELECT count(*) FILTER (WHERE settled OR reached), count(*) FILTER (WHERE reached), coalesce(sum(s.mrr_micros) FILTER (WHERE reached), 0)::bigint
FROM counted c JOIN accounts_accountsnapshot s ON s.account_id = c.account_id"""


def recovered(*, playbook_id: int, trigger: Mapping[str, Any], now: dt.datetime, scope: Sequence[int] | None) -> Recovered | None:
    """The success of a playbook in one statement; None where its trigger has none."""
    goal = _GOALS.get(str(trigger.get("event") or trigger.get("field") or ""))
    if goal is None:
        return None
    within = dt.timedelta(days=WITHIN_DAYS)
    values: dict[str, Any] = {
        "playbook": playbook_id, "now": now, "since": now - dt.timedelta(days=REACH_DAYS), "settled": now - within, "within": within, "whole": scope is None,
        "scope": list(scope) if scope is not None else [], "good": list(goal[1]), "gone": list(_GONE), "by_event": bool(goal[1]),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, values)
        accounts, reached, mrr_micros = cursor.fetchone()
    return Recovered(goal[0], accounts, reached, mrr_micros)
