"""What accounts paid at two instants, summed with squares: rates of MRR with their intervals, by any group.

Opening and closing MRR of each account that paid at the opening, valued at the rates of the opening, as in
the bridge of `metrics.kpis.bridge`; the rates come out the same to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metrics.formulas.comparison import Estimate, Sums, of_ratio
from metrics.kpis.bridge import rate_at
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.question import Question
from metrics.kpis.revenue import MICROS, amount_column, in_force, paying

# the segment an account was in at the opening, by a join instead of a look-up each
_MEMBER = """LEFT JOIN accounts_segmentmembership sm ON sm.account_id = b.account_id AND sm.valid_from <= %(t0)s AND (sm.valid_to IS NULL OR sm.valid_to > %(t0)s)
             LEFT JOIN accounts_segment sg ON sg.id = sm.segment_id"""
GROUPS = {"segment": ("sg.key", _MEMBER), "plan": ("nullif(a.plan, '')", ""), "all": ("NULL::text", "")}


@dataclass(frozen=True)
class Book:
    """The customers of one group at the opening and what became of what they paid. Money in the reporting currency."""

    customers: int
    lost_customers: int
    opening: Decimal
    kept: Decimal
    lost: Decimal
    _kept: Sums
    _lost: Sums
    missing: tuple[str, ...] = ()

    @property
    def net_retention(self) -> Estimate | None:
        """What the customers of the opening pay at the closing / what they paid (NRR)."""
        return None if self.missing else of_ratio(self._kept)

    @property
    def gross_churn(self) -> Estimate | None:
        """What was lost or shrank / what was paid (1 - GRR)."""
        return None if self.missing else of_ratio(self._lost)

    @property
    def logo_churn(self) -> Decimal | None:
        """Customers who left / customers at the opening."""
        return Decimal(self.lost_customers) / self.customers if self.customers else None


def books(question: Question, group: str = "all", *, inside: list[int] | None = None) -> dict[Any, Book]:
    """The books of every group from the start of the period to its end, or as far as is known; one statement.

    `question` asks a KPI that rests on MRR (its four conventions hold). With `inside` the groups are True and
    False: the accounts named, and all others.
    """
    params = question.params
    conditions = Conditions({"t0": question.start, "t1": question.until, "n": params["delinquency_days"], "reporting": question.currency, "zone": str(question.zone)})
    narrow(question, conditions, (ACCOUNT_SQL,), "%(t0)s")
    key, join = GROUPS[group]
    if inside is not None:
        key, join = f"b.account_id = ANY({conditions.bind(inside)})", ""
    amount = amount_column(params)

    def at(sql: str, name: str) -> str:
        return sql.replace("%(t)s", f"%({name})s")

    sql = f"""
        WITH spans AS (
            SELECT s.account_id, s.currency, CASE WHEN {at(in_force(params), "t0")} AND {at(paying(params), "t0")} THEN {amount} ELSE 0 END AS before,
                   CASE WHEN {at(in_force(params), "t1")} AND {at(paying(params), "t1")} THEN {amount} ELSE 0 END AS after,
                   coalesce({rate_at("t0")}, {rate_at("t1")}) AS rate
            FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id
            WHERE NOT a.excluded AND {amount} > 0 AND s.start < %(t1)s AND (s.end IS NULL OR s.end >= %(t0)s) AND {conditions.sql}),
        books AS (
            SELECT account_id, coalesce(sum(before * rate), 0) AS x, coalesce(sum(after * rate), 0) AS c,
                   array_agg(currency) FILTER (WHERE rate IS NULL AND (before > 0 OR after > 0)) AS missing
            FROM spans GROUP BY account_id HAVING bool_or(before > 0)),
        -- sums are exact; squares, which only intervals rest on, are not, and are quick
        told AS (SELECT *, greatest(x - c, 0) AS lost, x::float8 / {MICROS} AS fx, c::float8 / {MICROS} AS fc FROM books),
        kept AS (SELECT *, greatest(fx - fc, 0) AS fl FROM told)
        SELECT {key}, count(*), count(*) FILTER (WHERE b.c = 0), sum(b.x), sum(b.c), sum(b.lost), sum(fx * fx), sum(fc * fc), sum(fx * fc), sum(fl * fl), sum(fx * fl),
               (array_agg(b.missing[1]) FILTER (WHERE b.missing IS NOT NULL))[1]
        FROM kept b JOIN accounts_account a ON a.id = b.account_id {join} GROUP BY 1"""
    found: dict[Any, Book] = {}
    for name, count, gone, *sums, missing in fetch(sql, conditions.values):
        x, c, lost = (value / MICROS for value in sums[:3])
        xx, cc, xc, ll, xl = (Decimal(repr(value)) for value in sums[3:])
        found[name] = Book(count, gone, x, c, lost, Sums(count, x, c, xx, cc, xc), Sums(count, x, lost, xx, ll, xl), (missing,) if missing else ())
    return found
