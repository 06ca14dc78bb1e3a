"""Whether probabilities mean what they say: reliability by bins, Brier score, calibration error, a sigmoid. Pure.

Arrays are numpy: `told` the probability, `came` whether it happened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054


@dataclass(frozen=True)
class Bin:
    """Rows of like probability: what was told on average, what came, and Wilson's 95 % interval of that share."""

    rows: int
    told: float
    came: float
    low: float
    high: float


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) over nothing."""
    if not rows:
        return 0.0, 1.0
    share, square = hits / rows, Z * Z
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    wide = Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows)) / (1 + square / rows)
    return max(0.0, middle - wide), min(1.0, middle + wide)


def reliability(told: np.ndarray, came: np.ndarray, count: int = 10) -> list[Bin]:
    """The rows in `count` bins of as many rows each, by what was told; equal probabilities are never parted."""
    told, came = np.asarray(told, dtype=float), np.asarray(came, dtype=bool)
    if not told.size:
        return []
    order = np.argsort(told, kind="stable")
    told, came = told[order], came[order]
    found, start = [], 0
    for number in range(1, count + 1):
        end = told.size * number // count
        if end <= start:
            continue
        end = int(np.searchsorted(told, told[end - 1], side="right"))
        rows, hits = end - start, int(came[start:end].sum())
        found.append(Bin(rows, float(told[start:end].mean()), hits / rows, *wilson(hits, rows)))
        start = end
    return found


def brier(told: np.ndarray, came: np.ndarray) -> float | None:
    """The mean square of what was told less what came (1 or 0): 0 is perfect, always telling the base rate r scores r(1 - r)."""
    told, came = np.asarray(told, dtype=float), np.asarray(came, dtype=float)
    return float(np.mean((told - came) ** 2)) if told.size else None


def calibration_error(bins: list[Bin]) -> float | None:
    """The expected calibration error: the distance of told and came, averaged over the rows."""
    rows = sum(each.rows for each in bins)
    return sum(each.rows * abs(each.told - each.came) for each in bins) / rows if rows else None


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), without an overflow however far out."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(values, dtype=float)))


def log_loss(told: np.ndarray, came: np.ndarray) -> float:
    """The mean of -log of the probability that was told of what came; probabilities are cut at 1e-9."""
    told = np.clip(np.asarray(told, dtype=float), 1e-9, 1 - 1e-9)
    came = np.asarray(came, dtype=bool)
    return float(-np.mean(np.where(came, np.log(told), np.log1p(-told))))


def fit_sigmoid(values: np.ndarray, came: np.ndarray) -> tuple[float, float]:
    """(slope, offset) of the sigmoid that turns `values` into probabilities, by maximum likelihood with Platt's targets.

    Platt's targets (one more hit and one more miss than there were) keep it finite where the values part the two kinds.
    """
    values, came = np.asarray(values, dtype=float), np.asarray(came, dtype=bool)
    hits, misses = int(came.sum()), int((~came).sum())
    target = np.where(came, (hits + 1.0) / (hits + 2.0), 1.0 / (misses + 2.0))
    centre, scale = (float(values.mean()), float(values.std()) or 1.0) if values.size else (0.0, 1.0)
    x = (values - centre) / scale
    slope, offset = 0.0, math.log((hits + 1.0) / (misses + 1.0))
    for _round in range(100):
        p = sigmoid(slope * x + offset)
        spread = p * (1 - p) + 1e-12
        g0, g1 = float((p - target).sum()), float(((p - target) * x).sum())
        h00, h01, h11 = float(spread.sum()), float((spread * x).sum()), float((spread * x * x).sum()) + 1e-9
        determinant = h00 * h11 - h01 * h01
        if determinant <= 0:
            break
        step0, step1 = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        # a step of Newton's, held back where the curve is flat
        largest = max(abs(step0), abs(step1))
        hold = min(1.0, 4.0 / largest) if largest else 1.0
        offset, slope = offset - hold * step0, slope - hold * step1
        if largest < 1e-10:
            break
    return slope / scale, offset - slope * centre / scale
