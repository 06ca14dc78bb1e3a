"""What was tried and what came of it: initiatives as they were measured, playbooks and work by who stayed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metrics.decisions.reader import Reader
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.question import add_months
from metrics.kpis.revenue import in_force, paying
from metrics.models import Initiative
from surveys.scoring import wilson_interval

# how long after work an account must still pay for it to have stayed
STAYED_DAYS = 90
MONTHS_BACK = 24
MOST_INITIATIVES = 200


@dataclass(frozen=True)
class Result:
    """An initiative that began: whom it was for, and what the last measure over the whole base says.

    `verdict`: better, worse (both more than chance), chance, or unknown. For a reader of part of the base it is
    unknown here: the initiative's own page measures within their accounts.
    """

    initiative: Initiative
    segment: str | None
    effect: Decimal | None
    is_total: bool
    verdict: str
    accounts: int


def results(reader: Reader) -> list[Result]:
    """Initiatives that are done, running or stopped and have begun, the latest first."""
    rows: Any = Initiative.objects.exclude(status=Initiative.Status.PLANNED).filter(starts_on__lte=reader.today).select_related("segment").order_by("-starts_on", "-pk")
    return [_result(row, whole=reader.scope is None) for row in rows[:MOST_INITIATIVES]]


def _result(row: Initiative, *, whole: bool) -> Result:
    kept = (row.measured or {}).get("effect") if whole else None
    effect = Decimal(kept["value"]) if kept else None
    return Result(
        row, row.segment.key if row.segment else None, effect, bool((row.measured or {}).get("total")), verdict_of(kept, row.direction) if kept else "unknown",
        int((row.measured or {}).get("accounts", 0)) if whole else 0,
    )  # fmt: skip


def verdict_of(kept: dict[str, Any], direction: str) -> str:
    """Whether a kept effect is better or worse than chance would have it."""
    if not kept["interval"]:
        return "unknown"
    low, high = (Decimal(edge) for edge in kept["interval"])
    if low <= 0 <= high:
        return "chance"
    return "better" if (low > 0) == (direction == Initiative.Direction.UP) else "worse"


@dataclass(frozen=True)
class Outcome:
    """A playbook, or work of one type, on the accounts of a segment: of those that paid when it was done, who still pays 90 days later."""

    segment: str | None
    playbook: str
    type: str
    times: int
    accounts: int
    settled: int
    stayed: int

    @property
    def share(self) -> Decimal | None:
        """Stayed / settled."""
        return Decimal(self.stayed) / self.settled if self.settled else None

    @property
    def interval(self) -> tuple[Decimal, Decimal] | None:
        """Wilson's 95 % interval of the share."""
        return wilson_interval(self.stayed, self.settled)


def outcomes(reader: Reader) -> list[Outcome]:
    """Playbooks started and work done within 24 months, by segment of that time; one statement.

    `settled` are those after which 90 days have passed, of accounts that paid then.
    """
    question = reader.question("mrr", filtered=False)
    params = question.params
    since = reader.day(add_months(reader.today, -MONTHS_BACK))
    conditions = Conditions({"since": since, "until": reader.now, "settled": reader.now - dt.timedelta(days=STAYED_DAYS), "days": STAYED_DAYS, "n": params["delinquency_days"]})
    narrow(question, conditions, (ACCOUNT_SQL,), "w.at")

    def pays(moment: str) -> str:
        state = f"{in_force(params)} AND {paying(params)}".replace("%(t)s", moment)
        return f"EXISTS (SELECT 1 FROM accounts_subscription s WHERE s.account_id = w.account_id AND s.mrr_micros > 0 AND {state})"

    sql = f"""
        WITH work AS (
            SELECT r.account_id, r.started_at AS at, p.name AS playbook, '' AS type FROM accounts_playbookrun r JOIN accounts_playbook p ON p.id = r.playbook_id
            WHERE r.started_at >= %(since)s AND r.started_at < %(until)s AND r.status <> 'held_out'
            UNION ALL
            SELECT i.account_id, i.closed_at, '', i.type FROM accounts_workitem i
            WHERE i.status = 'done' AND i.playbook_run_id IS NULL AND i.closed_at >= %(since)s AND i.closed_at < %(until)s),
        judged AS (
            SELECT w.account_id, w.playbook, w.type, sg.key, then_paid AS settled, then_paid AND {pays("(w.at + make_interval(days => %(days)s))")} AS stayed
            FROM work w CROSS JOIN LATERAL (SELECT w.at < %(settled)s AND {pays("w.at")} AS then_paid OFFSET 0) p JOIN accounts_account a ON a.id = w.account_id
            LEFT JOIN accounts_segmentmembership m ON m.account_id = w.account_id AND m.valid_from <= w.at AND (m.valid_to IS NULL OR m.valid_to > w.at)
            LEFT JOIN accounts_segment sg ON sg.id = m.segment_id
            WHERE NOT a.excluded AND {conditions.sql})
        SELECT key, playbook, type, count(*), count(DISTINCT account_id), count(*) FILTER (WHERE settled), count(*) FILTER (WHERE stayed)
        FROM judged GROUP BY key, playbook, type ORDER BY count(*) FILTER (WHERE settled) DESC, count(*) DESC, playbook, type LIMIT 400"""
    return [Outcome(*row) for row in fetch(sql, conditions.values)]
