"""The pieces of SQL that read the month ledger: who is asked for, what moved in which period, what stood at which instant.

Periods are numbered from 1; 0 is all that came before. Without a built ledger the same rows are worked
out from the spans within the statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db import OperationalError, connection, transaction

from accounts.actions.month_build import RANGE, is_whole
from accounts.actions.month_ledger import churn_months, months_of_one_currency, mrr_months, service_months
from accounts.models import Account, MrrMonth, Segment
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, narrow
from metrics.kpis.question import Question

SEGMENT = "segment"
Kind = MrrMonth.Kind


# sorts and groups over all accounts that leave memory take several times as long
_WORK_MEM = "96MB"
_LISTED = 5_000
# the accounts that one call of `fetch_in_two` is about
HALF = "account_id BETWEEN %(low)s AND %(high)s"


def fetch(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of one statement over many accounts."""
    with transaction.atomic(), connection.cursor() as cursor:
        return _run(cursor, sql, values)


def fetch_in_two(sql: str, values: dict[str, Any], *, hashed: bool = False) -> list[tuple[Any, ...]]:
    """The rows of a statement for the accounts from %(low)s to %(high)s, for all of them: large bases by two connections, half each.

    Both see the same moment. Rows of the halves stand beside one another: the caller adds them up. Inside a
    transaction, which others cannot look into, and where no second connection is to be had, one does it all.
    `hashed`: groups are hashed where the planner would sort, as it takes a join inside an account for a few rows.
    """
    ((low, high),) = fetch("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM accounts_account", {})
    middle = (low + high) // 2
    whole, first, second = ({**values, "low": start, "high": end} for start, end in ((low, high), (low, middle), (middle + 1, high)))
    if connection.in_atomic_block or high - low < RANGE:
        with transaction.atomic(), connection.cursor() as cursor:
            found = _run(cursor, sql, whole, hashed=hashed)
            cursor.execute("SET LOCAL enable_sort = on")
            return found
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger") as pool, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        other = pool.submit(_beside, cursor.fetchone()[0], sql, second, hashed)
        cursor.execute(_NO_MORE)
        found = _run(cursor, sql, first, hashed=hashed)
        try:
            return found + other.result()
        except OperationalError:
            return found + _run(cursor, sql, second, hashed=hashed)


# both processors are at it already
_NO_MORE = "SET LOCAL max_parallel_workers_per_gather = 0"


def _beside(snapshot: str, sql: str, values: dict[str, Any], hashed: bool) -> list[tuple[Any, ...]]:
    """A statement on a connection of its own that sees what another transaction sees."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            cursor.execute(_NO_MORE)
            return _run(cursor, sql, values, hashed=hashed)
    finally:
        connection.close()


def _run(cursor: Any, sql: str, values: dict[str, Any], *, hashed: bool = False) -> list[tuple[Any, ...]]:
    cursor.execute(f"SET LOCAL work_mem = '{_WORK_MEM}'{'; SET LOCAL enable_sort = off' if hashed else ''}")
    cursor.execute(sql, values)
    return cursor.fetchall()


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

    def _narrow(self, conditions: Conditions) -> None:
        others = {name: values for name, values in self.question.filters.items() if name != SEGMENT}
        narrow(replace(self.question, segment=None, filters=others), conditions, (ACCOUNT_SQL,), "")
        if self.model is not None:
            conditions.parts.append(f"a.business_model = {conditions.bind(self.model)}")

    @cached_property
    def everybody(self) -> bool:
        """Whether nobody but the excluded is left out, and nobody told apart; segments aside."""
        conditions = Conditions({})
        self._narrow(conditions)
        return not conditions.parts and self.key == "NULL::text"

    @cached_property
    def excluded(self) -> list[int] | None:
        """Who is excluded; None where there are too many to list."""
        found = list(Account.objects.filter(excluded=True).values_list("pk", flat=True)[: _LISTED + 1])
        return None if len(found) > _LISTED else found

    @cached_property
    def mixed(self) -> bool:
        """Whether the ledger might know accounts of several currencies."""
        return not self.stored or bool(fetch(f"SELECT coalesce(sum(accounts), 0) <> 0 FROM accounts_mrrtotal WHERE kind = {Kind.MIXED}", {})[0][0])

    def join(self, conditions: Conditions) -> str:
        """SQL: the join of rows `l` with the accounts asked for, and a condition; segments aside."""
        self._narrow(conditions)
        if self.everybody:
            # a list of the few excluded costs a fifth of a join
            if self.excluded is None:
                return "WHERE NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.id = l.account_id AND a.excluded)"
            return f"WHERE l.account_id <> ALL ({conditions.bind(self.excluded)}::bigint[])"
        return f"JOIN accounts_account a ON a.id = l.account_id AND NOT a.excluded AND {conditions.sql} WHERE TRUE"

    def wants(self, segment: str | None) -> bool:
        """Whether the question keeps a segment."""
        kept = self.question.filters.get(SEGMENT)
        return (self.question.segment is None or segment == self.question.segment) and (kept is None or (segment or "") in kept)

    def group(self, segment: str | None, key: str | None) -> str | None:
        """The group of a row in the answer."""
        return segment if self.by == SEGMENT else key

    def mrr_rows(self, *, halved: bool = False) -> str:
        """SQL: the rows of the ledger, stored or worked out; `halved`: of the accounts of `fetch_in_two` alone."""
        if self.stored:
            return f"(SELECT * FROM accounts_mrrmonth m WHERE m.{HALF})" if halved else "accounts_mrrmonth"
        return f"({mrr_months(f'AND s.{HALF}' if halved else '')})"

    def service_rows(self) -> str:
        """SQL: the same of spans in force."""
        return "accounts_servicemonth" if self.stored else f"({service_months()})"

    def churn_rows(self) -> str:
        """SQL: the same of churn."""
        return "accounts_churnmonth" if self.stored else f"({churn_months()})"

    def values(self, months: Sequence[int], instants: Sequence[Any]) -> Conditions:
        """What the fragments bind."""
        return Conditions({"months": list(months), "instants": list(instants), "n": len(instants), "zone": str(self.question.zone)})


def sums(asked: Asked, before: int, period: str) -> list[tuple[str | None, int, str, int, int, int]]:
    """Key, period, currency, kind, what was added and the number of rows, of all rows that end before a month; `period` is SQL of `l.month`.

    Of everybody they stand in the totals the database keeps: what the few excluded have there is taken away.
    """
    conditions = asked.values((), ())
    if not asked.stored and asked.everybody and asked.excluded is not None:
        found = fetch(_FACTS, {})
        if found and not found[0][1]:
            return _of_one_currency(asked, found[0][0], before, period)
    if asked.stored and asked.everybody and asked.excluded is not None:
        sql = f"""
            SELECT NULL::text, period, currency, kind, sum(delta), sum(number) FROM (
                SELECT {period} AS period, l.currency, l.kind, l.delta_micros AS delta, l.accounts AS number FROM accounts_mrrtotal l WHERE l.month < %(before)s
                UNION ALL
                SELECT {period}, l.currency, l.kind, -l.delta_micros, -1 FROM accounts_mrrmonth l WHERE l.account_id = ANY (%(excluded)s::bigint[]) AND l.month < %(before)s) l
            GROUP BY 2, 3, 4 HAVING sum(number) <> 0"""
        conditions.values |= {"before": before, "excluded": asked.excluded}
    else:
        sql = f"WITH {rows(asked, conditions, before, period)} SELECT key, period, currency, kind, sum(delta), count(*) FROM rows GROUP BY 1, 2, 3, 4"
    return [(key, month, currency, kind, int(delta), int(number)) for key, month, currency, kind, delta, number in fetch(sql, conditions.values)]


# the currency of a span, and whether another one has another
_FACTS = """
SELECT f.currency, bool_or(s.currency <> f.currency) FROM accounts_subscription s, (SELECT currency FROM accounts_subscription LIMIT 1) f GROUP BY 1"""


def _of_one_currency(asked: Asked, currency: str, before: int, period: str) -> list[tuple[str | None, int, str, int, int, int]]:
    # one number a group: the planner knows nothing of it, takes it for few and hashes
    sql = f"""
        SELECT ({period}) * 8 + kind, sum(delta), count(*) FROM ({months_of_one_currency(f"AND s.{HALF}")}) l
        WHERE l.account_id <> ALL (%(excluded)s::bigint[]) AND l.month < %(before)s GROUP BY 1"""
    total: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for place, delta, number in fetch_in_two(sql, {"zone": str(asked.question.zone), "excluded": asked.excluded, "before": before}):
        total[place][0] += int(delta)
        total[place][1] += number
    return [(None, place >> 3, currency, place & 7, delta, number) for place, (delta, number) in total.items()]


def rows(asked: Asked, conditions: Conditions, before: int, period: str, *, halved: bool = False) -> str:
    """SQL: CTE `rows` with the period of each; ends before a month. `halved` is for `fetch_in_two`."""
    # stored rows are read again sooner than kept
    return f"""rows AS {"NOT MATERIALIZED " if asked.stored else ""}(
        SELECT l.account_id, l.currency, l.month, l.delta_micros AS delta, l.balance_micros AS balance, l.first_at, l.kind, {asked.key} AS key, {period} AS period
        FROM {asked.mrr_rows(halved=halved)} l {asked.join(conditions)} AND l.month < {conditions.bind(before)})"""


def moves(asked: Asked, conditions: Conditions, months: Sequence[int], monthly: bool, *, before: bool = True) -> str:
    """SQL: CTEs up to `moves(account_id, currency, key, period, delta, balance, first_at, kind)`, one row an account, currency and period.

    Before the first period there is a row a month, unless `before` is left out (of periods that are no single months). Binds the first months of the periods as months.
    """
    if monthly:
        found = rows(asked, conditions, months[-1], f"greatest(l.month - {months[0] - 1}, 0)")
        return f"{found}, moves AS NOT MATERIALIZED (SELECT account_id, currency, key, period, delta, balance, first_at, kind FROM rows)"
    period = "1" if len(months) == 2 else "width_bucket(l.month, %(months)s::integer[])"
    known = f"CASE WHEN l.month < {months[0]} THEN 0 ELSE {period} END"
    kind = f"""CASE WHEN first & 2 = 0 THEN CASE WHEN last & 1 = 1 THEN CASE WHEN first_at IS NULL THEN {Kind.REACTIVATION} ELSE {Kind.NEW} END
                                             WHEN first_at IS NULL THEN {Kind.NOTHING} ELSE {Kind.TRANSIENT} END
                    WHEN last & 1 = 0 THEN {Kind.CHURNED} WHEN delta > 0 THEN {Kind.EXPANSION} WHEN delta < 0 THEN {Kind.CONTRACTION} ELSE {Kind.NOTHING} END"""
    found = rows(asked, conditions, months[-1], known)
    selects = [f"SELECT account_id, currency, key, period, delta, NULL::bigint AS balance, first_at, {kind} AS kind FROM ending"]
    if asked.mixed:
        found += f""",
    mixed AS (
        SELECT account_id, currency, key, period, balance, delta, min(first_at) OVER (PARTITION BY account_id, period) AS first_at
        FROM (SELECT account_id, currency, key, period, sum(delta)::bigint AS delta, (array_agg(balance ORDER BY month DESC))[1] AS balance, min(first_at) AS first_at
              FROM rows WHERE month >= {months[0]} AND kind = {Kind.MIXED} GROUP BY 1, 2, 3, 4) s)"""
        selects.append(f"SELECT account_id, currency, key, period, delta, balance, first_at, {Kind.MIXED} FROM mixed")
    if before:
        selects.append(f"SELECT account_id, currency, key, period, delta, balance, first_at, kind FROM rows WHERE month < {months[0]}")
    return f"""{found},
    -- the month and whether there was MRR before it (2) and after it (1), as one number: the least tells how a period began, the greatest how it ended
    ending AS (
        SELECT account_id, currency, key, period, vefa_sum(delta) AS delta, min(state) AS first, max(state) AS last, min(first_at) AS first_at
        FROM (SELECT *, month * 4 + (balance > delta)::integer * 2 + (balance > 0)::integer AS state FROM rows
              WHERE month >= {months[0]} {f"AND kind <> {Kind.MIXED}" if asked.mixed else ""}) s GROUP BY 1, 2, 3, 4),
    moves AS ({" UNION ALL ".join(selects)})"""


# memberships, and the numbers of the bound instants at which each holds: lo to hi - 1
MEMBERS = """members AS (
        SELECT b.account_id, b.segment_id, b.valid_from, b.valid_to,
               -- most began before the first instant: nothing to search for
               CASE WHEN b.valid_from <= (%(instants)s::timestamptz[])[1] THEN 1
                    ELSE 1 + width_bucket(b.valid_from - interval '1 microsecond', %(instants)s::timestamptz[]) END AS lo,
               CASE WHEN b.valid_to IS NULL THEN %(n)s + 1 ELSE 1 + width_bucket(b.valid_to - interval '1 microsecond', %(instants)s::timestamptz[]) END AS hi
        FROM accounts_segmentmembership b)"""
MEMBERS_HALVED = f"{MEMBERS[:-1]} WHERE b.{HALF})"
# whether membership `g` holds where row `r` counts: at the start of its period, or when the account first paid if that came later
_HOLDS = """(r.period > 0 AND g.valid_from <= greatest((%(instants)s::timestamptz[])[r.period], r.first_at)
        AND (g.valid_to IS NULL OR g.valid_to > greatest((%(instants)s::timestamptz[])[r.period], r.first_at)))"""


def by_segment(table: str, columns: str, sums: str, *, holding: bool) -> str:
    """SQL: rows `r` (account_id, key, period) with every segment their account was in, summed up.

    Gives segment id, key, columns, lo, hi, holds, sums. What a row changed stands, at each later instant, in
    the segment the account is in by then: from lo to hi - 1. `holds`: the row itself counts there (asked for by
    `holding`). Rows are added up one by one, so it does not matter how often an account moved. Needs the CTE MEMBERS.
    """
    holds = _HOLDS if holding else "false"
    return f"""SELECT g.segment_id, r.key, {columns}, greatest(g.lo, r.period + 1) AS lo, g.hi AS hi, {holds} AS holds, {sums}
        FROM {table} r JOIN members g ON g.account_id = r.account_id
        WHERE g.hi > r.period + 1 AND g.lo < g.hi OR {holds} GROUP BY 1, 2, {", ".join(str(place + 3) for place in range(columns.count(",") + 4))}"""


def segment_names() -> dict[int | None, str]:
    """The keys of all segments by id."""
    return {number: key for number, key in Segment.objects.values_list("pk", "key")}  # noqa: C416 - the key may be None to the type checker
