"""The pieces of SQL that read the month ledger: who is asked for, what moved in which period, what stood at which instant.

Periods are numbered from 1; 0 is all that came before. Without a built ledger the same rows are worked
out from the spans within the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from accounts.actions.month_build import is_whole
from accounts.actions.month_ledger import churn_months, mrr_months, service_months
from accounts.models import MrrMonth
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, narrow
from metrics.kpis.question import Question

SEGMENT = "segment"
Kind = MrrMonth.Kind


@dataclass(frozen=True)
class Asked:
    """Whose rows a question is about: joined to them as `a`, or left out where nobody but the excluded is."""

    question: Question
    by: str | None = None
    model: str | None = None
    stored: bool = True

    @classmethod
    def of(cls, question: Question, by: str | None, model: str | None) -> Asked:
        """Reads the stored ledger if it may be read."""
        return cls(question, by, model, is_whole())

    @property
    def segmented(self) -> bool:
        """Whether segments matter, which an account has at an instant."""
        return self.by == SEGMENT or self.question.segment is not None or SEGMENT in self.question.filters

    @property
    def key(self) -> str:
        """SQL: the group of an account by a dimension that does not change with time; NULL without one."""
        return "NULL::text" if self.by in (None, SEGMENT) else expression(self.by or "", (ACCOUNT_SQL,), "")

    def join(self, conditions: Conditions) -> str:
        """SQL: the join of rows `l` with the accounts asked for, and a condition; segments aside."""
        others = {name: values for name, values in self.question.filters.items() if name != SEGMENT}
        narrow(replace(self.question, segment=None, filters=others), conditions, (ACCOUNT_SQL,), "")
        if self.model is not None:
            conditions.parts.append(f"a.business_model = {conditions.bind(self.model)}")
        if not conditions.parts and self.key == "NULL::text":
            return "WHERE NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.id = l.account_id AND a.excluded)"
        return f"JOIN accounts_account a ON a.id = l.account_id AND NOT a.excluded AND {conditions.sql} WHERE TRUE"

    def wants(self, segment: str | None) -> bool:
        """Whether the question keeps a segment."""
        kept = self.question.filters.get(SEGMENT)
        return (self.question.segment is None or segment == self.question.segment) and (kept is None or (segment or "") in kept)

    def group(self, segment: str | None, key: str | None) -> str | None:
        """The group of a row in the answer."""
        return segment if self.by == SEGMENT else key

    def mrr_rows(self) -> str:
        """SQL: the rows of the ledger, stored or worked out."""
        return "accounts_mrrmonth" if self.stored else f"({mrr_months()})"

    def service_rows(self) -> str:
        """SQL: the same of spans in force."""
        return "accounts_servicemonth" if self.stored else f"({service_months()})"

    def churn_rows(self) -> str:
        """SQL: the same of churn."""
        return "accounts_churnmonth" if self.stored else f"({churn_months()})"

    def values(self, months: Sequence[int], instants: Sequence[Any]) -> Conditions:
        """What the fragments bind."""
        return Conditions({"months": list(months), "instants": list(instants), "n": len(instants), "zone": str(self.question.zone)})


def rows(asked: Asked, conditions: Conditions, before: int, period: str) -> str:
    """SQL: CTE `rows` with the period of each; ends before a month."""
    return f"""rows AS (
        SELECT l.account_id, l.currency, l.month, l.delta_micros AS delta, l.balance_micros AS balance, l.first_at, l.kind, {asked.key} AS key, {period} AS period
        FROM {asked.mrr_rows()} l {asked.join(conditions)} AND l.month < {conditions.bind(before)})"""


def moves(asked: Asked, conditions: Conditions, months: Sequence[int], monthly: bool) -> str:
    """SQL: CTEs up to `moves(account_id, currency, key, period, month, delta, balance, first_at, kind)`, one row an account, currency and period.

    Before the first period there is a row a month. Binds the first months of the periods as months.
    """
    if monthly:
        found = rows(asked, conditions, months[-1], f"greatest(l.month - {months[0] - 1}, 0)")
        return f"{found}, moves AS NOT MATERIALIZED (SELECT * FROM rows)"
    return f"""{rows(asked, conditions, months[-1], "width_bucket(l.month, %(months)s::integer[])")},
    summed AS (
        SELECT account_id, currency, key, period, max(month) AS month, sum(delta)::bigint AS delta, min(first_at) AS first_at, max(kind) = {Kind.MIXED} AS mixed
        FROM rows GROUP BY 1, 2, 3, 4),
    running AS (
        SELECT account_id, currency, key, period, month, delta, mixed, min(first_at) OVER (PARTITION BY account_id, period) AS first_at,
               (sum(delta) OVER (PARTITION BY account_id, currency ORDER BY period))::bigint AS balance FROM summed),
    moves AS (
        SELECT account_id, currency, key, period, month, delta, balance, first_at,
               CASE WHEN mixed THEN {Kind.MIXED}
                    WHEN balance = delta THEN CASE WHEN balance > 0 THEN CASE WHEN first_at IS NULL THEN {Kind.REACTIVATION} ELSE {Kind.NEW} END
                                                   WHEN first_at IS NULL THEN {Kind.NOTHING} ELSE {Kind.TRANSIENT} END
                    WHEN balance = 0 THEN {Kind.CHURNED} WHEN delta > 0 THEN {Kind.EXPANSION} WHEN delta < 0 THEN {Kind.CONTRACTION} ELSE {Kind.NOTHING} END AS kind
        FROM running)"""


def of_segment(rows: str) -> str:
    """SQL: rows with the segment of their account at the start of their period, or when it first paid if that came later.

    Binds the starts of the periods as instants.
    """
    at = "greatest((%(instants)s::timestamptz[])[m.period], m.first_at)"
    return f"""(SELECT m.*, sg.key AS segment FROM {rows} m
        LEFT JOIN accounts_segmentmembership b ON b.account_id = m.account_id AND b.valid_from <= {at} AND (b.valid_to IS NULL OR b.valid_to > {at})
        LEFT JOIN accounts_segment sg ON sg.id = b.segment_id)"""


# the numbers of the bound instants at which a membership holds: lo to hi - 1
MEMBERS = """members AS (
        SELECT b.account_id, sg.key AS segment, 1 + width_bucket(b.valid_from - interval '1 microsecond', %(instants)s::timestamptz[]) AS lo,
               CASE WHEN b.valid_to IS NULL THEN %(n)s + 1 ELSE 1 + width_bucket(b.valid_to - interval '1 microsecond', %(instants)s::timestamptz[]) END AS hi
        FROM accounts_segmentmembership b JOIN accounts_segment sg ON sg.id = b.segment_id)"""


def cut(ranges: str, columns: str) -> str:
    """SQL: ranges of instants (account_id, key, lo, hi and columns of `r`) cut by the segments that accounts were in; what has no segment is left out.

    Needs the CTE MEMBERS. A range holds at the instants lo to hi - 1.
    """
    return f"""(SELECT m.segment, r.key, {columns}, greatest(r.lo, m.lo) AS lo, least(r.hi, m.hi) AS hi
        FROM {ranges} r JOIN members m ON m.account_id = r.account_id AND r.lo < m.hi AND m.lo < r.hi)"""


def both_edges(ranges: str, columns: str, sums: Sequence[str]) -> str:
    """SQL: what begins (added) and ends (taken away) at each instant, by segment and key: running sums give the state at each."""
    begun, ended = ", ".join(f"sum({value})" for value in sums), ", ".join(f"-sum({value})" for value in sums)
    return f"""SELECT lo, segment, key, {columns}{begun} FROM {ranges} GROUP BY {columns}1, 2, 3
        UNION ALL SELECT hi, segment, key, {columns}{ended} FROM {ranges} WHERE hi <= %(n)s GROUP BY {columns}1, 2, 3"""
