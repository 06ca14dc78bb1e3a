"""Where revenue is lost: segments by the MRR that they are expected to lose in a year, and what worked on similar ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from accounts.models import Segment
from metrics.decisions.books import Book, books
from metrics.decisions.reader import Reader
from metrics.decisions.worked import Outcome, Result, outcomes, results
from metrics.formulas.comparison import Estimate
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.question import add_months
from metrics.kpis.revenue import MICROS

# fewer customers than this at the opening say too little about a rate
FEW = 5
# how many other segments are near
NEAR = 2


@dataclass(frozen=True)
class Ranked:
    """A segment (None: accounts in none): what it pays now, the rate at which it lost MRR over twelve months, what that comes to in a year."""

    key: str | None
    segment: Segment | None
    mrr: Decimal | None
    customers: int
    book: Book | None
    rate: Estimate | None
    expected: Estimate | None
    plan: str = ""
    mean: Decimal | None = None
    # the segments that are most alike, the nearest first, and why
    near: tuple[tuple[str, str], ...] = ()
    results: tuple[Result, ...] = ()
    outcomes: tuple[Outcome, ...] = ()

    @property
    def few(self) -> bool:
        """Too few customers at the opening for its rate to say much."""
        return self.book is None or self.book.customers < FEW


@dataclass(frozen=True)
class Ranking:
    """All segments, the one that loses most first, over the twelve months up to today."""

    rows: list[Ranked]
    expected: Decimal
    first: str
    after: str
    missing: list[str] = field(default_factory=list)


def ranking(reader: Reader, *, with_results: bool = True) -> Ranking:
    """Segments by MRR of now x share of MRR lost (churn and contraction) over the last twelve months. Raises WrongQuestion."""
    after = reader.today
    first = add_months(after, -12)
    found = books(reader.question("gross_mrr_churn", first=first, after=after), "segment")
    segments = {row.key: row for row in Segment.objects.all()}
    traits = _traits(reader)
    missing = {name for book in found.values() for name in book.missing}
    rows: list[Ranked] = []
    for key in {*found, *traits}:
        book, (plan, value, customers) = found.get(key), traits.get(key, ("", Decimal(0), 0))
        rate = book.gross_churn if book else None
        expected = None if rate is None else rate.times(value)
        rows.append(Ranked(key, segments.get(key or ""), value, customers, book, rate, expected, plan, value / customers if customers else None))
    rows.sort(key=lambda row: (row.expected is None, -(row.expected.value if row.expected else 0), row.key or "~"))
    whole = sum((row.expected.value for row in rows if row.expected), Decimal(0))
    told = _with_what_worked(reader, rows) if with_results else rows
    return Ranking(told, whole, first.isoformat(), after.isoformat(), sorted(missing))


def _traits(reader: Reader) -> dict[str | None, tuple[str, Decimal, int]]:
    """By segment of today: the plan most of those who pay have, their MRR and their number; by the read model of the lists."""
    conditions = Conditions()
    narrow(reader.question("mrr"), conditions, (ACCOUNT_SQL | {"segment": "sg.key"},), "now()")
    sql = f"""
        SELECT sg.key, mode() WITHIN GROUP (ORDER BY nullif(a.plan, '')) FILTER (WHERE a.plan <> ''), sum(p.mrr_micros), count(*)
        FROM accounts_accountsnapshot p JOIN accounts_account a ON a.id = p.account_id LEFT JOIN accounts_segment sg ON sg.id = a.segment_id
        WHERE NOT a.excluded AND p.mrr_micros > 0 AND {conditions.sql} GROUP BY sg.key"""
    return {key: (plan or "", micros / MICROS, count) for key, plan, micros, count in fetch(sql, conditions.values)}


def neighbours(row: Ranked, rows: list[Ranked]) -> tuple[tuple[str, str], ...]:
    """The two segments most alike: first those with the same most frequent plan, then by the ratio of mean MRR. (key, why)."""

    def distance(other: Ranked) -> tuple[bool, Decimal]:
        if not row.mean or not other.mean:
            return (True, Decimal(10**9))
        return (not row.plan or other.plan != row.plan, max(row.mean, other.mean) / min(row.mean, other.mean))

    others = sorted((other for other in rows if other.key and other.key != row.key and other.mean), key=lambda other: (*distance(other), other.key or ""))
    return tuple((other.key or "", "plan" if row.plan and other.plan == row.plan else "mrr") for other in others[:NEAR]) if row.mean else ()


def _with_what_worked(reader: Reader, rows: list[Ranked]) -> list[Ranked]:
    tried, done = results(reader), outcomes(reader)
    told = []
    for row in rows:
        near = neighbours(row, rows)
        order = [row.key, *(key for key, _why in near)]
        here = [result for key in order for result in tried if result.segment == key] + [result for result in tried if result.segment is None and row.key is not None]
        work = [outcome for key in order for outcome in done if outcome.segment == key]
        told.append(
            Ranked(row.key, row.segment, row.mrr, row.customers, row.book, row.rate, row.expected, row.plan, row.mean, near, tuple(here[:4]), tuple(work[:5]))
        )  # fmt: skip
    return told
