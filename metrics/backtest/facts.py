"""The raw inputs of health of all accounts as of a past instant: the statement that scores, without what it writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from metrics.formulas.weighing import Scores, band_codes, score_rows
from metrics.moments import Moment
from metrics.scoring import Part
from metrics.sql.health import COSTLY, RANGE, ScoredBy, inputs_select, raw_expression

EVERYBODY = {"low": 0, "high": 2**62}
_ELSEWHERE = """(EXISTS (SELECT 1 FROM tickets_ticket t WHERE t.account_id = i.account_id AND t.opened_at < %(as_of)s AND NOT t.spam AND NOT t.test AND t.deleted_at IS NULL)
     OR EXISTS (SELECT 1 FROM accounts_transaction x WHERE x.account_id = i.account_id AND x.occurred_at < %(as_of)s))"""
_RATES = "SELECT DISTINCT ON (currency) currency, rate FROM accounts_exchangerate WHERE day < %s ORDER BY currency, day DESC"


@dataclass(frozen=True)
class Instant:
    """An instant with what the statements bind for it."""

    moment: Moment
    values: dict[str, Any]
    currencies: bool

    @classmethod
    def at(cls, *, as_of: dt.datetime, now: dt.datetime) -> Instant:
        """Reads the rates that held then; one statement."""
        moment = Moment.at(as_of=as_of, now=now, zone=settings.ORGANISATION_TIME_ZONE)
        with connection.cursor() as cursor:
            cursor.execute(_RATES, [moment.t_date])
            rates = cursor.fetchall()
        values = {
            **moment.parameters, **EVERYBODY, "currency": settings.REPORTING_CURRENCY, "rate_currencies": [row[0] for row in rates], "rates": [row[1] for row in rates],
            # what a snapshot holds is of today: the past is read from the facts alone
            "looks_far": True, "before_day": moment.day,
        }  # fmt: skip
        return cls(moment, values, bool(rates))


def parts_of(models: Iterable[ScoredBy]) -> list[Part]:
    """Every input that some model asks for, each pair of source and freshness once."""
    found: dict[tuple[str, int | None], Part] = {}
    for entry in models:
        for part in entry.model.parts:
            found.setdefault((part.source, part.fresh_days), part)
    return list(found.values())


@dataclass(frozen=True)
class Inputs:
    """Raw inputs by account, in the order of `accounts`; a column a part, NaN for no data; the segment at the start of the day (-1: none)."""

    accounts: np.ndarray
    may_score: np.ndarray
    known_elsewhere: np.ndarray
    segment: np.ndarray
    parts: Sequence[Part]
    raws: np.ndarray

    def of(self, part: Part) -> np.ndarray:
        """The column of a part."""
        return self.raws[:, [(each.source, each.fresh_days) for each in self.parts].index((part.source, part.fresh_days))]


def read_inputs(*, instant: Instant, models: Sequence[ScoredBy]) -> Inputs:
    """What the scores of every account as of the instant are made from. Writes nothing; one statement."""
    parts = parts_of(models)
    segments = any(entry.segment_ids for entry in models)
    costly = COSTLY & {part.source for part in parts}
    columns = "".join(f", {raw_expression(part)}" for part in parts)
    sql = f"""SELECT i.account_id, i.may_score, {_ELSEWHERE}, {"coalesce(i.segment_id, -1)" if segments else "-1::bigint"}{columns}
        FROM ({inputs_select(RANGE, live=instant.moment.live, currencies=instant.currencies, segments=segments, costly=costly)}) i ORDER BY 1"""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '15min'")
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(sql, instant.values)
        rows = cursor.fetchall()
    return Inputs(
        accounts=np.array([row[0] for row in rows], dtype=np.int64),
        may_score=np.array([row[1] for row in rows], dtype=bool),
        known_elsewhere=np.array([row[2] for row in rows], dtype=bool),
        segment=np.array([row[3] for row in rows], dtype=np.int64),
        parts=parts,
        raws=np.array([row[4:] for row in rows], dtype=float).reshape(len(rows), len(parts)),
    )


@dataclass(frozen=True)
class Judged:
    """Scores (-1: none) and bands (0 at risk, 1 watch, 2 healthy, -1 none) by account; `meant`: whether some model is for it."""

    score: np.ndarray
    band: np.ndarray
    meant: np.ndarray


def judge(inputs: Inputs, models: Sequence[ScoredBy]) -> Judged:
    """Each account by the first model that is for its segment, as the recompute does."""
    count = inputs.accounts.size
    score, band = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    open_rows = np.ones(count, dtype=bool)
    for entry in models:
        mine = open_rows & (np.isin(inputs.segment, entry.segment_ids) if entry.segment_ids else True)
        open_rows &= ~mine
        raws = np.column_stack([inputs.of(part) for part in entry.model.parts])
        scores: Scores = score_rows(entry.model, raws, may_score=inputs.may_score & mine, known_elsewhere=inputs.known_elsewhere)
        score, band = np.where(mine, scores.score, score), np.where(mine, band_codes(entry.model, scores.score), band)
    return Judged(score, band, ~open_rows)
