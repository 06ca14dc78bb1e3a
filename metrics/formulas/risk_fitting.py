"""Fitting a model of churn risk: candidates, tried on rows not learnt from, the best of them calibrated. Pure.

scikit-learn is imported at first use, never at start. Everything random has seed 0: the same rows give the same model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.formulas.calibration import brier, calibration_error, fit_sigmoid, log_loss, reliability, sigmoid
from metrics.formulas.discrimination import Auc, auc, tenths
from metrics.formulas.risk_columns import ATTRIBUTE, FeatureTable, as_numbers, encode, learn_columns
from metrics.formulas.risk_model import BOOSTING, LOGISTIC, RiskModel, logistic_json, margins, tree_json

FOLDS, SEED = 5, 0
# a single attribute that parts nearly all who left from those who stayed is the outcome under another name
TOO_GOOD = 0.98
# two features that go together this closely are one
SAME = 0.98
# fewer that left than this and trees learn who they were
FOR_TREES = 200
# blocks of later dates; accounts that left before one to learn from, rows that left in all of them to judge by
BLOCKS, LEARNABLE, JUDGEABLE = 3, 15, 50


@dataclass(frozen=True)
class Candidate:
    """A way to fit; `strength` is that of the logistic regression, smaller is more cautious."""

    algorithm: str
    strength: float = 1.0

    @property
    def name(self) -> str:
        """For figures."""
        return f"{self.algorithm} {self.strength:g}" if self.algorithm == LOGISTIC else self.algorithm


CANDIDATES = (Candidate(LOGISTIC, 0.02), Candidate(LOGISTIC, 0.5), Candidate(BOOSTING))


def fit_margin(candidate: Candidate, matrix: np.ndarray, left: np.ndarray, rows_a_subject: float = 1.0) -> dict[str, Any]:
    """The fitted numbers of one candidate, as JSON. Both kinds of rows must be there.

    Rows of one account say nearly the same: the penalty is that of one row an account.
    """
    if candidate.algorithm == LOGISTIC:
        from sklearn.linear_model import LogisticRegression

        found = LogisticRegression(C=candidate.strength / rows_a_subject, max_iter=500).fit(matrix, left)
        return logistic_json(found.coef_[0], float(found.intercept_[0]), matrix.mean(axis=0))
    from sklearn.ensemble import HistGradientBoostingClassifier

    smallest = max(5, min(40, int(left.sum()) // 10))
    boosted = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, max_depth=3, min_samples_leaf=smallest, l2_regularization=2.0, early_stopping=False, max_bins=64, random_state=SEED
    ).fit(matrix, left)
    trees = [tree_json(stage[0].nodes) for stage in boosted._predictors]
    return {"bias": float(np.ravel(boosted._baseline_prediction)[0]), "trees": trees}


def folds_of(groups: np.ndarray, left: np.ndarray) -> np.ndarray:
    """A fold by row: all rows of a group in one, groups with and without a row that left spread evenly."""
    names, index = np.unique(groups, return_inverse=True)
    ever = np.zeros(names.size, dtype=bool)
    ever[index[left]] = True
    fold = np.zeros(names.size, dtype=np.int64)
    dice = np.random.default_rng(SEED)
    for kind in (True, False):
        members = np.flatnonzero(ever == kind)
        fold[dice.permutation(members)] = np.arange(members.size) % FOLDS
    return fold[index]


Cut = tuple[np.ndarray, np.ndarray]


def account_cuts(fold: np.ndarray) -> list[Cut]:
    """(rows to learn on, rows to judge) by folds of accounts."""
    return [(fold != number, fold == number) for number in range(FOLDS)]


def time_cuts(left: np.ndarray, groups: np.ndarray, date: np.ndarray, horizon: float) -> list[Cut]:
    """(rows to learn on, rows to judge): later blocks of dates, each after the outcomes of what it is judged by.

    The world changes, and a model that is only judged within its own time is too sure of itself. Empty where the
    history is too short: fewer than two blocks, or fewer than 50 rows that left to judge.
    """
    dates = np.unique(date)
    later = dates[dates.size // 3 :]
    found: list[Cut] = []
    for block in np.array_split(later, min(BLOCKS, later.size)):
        learn, judge = date + horizon <= block[0], (date >= block[0]) & (date <= block[-1])
        if np.unique(groups[learn & left]).size >= LEARNABLE and (learn & ~left).any():
            found.append((learn, judge))
    judged = sum(int(left[judge].sum()) for _learn, judge in found)
    return found if len(found) > 1 and judged >= JUDGEABLE else []


def unseen_margins(table: FeatureTable, left: np.ndarray, groups: np.ndarray, cuts: list[Cut], candidates: tuple[Candidate, ...]) -> dict[Candidate, np.ndarray]:
    """The margin of every judged row under each candidate (NaN of the others), fitted on other rows alone, columns included."""
    found = {candidate: np.full(table.rows, np.nan) for candidate in candidates}
    for learn, judge in cuts:
        columns = learn_columns(table.take(learn))
        matrix, _feature = encode(columns, table.take(learn))
        unseen, _feature = encode(columns, table.take(judge))
        for candidate in candidates:
            found[candidate][judge] = margins(candidate.algorithm, fit_margin(candidate, matrix, left[learn], rows_a_subject(groups[learn])), unseen)
    return found


def rows_a_subject(groups: np.ndarray) -> float:
    """How many rows an account has on average."""
    return groups.size / max(np.unique(groups).size, 1)


def cross_calibrated(margin: np.ndarray, left: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Probabilities by sigmoids that were each fitted on the other folds."""
    told = np.zeros(margin.size)
    for number in range(FOLDS):
        here = fold == number
        slope, offset = fit_sigmoid(margin[~here], left[~here])
        told[here] = sigmoid(slope * margin[here] + offset)
    return told


@dataclass(frozen=True)
class Tried:
    """The candidate of the smallest log loss on rows it had not seen, its margins and probabilities there, and the losses of all.

    `judged` marks these rows; by folds of accounts they are all, by blocks of time the later ones.
    """

    candidate: Candidate
    margin: np.ndarray
    told: np.ndarray
    losses: dict[str, float]
    judged: np.ndarray


def choose(table: FeatureTable, left: np.ndarray, groups: np.ndarray, date: np.ndarray | None = None, horizon: float = 0.0) -> Tried:
    """Tries the candidates on rows they had not seen: later ones where `date` and the history allow it, else other accounts'.

    Trees are tried where enough left to grow them. `date` and `horizon` are in one unit.
    """
    candidates = CANDIDATES if np.unique(groups[left]).size >= FOR_TREES else tuple(each for each in CANDIDATES if each.algorithm == LOGISTIC)
    fold = folds_of(groups, left)
    cuts = time_cuts(left, groups, date, horizon) if date is not None else []
    margin = unseen_margins(table, left, groups, cuts or account_cuts(fold), candidates)
    judged = ~np.isnan(margin[candidates[0]])
    told = {candidate: cross_calibrated(margin[candidate][judged], left[judged], fold[judged]) for candidate in candidates}
    losses = {candidate: log_loss(told[candidate], left[judged]) for candidate in candidates}
    best = min(candidates, key=lambda candidate: losses[candidate])
    return Tried(best, margin[best][judged], told[best], {candidate.name: loss for candidate, loss in losses.items()}, judged)


def fit_model(table: FeatureTable, left: np.ndarray, groups: np.ndarray, tried: Tried) -> RiskModel:
    """The chosen candidate on all rows; the sigmoid is that of the margins on rows it had not seen."""
    columns = learn_columns(table)
    matrix, _feature = encode(columns, table)
    slope, offset = fit_sigmoid(tried.margin, left[tried.judged])
    if slope <= 0:
        # that would turn the model round: what told nothing tells the usual share
        rate = min(max(float(left[tried.judged].mean()), 1e-6), 1 - 1e-6)
        slope, offset = 0.0, float(np.log(rate / (1 - rate)))
    return RiskModel(columns, tried.candidate.algorithm, fit_margin(tried.candidate, matrix, left, rows_a_subject(groups)), slope, offset)


def too_good(table: FeatureTable, left: np.ndarray, groups: np.ndarray) -> set[str]:
    """Attributes that alone part those who left from those who stayed, judged on the folds they were not learnt on."""
    found, fold = set(), folds_of(groups, left)
    for name, texts in table.texts.items():
        if not name.startswith(ATTRIBUTE):
            continue
        _levels, index = np.unique(texts.astype(str), return_inverse=True)
        if index.max() > 50:
            continue
        told = np.zeros(texts.size)
        for number in range(FOLDS):
            here = fold == number
            gone = np.bincount(index[~here], weights=left[~here], minlength=index.max() + 1)
            told[here] = (gone[index[here]] + left.mean()) / (np.bincount(index[~here], minlength=index.max() + 1)[index[here]] + 1)
        value = auc(told, left).value
        if value is not None and value >= TOO_GOOD:
            found.add(name)
    return found


def same_again(table: FeatureTable) -> list[str]:
    """Attributes that are numbers and rise and fall with a numeric feature (correlation above 0.98)."""
    found = []
    for name, texts in sorted(table.texts.items()):
        values = as_numbers(texts) if name.startswith(ATTRIBUTE) else None
        if values is None:
            continue
        for other in table.numbers.values():
            both = ~np.isnan(values) & ~np.isnan(other)
            x, y = values[both], other[both]
            if both.mean() > 0.9 and x.std() > 0 and y.std() > 0 and abs(float(np.corrcoef(x, y)[0, 1])) > SAME:
                found.append(name)
                break
    return found


def one_thread() -> Any:
    """Within it the fits use one thread: on a busy machine threads that wait for each other are slower than one."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


def measured(told: np.ndarray, left: np.ndarray, subjects: np.ndarray, *, base_rate: float) -> dict[str, Any]:
    """How well probabilities did on rows not learnt from, for JSON. `base_rate` is what one would have told without a model."""
    found: Auc = auc(told, left, subjects)
    bins = reliability(told, left)
    return {
        "rows": int(left.size), "accounts": int(np.unique(subjects).size), "churned_rows": int(left.sum()), "churned_accounts": int(np.unique(subjects[left]).size),
        "auc": found.value, "auc_low": found.low, "auc_high": found.high, "interval": "DeLong 95 %, rows of one account taken together",
        "brier": brier(told, left), "brier_of_base_rate": brier(np.full(left.size, base_rate), left), "calibration_error": calibration_error(bins),
        "told": float(told.mean()) if told.size else None, "came": float(left.mean()) if left.size else None,
        "bins": [{"rows": each.rows, "told": each.told, "came": each.came, "low": each.low, "high": each.high} for each in bins],
        "deciles": [{"decile": each.number, "rows": each.rows, "churned": each.left, "rate": each.rate, "lift": each.lift} for each in tenths(told, left)],
    }  # fmt: skip
