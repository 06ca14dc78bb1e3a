"""What an account looks like as numbers: columns learnt from a table of features, and the same columns of other rows. Pure.

A numeric feature becomes its logarithm where it is skewed, cut at the 1st and 99th percentile and standardised, and a column that
says it is missing; a category one column a level. Everything that was learnt is plain JSON.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

LEVELS_AT_MOST = 20
# a level of fewer rows is no level of its own
RARE = 10
# a text that nearly always is a number, of more values than this, is cut into tenths
NUMBERS_AT_LEAST = 12
# standard deviations from the mean, at most: of a feature that hardly varied the next value would else count for everything
FARTHEST = 3.0
ATTRIBUTE = "attribute:"
# attributes whose names speak of leaving know the outcome; English and Turkish
_OUTCOME = re.compile(r"churn|attrition|cancel|terminat|lapsed|\bleft\b|\blost\b|exit|offboard|iptal|ayr[ıi]l|kayb|kay[ıi]p", re.IGNORECASE)


def tells_outcome(name: str) -> bool:
    """Whether an attribute of this name is likely to say that an account left, so that learning from it would be looking ahead."""
    return bool(_OUTCOME.search(name.replace("_", " ")) or _OUTCOME.search(name))


@dataclass(frozen=True)
class FeatureTable:
    """Rows of features: numbers with NaN for none, texts with "" for none."""

    rows: int
    numbers: dict[str, np.ndarray]
    texts: dict[str, np.ndarray]

    def take(self, index: np.ndarray) -> FeatureTable:
        """Some of the rows, by a mask or by places."""
        numbers = {name: values[index] for name, values in self.numbers.items()}
        texts = {name: values[index] for name, values in self.texts.items()}
        rows = int(index.sum()) if index.dtype == bool else int(index.size)
        return FeatureTable(rows, numbers, texts)

    def without(self, names: set[str]) -> FeatureTable:
        """The table without some features."""
        return FeatureTable(
            self.rows, {name: values for name, values in self.numbers.items() if name not in names}, {name: values for name, values in self.texts.items() if name not in names}
        )

    @staticmethod
    def join(tables: list[FeatureTable]) -> FeatureTable:
        """Rows below each other; a feature that a table lacks is empty there."""
        numbers = sorted({name for table in tables for name in table.numbers})
        texts = sorted({name for table in tables for name in table.texts})
        return FeatureTable(
            sum(table.rows for table in tables),
            {name: np.concatenate([table.numbers.get(name, np.full(table.rows, np.nan)) for table in tables]) for name in numbers},
            {name: np.concatenate([table.texts.get(name, np.full(table.rows, "", dtype=object)) for table in tables]) for name in texts},
        )


def as_numbers(texts: np.ndarray) -> np.ndarray | None:
    """The texts as numbers where at least 95 of 100 that are not empty are some, else None."""
    found, filled, read = np.full(texts.size, np.nan), 0, 0
    for place, text in enumerate(texts.tolist()):
        if text == "":
            continue
        filled += 1
        try:
            value = float(text)
        except ValueError:
            continue
        if np.isfinite(value):
            found[place] = value
            read += 1
    return found if filled and read >= 0.95 * filled else None


def learn_columns(table: FeatureTable) -> list[dict[str, Any]]:
    """The features of a table that vary, with what their columns need. JSON."""
    found = [each for name in sorted(table.numbers) if (each := _learn_number(name, table.numbers[name])) is not None]
    return found + [each for name in sorted(table.texts) if (each := _learn_text(name, table.texts[name])) is not None]


def _learn_number(name: str, values: np.ndarray) -> dict[str, Any] | None:
    there = values[~np.isnan(values)]
    missing = bool(0.005 <= 1 - there.size / max(values.size, 1) <= 0.995)
    if there.size < 2 * RARE or (np.unique(there[:1000]).size < 2 and np.unique(there).size < 2):
        return None
    low, high = (float(edge) for edge in np.quantile(there, [0.01, 0.99]))
    if low == high:
        low, high = float(there.min()), float(there.max())
    quarter, middle, upper = (float(edge) for edge in np.quantile(there, [0.25, 0.5, 0.75]))
    log = high - middle > 4 * max(middle - low, 1e-9)
    cut = _curve(np.clip(there, low, high), log)
    scale = float(cut.std())
    if not scale > 0:
        return None
    return {
        "name": name, "kind": "number", "low": low, "high": high, "log": bool(log), "mean": float(cut.mean()), "scale": scale, "missing": missing,
        "usual": middle, "quarter": quarter, "three_quarters": upper,
    }  # fmt: skip


def _curve(values: np.ndarray, log: bool) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values)) if log else values


def _learn_text(name: str, texts: np.ndarray) -> dict[str, Any] | None:
    counts = Counter(texts.tolist())
    if len(counts) > NUMBERS_AT_LEAST and (numbers := as_numbers(texts)) is not None:
        edges = sorted({float(edge) for edge in np.nanquantile(numbers, np.linspace(0.1, 0.9, 9))})
        if len(edges) > 1:
            return {"name": name, "kind": "text", "edges": edges, "levels": [str(number) for number in range(len(edges) + 1)], "usual": str(counts.most_common(1)[0][0])}
    levels = sorted(level for level, count in counts.most_common(LEVELS_AT_MOST) if count >= min(RARE, max(texts.size // 50, 1)))
    if len(levels) < 2:
        return None
    return {"name": name, "kind": "text", "edges": None, "levels": levels, "usual": str(counts.most_common(1)[0][0])}


def encode(columns: list[dict[str, Any]], table: FeatureTable) -> tuple[np.ndarray, np.ndarray]:
    """The matrix of the learnt columns for these rows, and for each column of it the place of its feature."""
    pieces: list[np.ndarray] = []
    feature: list[int] = []
    for place, column in enumerate(columns):
        name = column["name"]
        if column["kind"] == "number":
            values = table.numbers.get(name, np.full(table.rows, np.nan))
            gone = np.isnan(values)
            spread = (_curve(np.clip(np.where(gone, 0.0, values), column["low"], column["high"]), column["log"]) - column["mean"]) / column["scale"]
            pieces.append(np.where(gone, 0.0, np.clip(spread, -FARTHEST, FARTHEST)))
            feature.append(place)
            if column["missing"]:
                pieces.append(gone.astype(float))
                feature.append(place)
            continue
        texts = table.texts.get(name, np.full(table.rows, "", dtype=object))
        if column["edges"]:
            numbers = as_numbers(texts)
            numbers = np.full(table.rows, np.nan) if numbers is None else numbers
            texts = np.where(np.isnan(numbers), "", np.searchsorted(np.array(column["edges"]), np.nan_to_num(numbers), side="right").astype(str)).astype(object)
        for level in column["levels"]:
            pieces.append((texts == level).astype(float))
            feature.append(place)
    matrix = np.column_stack(pieces) if pieces else np.zeros((table.rows, 0))
    return matrix, np.array(feature, dtype=np.int64)
