"""How well a number told who would leave from who would stay: AUC with its interval, lift by tenths, bands, lead. Pure.

Arrays are numpy: `risk` is higher for those more likely to leave, `left` is true for those who did,
`subjects` names whose row it is, because the same account may stand in several rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import numpy as np

Z = 1.959963984540054


@dataclass(frozen=True)
class Auc:
    """The chance that a row that left had the higher risk than one that stayed, ties counted half; None over nothing."""

    value: float | None
    low: float | None
    high: float | None
    left: int
    stayed: int


def midranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value from 1, equal values sharing the mean of theirs."""
    _distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2.0)[inverse]


def auc(risk: np.ndarray, left: np.ndarray, subjects: np.ndarray | None = None) -> Auc:
    """AUC with DeLong's 95 % interval; with `subjects`, Obuchowski's form of it for rows that come in clusters.

    The interval is None where one of the two kinds has fewer than two subjects, and is cut at 0 and 1.
    """
    risk, left = np.asarray(risk, dtype=float), np.asarray(left, dtype=bool)
    m, n = int(left.sum()), int((~left).sum())
    if not m or not n:
        return Auc(None, None, None, m, n)
    ranks = midranks(risk)
    # of each row that left, the share of the others it stands above; of each that stayed, the share that stands above it
    above = (ranks[left] - midranks(risk[left])) / n
    below = 1.0 - (ranks[~left] - midranks(risk[~left])) / m
    value = float(above.mean())
    names = np.arange(risk.size) if subjects is None else np.asarray(subjects)
    _names, index = np.unique(names, return_inverse=True)
    size = int(index.max()) + 1
    # what is left over of each subject, in the rows that left and in those that stayed
    x = np.bincount(index[left], weights=above - value, minlength=size)
    y = np.bincount(index[~left], weights=below - value, minlength=size)
    with_left, with_stayed = int(np.unique(index[left]).size), int(np.unique(index[~left]).size)
    if with_left < 2 or with_stayed < 2:
        return Auc(value, None, None, m, n)
    variance = (
        with_left / (with_left - 1) * float((x * x).sum()) / m**2
        + with_stayed / (with_stayed - 1) * float((y * y).sum()) / n**2
        + 2 * size / (size - 1) * float((x * y).sum()) / (m * n)
    )
    wide = Z * math.sqrt(max(variance, 0.0))
    return Auc(value, max(0.0, value - wide), min(1.0, value + wide), m, n)


@dataclass(frozen=True)
class Tenth:
    """One tenth of the rows, the riskiest first. `left` is a fraction where equal risks lie across an edge."""

    number: int
    rows: int
    left: float
    rate: float
    lift: float | None


def tenths(risk: np.ndarray, left: np.ndarray, count: int = 10) -> list[Tenth]:
    """Rate and lift by tenths of the rows, the riskiest first; the lift is the rate over that of all rows.

    Rows of equal risk are spread evenly over the tenths they lie in, so that no order of the rows matters.
    """
    risk, left = np.asarray(risk, dtype=float), np.asarray(left, dtype=bool)
    if not risk.size:
        return []
    distinct, inverse = np.unique(-risk, return_inverse=True)
    rows = np.concatenate([[0], np.cumsum(np.bincount(inverse, minlength=distinct.size))])
    gone = np.concatenate([[0], np.cumsum(np.bincount(inverse, weights=left, minlength=distinct.size))])
    edges = np.array([risk.size * number // count for number in range(count + 1)])
    reached = np.interp(edges, rows, gone)
    overall = float(left.mean())
    found = []
    for number in range(count):
        size, here = int(edges[number + 1] - edges[number]), float(reached[number + 1] - reached[number])
        if size:
            found.append(Tenth(number + 1, size, here, here / size, here / size / overall if overall else None))
    return found


@dataclass(frozen=True)
class Alarm:
    """A group of rows taken as an alarm: how many of them left (precision), how many of those who left it has (recall)."""

    rows: int
    left: int
    precision: float | None
    recall: float | None


def alarm(raised: np.ndarray, left: np.ndarray) -> Alarm:
    """The figures of one alarm; precision is None where it never rang, recall where nobody left."""
    raised, left = np.asarray(raised, dtype=bool), np.asarray(left, dtype=bool)
    rows, hits, all_left = int(raised.sum()), int((raised & left).sum()), int(left.sum())
    return Alarm(rows, hits, hits / rows if rows else None, hits / all_left if all_left else None)


def lead_days(looks: Sequence[tuple[float, bool]], gone_at: float) -> float | None:
    """How long before it left a subject stood in alarm without a break; None where the last look before was none.

    `looks` are (day, in alarm) in any order; those at or after `gone_at` are not looked at. The lead runs from the
    first look of the unbroken run that lasts to the end.
    """
    since = None
    for day, raised in sorted(looks, reverse=True):
        if day >= gone_at:
            continue
        if not raised:
            break
        since = day
    return None if since is None else gone_at - since


def spread(values: Sequence[float]) -> Mapping[str, Any]:
    """Median and quartiles (inclusive method) with the count; None over nothing."""
    if not values:
        return {"count": 0, "median": None, "quarter": None, "three_quarters": None}
    if len(values) == 1:
        return {"count": 1, "median": values[0], "quarter": values[0], "three_quarters": values[0]}
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return {"count": len(values), "median": middle, "quarter": low, "three_quarters": high}
