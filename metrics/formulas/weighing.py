"""Scores of many rows at once, and the weights that would have told best who leaves. Pure.

The arithmetic of `score_rows` is that of `metrics/scoring.py`, to the bit, over arrays; a test feeds both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.formulas.calibration import sigmoid
from metrics.scoring import COUNTS, FULL, LEAVE_OUT, NEUTRAL, NEUTRAL_POINTS, Model


@dataclass(frozen=True)
class Scores:
    """Hundredths of a point by row (-1: no score), and the points of each part (-1: left out)."""

    score: np.ndarray
    points: np.ndarray

    @property
    def scored(self) -> np.ndarray:
        """Which rows have a score."""
        return self.score >= 0


def score_rows(model: Model, raws: np.ndarray, *, may_score: np.ndarray, known_elsewhere: np.ndarray) -> Scores:
    """The scores of rows of raw inputs (one column a part, NaN for none), by the rules of `metrics/scoring.py`.

    `may_score` leaves rows out; `known_elsewhere` says that the account has a ticket or a transaction.
    """
    raws = np.asarray(raws, dtype=float)
    points = np.empty(raws.shape, dtype=np.int64)
    evidence = np.asarray(known_elsewhere, dtype=bool).copy()
    for column, part in enumerate(model.parts):
        raw = raws[:, column]
        there = ~np.isnan(raw)
        share = np.clip((np.where(there, raw, part.worst) - part.worst) / (part.best - part.worst), 0.0, 1.0)
        missing = -1 if part.missing == LEAVE_OUT else NEUTRAL_POINTS if part.missing == NEUTRAL else 0
        points[:, column] = np.where(there, np.floor(share * 10000.0 + 0.5).astype(np.int64), missing)
        evidence |= there & (raw > 0) if part.source in COUNTS else there
        if part.missing != LEAVE_OUT:
            evidence |= ~there
    weights = np.array([part.weight for part in model.parts], dtype=np.int64)
    counted = points >= 0
    weight = (counted * weights).sum(axis=1)
    total = (np.where(counted, points, 0) * weights).sum(axis=1)
    score = (2 * total + weight) // np.maximum(2 * weight, 1)
    scored = (weight > 0) & evidence & np.asarray(may_score, dtype=bool)
    return Scores(np.where(scored, score, -1), points)


def band_codes(model: Model, score: np.ndarray) -> np.ndarray:
    """0 at risk, 1 watch, 2 healthy, -1 without a score."""
    return np.where(score < 0, -1, (score >= model.watch_from * 100).astype(int) + (score >= model.healthy_from * 100).astype(int))


def lost_shares(points: np.ndarray) -> np.ndarray:
    """The share of its points that each part lost, 0 to 1; NaN where it was left out."""
    return np.where(points >= 0, (FULL - points) / FULL, np.nan)


def fit_weights(lost: np.ndarray, left: np.ndarray, *, ridge: float = 1.0) -> tuple[float, np.ndarray]:
    """Intercept and weights, none below 0, of the logistic regression of leaving on the shares lost.

    A part without data counts as its own mean. The ridge is in units of one row and keeps parts that
    say the same from running off against each other.
    """
    from scipy.optimize import minimize

    left = np.asarray(left, dtype=float)
    there = ~np.isnan(lost)
    means = np.where(there.any(axis=0), np.nansum(lost, axis=0) / np.maximum(there.sum(axis=0), 1), 0.0)
    x = np.where(there, lost, means)
    rate = min(max(float(left.mean()), 1e-6), 1 - 1e-6)

    def cost(theta: np.ndarray) -> tuple[float, np.ndarray]:
        line = theta[0] + x @ theta[1:]
        value = float((np.logaddexp(0.0, line) - left * line).sum() + ridge / 2 * (theta[1:] ** 2).sum())
        off = sigmoid(line) - left
        return value, np.concatenate([[off.sum()], x.T @ off + ridge * theta[1:]])

    start = np.concatenate([[np.log(rate / (1 - rate))], np.zeros(x.shape[1])])
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *[(0.0, None)] * x.shape[1]])
    return float(found.x[0]), np.where(found.x[1:] < 1e-6, 0.0, found.x[1:])


def whole_weights(weights: Sequence[float], total: int = 100) -> list[int]:
    """Whole numbers in proportion that sum to `total`, the largest remainders rounded up, the first of equal ones. Raises ValueError where all are 0."""
    whole = sum(weights)
    if not whole > 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights are not negative and not all 0")
    exact = [weight / whole * total for weight in weights]
    found = [int(each) for each in exact]
    order = sorted(range(len(exact)), key=lambda place: (found[place] - exact[place], place))
    for place in order[: total - sum(found)]:
        found[place] += 1
    return found
