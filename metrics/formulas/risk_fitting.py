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


def fit_margin(candidate: Candidate, matrix: np.ndarray, left: np.ndarray) -> dict[str, Any]:
    """The fitted numbers of one candidate, as JSON. Both kinds of rows must be there."""
    if candidate.algorithm == LOGISTIC:
        from sklearn.linear_model import LogisticRegression

        found = LogisticRegression(C=candidate.strength, max_iter=500).fit(matrix, left)
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


def out_of_fold(table: FeatureTable, left: np.ndarray, fold: np.ndarray, candidates: tuple[Candidate, ...] = CANDIDATES) -> dict[Candidate, np.ndarray]:
    """The margin of every row under each candidate, fitted on the other folds alone, columns included."""
    found = {candidate: np.zeros(table.rows) for candidate in candidates}
    for number in range(FOLDS):
        here = fold == number
        columns = learn_columns(table.take(~here))
        matrix, _feature = encode(columns, table.take(~here))
        unseen, _feature = encode(columns, table.take(here))
        for candidate in candidates:
            found[candidate][here] = margins(candidate.algorithm, fit_margin(candidate, matrix, left[~here]), unseen)
    return found


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
    """The candidate of the smallest log loss out of fold, its probabilities there, and the losses of all."""

    candidate: Candidate
    margin: np.ndarray
    told: np.ndarray
    losses: dict[str, float]


def choose(table: FeatureTable, left: np.ndarray, groups: np.ndarray) -> Tried:
    """Tries the candidates out of fold; folds never part the rows of a group. Trees are tried where enough left to grow them."""
    candidates = CANDIDATES if np.unique(groups[left]).size >= FOR_TREES else tuple(each for each in CANDIDATES if each.algorithm == LOGISTIC)
    fold = folds_of(groups, left)
    margin = out_of_fold(table, left, fold, candidates)
    told = {candidate: cross_calibrated(margin[candidate], left, fold) for candidate in candidates}
    losses = {candidate: log_loss(told[candidate], left) for candidate in candidates}
    best = min(candidates, key=lambda candidate: losses[candidate])
    return Tried(best, margin[best], told[best], {candidate.name: loss for candidate, loss in losses.items()})


def fit_model(table: FeatureTable, left: np.ndarray, tried: Tried) -> RiskModel:
    """The chosen candidate on all rows; the sigmoid is that of the margins out of fold."""
    columns = learn_columns(table)
    matrix, _feature = encode(columns, table)
    slope, offset = fit_sigmoid(tried.margin, left)
    return RiskModel(columns, tried.candidate.algorithm, fit_margin(tried.candidate, matrix, left), slope, offset)


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
