"""A fitted model of churn risk as plain JSON: its probabilities, and what each feature did to them. Pure.

Reading one runs no code of it. Two kinds: a logistic regression, and boosted trees; a sigmoid on top makes the margin a
probability. `digest` tells whether a text is what was written.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.formulas.calibration import sigmoid
from metrics.formulas.risk_columns import FeatureTable, encode

FORMAT = "vefa-churn-risk-1"
LOGISTIC, BOOSTING = "logistic", "boosting"


class UnreadableModel(ValueError):
    """A text that is no model of this format, or not the one that was written."""


def digest(text: str) -> str:
    """SHA-256 of a written model."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class RiskModel:
    """Columns, the fitted numbers (`fitted`: weights and centre, or trees), and slope and offset of the sigmoid."""

    columns: list[dict[str, Any]]
    algorithm: str
    fitted: dict[str, Any]
    slope: float
    offset: float

    def dump(self) -> str:
        """As JSON text."""
        content = {"format": FORMAT, "columns": self.columns, "algorithm": self.algorithm, "fitted": self.fitted, "slope": self.slope, "offset": self.offset}
        return json.dumps(content, sort_keys=True, allow_nan=False, ensure_ascii=False)

    @classmethod
    def load(cls, text: str, expected: str) -> RiskModel:
        """From JSON text with the digest that was kept beside it. Raises UnreadableModel."""
        if digest(text) != expected:
            raise UnreadableModel("The stored model is not the one that was written.")
        try:
            content = json.loads(text)
            if content["format"] != FORMAT or content["algorithm"] not in {LOGISTIC, BOOSTING}:
                raise UnreadableModel("The stored model has another format.")
            return cls(content["columns"], content["algorithm"], content["fitted"], float(content["slope"]), float(content["offset"]))
        except (KeyError, TypeError, json.JSONDecodeError) as fault:
            raise UnreadableModel("The stored model cannot be read.") from fault

    def probabilities(self, table: FeatureTable) -> np.ndarray:
        """Of leaving within the horizon, by row."""
        matrix, _feature = encode(self.columns, table)
        return sigmoid(self.slope * margins(self.algorithm, self.fitted, matrix) + self.offset)

    def effects(self, table: FeatureTable) -> np.ndarray:
        """By row and feature: how far it moved the log-odds from those of the average account."""
        matrix, feature = encode(self.columns, table)
        each = (matrix - np.array(self.fitted["centre"])) * np.array(self.fitted["weights"]) if self.algorithm == LOGISTIC else _path_effects(self.fitted["trees"], matrix)
        found = np.zeros((table.rows, len(self.columns)))
        for place in range(matrix.shape[1]):
            found[:, feature[place]] += each[:, place]
        return self.slope * found


def margins(algorithm: str, fitted: dict[str, Any], matrix: np.ndarray) -> np.ndarray:
    """The log-odds before the sigmoid on top."""
    if algorithm == LOGISTIC:
        return fitted["bias"] + matrix @ np.array(fitted["weights"])
    total = np.full(matrix.shape[0], float(fitted["bias"]))
    for tree in fitted["trees"]:
        total += np.array(tree["value"])[_leaves(tree, matrix)[-1]]
    return total


def _leaves(tree: dict[str, list[Any]], matrix: np.ndarray) -> list[np.ndarray]:
    """The node of each row on every level, the leaf last; a row at a leaf stays there."""
    feature, threshold = np.array(tree["feature"]), np.array(tree["threshold"])
    left, right = np.array(tree["left"]), np.array(tree["right"])
    node = np.zeros(matrix.shape[0], dtype=np.int64)
    path, rows = [node], np.arange(matrix.shape[0])
    while True:
        inner = left[node] >= 0
        if not inner.any():
            return path
        goes_left = matrix[rows, feature[node]] <= threshold[node]
        node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
        path.append(node)


def _path_effects(trees: list[dict[str, list[Any]]], matrix: np.ndarray) -> np.ndarray:
    """Each step down a tree moves the expected value; the step belongs to the column that was asked."""
    found, rows = np.zeros(matrix.shape), np.arange(matrix.shape[0])
    for tree in trees:
        value, feature, left = np.array(tree["value"]), np.array(tree["feature"]), np.array(tree["left"])
        path = _leaves(tree, matrix)
        for above, below in itertools.pairwise(path):
            moved = left[above] >= 0
            # one entry a row: no place is added to twice in a step
            found[rows[moved], feature[above][moved]] += value[below][moved] - value[above][moved]
    return found


def logistic_json(weights: np.ndarray, bias: float, centre: np.ndarray) -> dict[str, Any]:
    """A logistic regression as JSON."""
    return {"weights": [float(weight) for weight in weights], "bias": float(bias), "centre": [float(mean) for mean in centre]}


def tree_json(nodes: Any) -> dict[str, list[Any]]:
    """One boosted tree as JSON; the value of an inner node is the mean of its leaves by their rows."""
    size = len(nodes)
    leaf = [bool(node["is_leaf"]) for node in nodes]
    tree: dict[str, list[Any]] = {
        "feature": [0 if leaf[place] else int(nodes[place]["feature_idx"]) for place in range(size)],
        "threshold": [0.0 if leaf[place] else float(nodes[place]["num_threshold"]) for place in range(size)],
        "left": [-1 if leaf[place] else int(nodes[place]["left"]) for place in range(size)],
        "right": [-1 if leaf[place] else int(nodes[place]["right"]) for place in range(size)],
        "value": [float(nodes[place]["value"]) if leaf[place] else 0.0 for place in range(size)],
    }
    count = [float(node["count"]) for node in nodes]
    # children stand behind their parents, so from the end on everything below is known
    for place in range(size - 1, -1, -1):
        if not leaf[place]:
            left, right = tree["left"][place], tree["right"][place]
            weight = count[left] + count[right]
            tree["value"][place] = (count[left] * tree["value"][left] + count[right] * tree["value"][right]) / weight if weight else 0.0
    if not all(math.isfinite(each) for each in tree["threshold"] + tree["value"]):
        raise UnreadableModel("A tree with numbers that are none.")
    return tree
