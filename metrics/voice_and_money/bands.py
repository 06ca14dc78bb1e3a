"""Score bands of accounts at a date, and what became of their MRR after it; one statement over sets.

The score comes before the money. The band of an account at a date is made of the latest valid answer of each
of its people in the 365 days before the date, strictly before it: the mean of these, rounded half up to a whole
score. Its outcome is the MRR at the end of the twelve months after the date (or now, if that is earlier)
against the MRR at the date, both by the conventions and at the rates of `mrr_movements`. Definitions: `docs/metrics.md`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.models.snapshots import Band
from metrics.kpis.bridge import rate_at
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.revenue import amount_column, in_force, paying

# an answer speaks for its account this long, a health score a month
ANSWER_DAYS, HEALTH_DAYS = 365, 31
SILENT = "silent"
HEALTH = "health"


@dataclass(frozen=True)
class Scale:
    """How a kind of score is asked and cut: lowest and highest, and each band with its least score, the worst first."""

    low: int
    high: int
    bands: tuple[tuple[str, int], ...]
    mirrored: bool = False


SCALES = {
    "nps": Scale(0, 10, (("detractor", 0), ("passive", 7), ("promoter", 9))),
    "csat": Scale(1, 5, (("dissatisfied", 1), ("neutral", 3), ("satisfied", 4)), mirrored=True),
    "ces": Scale(1, 7, (("hard", 1), ("neutral", 4), ("easy", 5))),
}
KINDS = (*SCALES, HEALTH)


def bands_of(kind: str) -> tuple[str, ...]:
    """The bands of a kind, the worst first, those without a score last. Raises WrongQuestion for an unknown kind."""
    if kind == HEALTH:
        return (Band.AT_RISK.value, Band.WATCH.value, Band.HEALTHY.value, SILENT)
    if kind not in SCALES:
        raise WrongQuestion(f"“{kind}” is no kind of score; there are {', '.join(KINDS)}.")
    return (*(name for name, _least in SCALES[kind].bands), SILENT)


@dataclass(frozen=True)
class BandMoney:
    """One band: customers at the date with their answers, and what became of their MRR (units of the reporting currency).

    `churned` are those without MRR at the end; the others grew, shrank or stayed. `squares` is the sum of
    squares of the opening, for the interval of its mean.
    """

    band: str
    customers: int = 0
    answers: int = 0
    opening: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)
    churned: int = 0
    churned_mrr: Decimal = Decimal(0)
    expanded: int = 0
    expansion: Decimal = Decimal(0)
    contracted: int = 0
    contraction: Decimal = Decimal(0)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class BandAccount:
    """One customer in a band: its score (hundredths for health), its MRR before and after in millionths."""

    account_id: int
    score: int | None
    opening: int
    closing: int


# an anonymous answer is its own person
_PERSON = "coalesce('c' || r.contact_id, nullif('p' || r.respondent_key, 'p'), 'r' || r.id)"


def _scores(kind: str, question: Question, conditions: Conditions) -> str:
    """SQL: account_id, score and how many answers it is made of, at the start of the period."""
    if kind == HEALTH:
        day = question.start.astimezone(question.zone).date()
        since, until = conditions.bind(day - dt.timedelta(days=HEALTH_DAYS)), conditions.bind(day)
        return (
            "SELECT b.account_id, h.score::numeric AS score, 1 AS answers, h.band AS found FROM books b CROSS JOIN LATERAL (SELECT x.score, x.band FROM metrics_healthscore x "
            f"WHERE x.account_id = b.account_id AND x.day >= {since} AND x.day < {until} ORDER BY x.day DESC LIMIT 1) h"
        )
    scale = SCALES[kind]
    low, high = conditions.bind(scale.low), conditions.bind(scale.high)
    score, direction = "r.score", ""
    if scale.mirrored:
        score = f"CASE WHEN r.direction = 'low_good' THEN {scale.low + scale.high} - r.score ELSE r.score END"
    else:
        direction = "AND r.direction = 'high_good'"
    since = conditions.bind(question.start - dt.timedelta(days=ANSWER_DAYS))
    latest = (
        f"SELECT DISTINCT ON (r.account_id, {_PERSON}) r.account_id, {score} AS score FROM surveys_response r WHERE r.kind = {conditions.bind(kind)} "
        f"AND r.scale_min = {low} AND r.scale_max = {high} AND r.score BETWEEN {low} AND {high} {direction} AND r.answered_at >= {since} AND r.answered_at < %(t0)s "
        f"AND NOT r.test AND NOT r.is_suspect AND r.respondent = 'contact' AND r.account_id IS NOT NULL ORDER BY r.account_id, {_PERSON}, r.answered_at DESC, r.id DESC"
    )
    cases = " ".join(f"WHEN score >= {least} THEN '{name}'" for name, least in reversed(scale.bands))
    return (
        f"SELECT account_id, score, answers, CASE {cases} END AS found FROM "
        f"(SELECT account_id, round(avg(score)) AS score, count(*) AS answers FROM ({latest}) l GROUP BY account_id) m"
    )


def _banded(kind: str, question: Question) -> tuple[str, Conditions]:
    """SQL: CTE `banded(account_id, band, score, answers, opening, closing, still, missing)`, a row a customer at the date; and its values."""
    params = question.params
    conditions = Conditions(
        {"t0": question.start, "t1": question.until, "n": params["delinquency_days"], "reporting": question.currency, "zone": str(question.zone)}
    )  # fmt: skip
    narrow(question, conditions, (ACCOUNT_SQL,), "%(t0)s")
    amount = amount_column(params)

    def counts_at(name: str) -> str:
        return f"{in_force(params)} AND {paying(params)}".replace("%(t)s", f"%({name})s")

    scores = _scores(kind, question, conditions)
    sql = f"""
        WITH spans AS MATERIALIZED (
            SELECT s.account_id, s.currency, CASE WHEN {counts_at("t0")} THEN {amount} ELSE 0 END AS before, CASE WHEN {counts_at("t1")} THEN {amount} ELSE 0 END AS after,
                   {rate_at("t0")} AS rate0, {rate_at("t1")} AS rate1
            FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id
            WHERE NOT a.excluded AND {amount} > 0 AND s.start < %(t1)s AND (s.end IS NULL OR s.end >= %(t0)s) AND {conditions.sql}),
        books AS (
            SELECT account_id, coalesce(sum(before * coalesce(rate0, rate1)), 0) AS opening, coalesce(sum(after * coalesce(rate0, rate1)), 0) AS closing,
                   bool_or(after > 0) AS still, min(currency) FILTER (WHERE rate0 IS NULL AND before > 0) AS missing
            FROM spans GROUP BY account_id HAVING bool_or(before > 0)),
        scores AS ({scores}),
        banded AS (SELECT b.*, coalesce(c.found, '{SILENT}') AS band, c.score, coalesce(c.answers, 0) AS answers FROM books b LEFT JOIN scores c ON c.account_id = b.account_id)"""
    return sql, conditions


# the sides of a band that can be opened, as conditions on `banded`
SIDES = {
    "all": "true",
    "churned": "NOT still",
    "expanded": "still AND closing > opening",
    "contracted": "still AND closing < opening",
}


def bands(kind: str, question: Question) -> list[BandMoney]:
    """Every band of a kind with its money, the worst first, customers without a score last. One statement."""
    sql, conditions = _banded(kind, question)
    found: dict[str, BandMoney] = {}
    rows = fetch(
        f"""{sql}
        SELECT band, count(*), sum(answers), sum(opening), sum(opening * opening), count(*) FILTER (WHERE {SIDES["churned"]}), sum(opening) FILTER (WHERE {SIDES["churned"]}),
               count(*) FILTER (WHERE {SIDES["expanded"]}), sum(closing - opening) FILTER (WHERE {SIDES["expanded"]}),
               count(*) FILTER (WHERE {SIDES["contracted"]}), sum(opening - closing) FILTER (WHERE {SIDES["contracted"]}),
               array_agg(DISTINCT missing) FILTER (WHERE missing IS NOT NULL)
        FROM banded GROUP BY band""",
        conditions.values,
    )
    micros = Decimal(1_000_000)
    for band, customers, answers, opening, squares, churned, churned_mrr, expanded, expansion, contracted, contraction, missing in rows:
        found[band] = BandMoney(
            band=band, customers=customers, answers=int(answers), opening=opening / micros, squares=squares / micros / micros, churned=churned,
            churned_mrr=(churned_mrr or Decimal(0)) / micros, expanded=expanded, expansion=(expansion or Decimal(0)) / micros, contracted=contracted,
            contraction=(contraction or Decimal(0)) / micros, missing=tuple(missing or ()),
        )  # fmt: skip
    return [found.get(band) or BandMoney(band) for band in bands_of(kind)]


def accounts_in(kind: str, question: Question, *, band: str, side: str, after: tuple[int, int] | None = None, size: int = 50) -> Sequence[BandAccount]:
    """The customers of a band, those with the most MRR first. Raises WrongQuestion for a band or a side that does not exist."""
    if band not in bands_of(kind) or side not in SIDES:
        raise WrongQuestion("There is no such band.")
    sql, conditions = _banded(kind, question)
    wanted = [f"band = {conditions.bind(band)}", SIDES[side]]
    if after is not None:
        wanted.append(f"(round(opening), account_id) < ({conditions.bind(after[0])}, {conditions.bind(after[1])})")
    order = f"ORDER BY round(opening) DESC, account_id DESC LIMIT {conditions.bind(size)}"
    rows: list[tuple[Any, ...]] = fetch(f"{sql} SELECT account_id, score, round(opening), round(closing) FROM banded WHERE {' AND '.join(wanted)} {order}", conditions.values)
    return [BandAccount(pk, None if score is None else int(score), int(opening), int(closing)) for pk, score, opening, closing in rows]
