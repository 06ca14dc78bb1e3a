"""A backtest from beginning to end: rows of past dates, what became of them, and the figures."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metrics.backtest.facts import Instant, judge, read_inputs
from metrics.backtest.question import Question, Refused
from metrics.backtest.stays import Stays, read_stays
from metrics.formulas.calibration import brier, calibration_error, fit_sigmoid, reliability, sigmoid
from metrics.formulas.discrimination import Auc, alarm, auc, lead_days, spread, tenths
from metrics.formulas.weighing import fit_weights, lost_shares, score_rows, whole_weights
from metrics.scoring import Model

DAY = 86_400.0
# fewer accounts that left than this say little: the figures carry a flag, and weights are not proposed
FEW, FEW_TESTED = 20, 10
BANDS = ("at_risk", "watch", "healthy")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Rows:
    """One row an account and date on which it was a customer and had a score. Times in seconds since 1970."""

    subject: np.ndarray
    date: np.ndarray
    score: np.ndarray
    band: np.ndarray
    raws: np.ndarray
    known_elsewhere: np.ndarray
    exit_at: np.ndarray
    left: np.ndarray

    def take(self, mask: np.ndarray) -> Rows:
        """Some of the rows."""
        return Rows(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Gathered:
    """All rows of a backtest, and how many customers had no score."""

    rows: Rows
    customers: int
    without_score: int
    left_without_score: int


def gather(question: Question, instants: list[dt.datetime], stays: Stays, *, now: dt.datetime, progress: Progress) -> Gathered:
    """Scores of every date from what was known then, beside who left within the horizon."""
    pieces: list[Rows] = []
    customers = without = left_without = 0
    for number, instant in enumerate(instants):
        inputs = read_inputs(instant=Instant.at(as_of=instant, now=now), models=question.models)
        judged = judge(inputs, question.models)
        places = stays.customers(instant)
        # the rows of the inputs are all accounts in the order of their ids
        at = np.searchsorted(inputs.accounts, stays.accounts[places])
        places, at = places[judged.meant[at]], at[judged.meant[at]]
        exits = stays.next_exit(instant)[places]
        left = exits < instant.timestamp() + question.horizon_days * DAY
        scored = judged.score[at] >= 0
        customers += places.size
        without += int((~scored).sum())
        left_without += int((~scored & left).sum())
        raws = np.column_stack([inputs.of(part) for part in question.models[0].model.parts])[at]
        rows = Rows(places, np.full(places.size, instant.timestamp()), judged.score[at], judged.band[at], raws, inputs.known_elsewhere[at], exits, left)
        pieces.append(rows.take(scored))
        progress(number + 1, len(instants))
    joined = Rows(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in Rows.__dataclass_fields__))
    return Gathered(joined, customers, without, left_without)


def run(question: Question, *, now: dt.datetime, progress: Progress = lambda _done, _all: None) -> dict[str, Any]:
    """The figures of a backtest, ready for JSON. Writes nothing. Raises Refused."""
    instants = question.instants()
    known = dt.datetime.combine(question.end, dt.time(), instants[0].tzinfo)
    stays = read_stays(known=min(known, now))
    gathered = gather(question, instants, stays, now=now, progress=progress)
    rows = gathered.rows
    if not gathered.customers:
        raise Refused("no_customers")
    if not rows.subject.size:
        raise Refused("no_scores")
    dates = [instant.timestamp() for instant in instants]
    leavers = int(np.unique(rows.subject[rows.left]).size)
    return {
        "model": question.label,
        "start": question.start.isoformat(),
        "end": question.end.isoformat(),
        "horizon_days": question.horizon_days,
        "dates": [instant.date().isoformat() for instant in instants],
        "rows": int(rows.subject.size),
        "accounts": int(np.unique(rows.subject).size),
        "churned_rows": int(rows.left.sum()),
        "churned_accounts": leavers,
        "churn_rate": _rounded(rows.left.mean()),
        "without_score": {"rows": gathered.without_score, "churned_rows": gathered.left_without_score},
        "auc": auc_figure(auc(-rows.score, rows.left, rows.subject)),
        "by_date": [_date_figure(instant, rows.take(rows.date == instant.timestamp())) for instant in instants],
        "deciles": _deciles(rows),
        "bands": [{"band": name, **_alarm(rows.band == code, rows.left)} for code, name in enumerate(BANDS)],
        "alarms": {"at_risk": _alarm(rows.band == 0, rows.left), "at_risk_or_watch": _alarm(rows.band <= 1, rows.left)},
        "lead_days": {"at_risk": _leads(rows, question, 0), "at_risk_or_watch": _leads(rows, question, 1)},
        "calibration": _calibration(rows, dates, question.horizon_days),
        "components": _components(rows, question.models[0].model) if len(question.models) == 1 else [],
        "weights": _proposal(rows, question, dates),
        "flags": ["few_churned"] if leavers < FEW else [],
    }


def _rounded(value: Any, digits: int = 6) -> float | None:
    return None if value is None else round(float(value), digits)


def auc_figure(found: Auc) -> dict[str, Any]:
    """An AUC for JSON."""
    return {
        "value": _rounded(found.value), "low": _rounded(found.low), "high": _rounded(found.high), "churned": found.left, "kept": found.stayed,
        "interval": "DeLong 95 %, rows of one account taken together",
    }  # fmt: skip


def _date_figure(instant: dt.datetime, rows: Rows) -> dict[str, Any]:
    found = auc(-rows.score, rows.left)
    return {"date": instant.date().isoformat(), "rows": int(rows.subject.size), "churned": found.left, "auc": _rounded(found.value)}


def _deciles(rows: Rows) -> list[dict[str, Any]]:
    return [
        {"decile": each.number, "rows": each.rows, "churned": _rounded(each.left, 2), "rate": _rounded(each.rate), "lift": _rounded(each.lift, 4)}
        for each in tenths(-rows.score, rows.left)
    ]


def _alarm(raised: np.ndarray, left: np.ndarray) -> dict[str, Any]:
    found = alarm(raised, left)
    return {"rows": found.rows, "churned": found.left, "precision": _rounded(found.precision), "recall": _rounded(found.recall)}


def _leads(rows: Rows, question: Question, worst: int) -> dict[str, Any]:
    """Days from the first look of the unbroken alarm to the leaving, over all leavings that a look came before."""
    gone = np.isfinite(rows.exit_at)
    order = np.lexsort((rows.date[gone], rows.exit_at[gone], rows.subject[gone]))
    told = zip(rows.subject[gone][order].tolist(), rows.exit_at[gone][order].tolist(), rows.date[gone][order].tolist(), (rows.band[gone][order] <= worst).tolist(), strict=True)
    leads, leavings = [], 0
    for (_subject, exit_at), looks in itertools.groupby(told, key=lambda row: row[:2]):
        # a look at the very instant of leaving warns of nothing
        seen = [(row[2], row[3]) for row in looks if row[2] < exit_at]
        if not seen or exit_at - seen[-1][0] > question.horizon_days * DAY:
            continue
        leavings += 1
        lead = lead_days(seen, exit_at)
        if lead is not None:
            leads.append(lead / DAY)
    found = {name: value if name == "count" else _rounded(value, 1) for name, value in spread(leads).items()}
    return {**found, "leavings": leavings, "warned": _rounded(len(leads) / leavings) if leavings else None}


@dataclass(frozen=True)
class Split:
    """Rows to learn from and later rows to test on; `apart` where no outcome of the first reaches into the second."""

    learn: np.ndarray
    test: np.ndarray
    tested_from: float
    apart: bool


def split_by_time(date: np.ndarray, dates: list[float], horizon_days: int) -> Split | None:
    """The last third of the dates to test on, all earlier ones whose horizon had ended by then to learn from.

    Where the span is too short for that, all earlier dates. None for a single date.
    """
    if len(dates) < 2:
        return None
    tested_from = dates[-max(1, len(dates) // 3)]
    learn = date + horizon_days * DAY <= tested_from
    apart = bool(learn.any())
    return Split(learn if apart else date < tested_from, date >= tested_from, tested_from, apart)


def _calibration(rows: Rows, dates: list[float], horizon_days: int) -> dict[str, Any]:
    """A score is no probability: a sigmoid fitted on earlier dates makes it one, and later dates tell whether it holds."""
    split = split_by_time(rows.date, dates, horizon_days)
    if split is None:
        return {"refused": "one_date"}
    if len(set(rows.left[split.learn].tolist())) < 2 or not split.test.any():
        return {"refused": "too_few"}
    slope, offset = fit_sigmoid(-rows.score[split.learn] / 100.0, rows.left[split.learn])
    told, came = sigmoid(slope * (-rows.score[split.test] / 100.0) + offset), rows.left[split.test]
    bins = reliability(told, came)
    rate = float(rows.left[split.learn].mean())
    return {
        "learnt_on_rows": int(split.learn.sum()), "tested_on_rows": int(split.test.sum()),
        "tested_from": dt.datetime.fromtimestamp(split.tested_from, dt.UTC).date().isoformat(), "apart": split.apart,
        "brier": _rounded(brier(told, came)), "brier_of_base_rate": _rounded(brier(np.full(came.size, rate), came)), "calibration_error": _rounded(calibration_error(bins)),
        "bins": [{"rows": each.rows, "told": _rounded(each.told), "came": _rounded(each.came), "low": _rounded(each.low), "high": _rounded(each.high)} for each in bins],
    }  # fmt: skip


def _points(model: Model, rows: Rows) -> np.ndarray:
    everyone = np.ones(rows.subject.size, dtype=bool)
    return score_rows(model, rows.raws, may_score=everyone, known_elsewhere=rows.known_elsewhere).points


def _components(rows: Rows, model: Model) -> list[dict[str, Any]]:
    """How each part alone told them apart, over the rows where it had data."""
    points, found = _points(model, rows), []
    for column, part in enumerate(model.parts):
        there = ~np.isnan(rows.raws[:, column])
        alone = auc(-points[there, column], rows.left[there], rows.subject[there])
        found.append({"component": part.source, "weight": part.weight, "with_data": _rounded(there.mean()), "auc": auc_figure(alone)})
    return found


def with_weights(model: Model, weights: list[int]) -> Model:
    """The same model with other weights."""
    return replace(model, parts=tuple(replace(part, weight=weight) for part, weight in zip(model.parts, weights, strict=True)))


def _proposal(rows: Rows, question: Question, dates: list[float]) -> dict[str, Any]:
    """Weights from a logistic fit on earlier dates, and what both sets of weights would have told on later ones."""
    if len(question.models) != 1:
        return {"refused": "several_models"}
    model = question.models[0].model
    split = split_by_time(rows.date, dates, question.horizon_days)
    if split is None:
        return {"refused": "one_date"}
    learn, test = rows.take(split.learn), rows.take(split.test)
    learnt, tested = np.unique(learn.subject[learn.left]).size, np.unique(test.subject[test.left]).size
    counts = {"learnt_churned": int(learnt), "tested_churned": int(tested), "needed": [FEW, FEW_TESTED]}
    if learnt < FEW or tested < FEW_TESTED:
        return {"refused": "too_few", **counts}
    _intercept, fitted = fit_weights(lost_shares(_points(model, learn)), learn.left)
    if not fitted.any():
        return {"refused": "nothing_tells", **counts}
    weights = whole_weights(fitted.tolist())
    now_sum = sum(part.weight for part in model.parts)
    everyone = np.ones(test.subject.size, dtype=bool)
    proposed = score_rows(with_weights(model, weights), test.raws, may_score=everyone, known_elsewhere=test.known_elsewhere).score
    both = proposed >= 0
    return {
        **counts, "learnt_on_rows": int(learn.subject.size), "tested_on_rows": int(both.sum()),
        "tested_from": dt.datetime.fromtimestamp(split.tested_from, dt.UTC).date().isoformat(), "apart": split.apart,
        "components": [
            {"component": part.source, "now": part.weight, "now_share": _rounded(part.weight / now_sum), "proposed": weight, "log_odds": _rounded(log_odds)}
            for part, weight, log_odds in zip(model.parts, weights, fitted.tolist(), strict=True)
        ],
        "auc_now": auc_figure(auc(-test.score[both], test.left[both], test.subject[both])),
        "auc_proposed": auc_figure(auc(-proposed[both], test.left[both], test.subject[both])),
    }  # fmt: skip
