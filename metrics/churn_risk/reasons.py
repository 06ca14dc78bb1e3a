"""The strongest reasons of each account's risk: features and what they did to the log-odds."""

from __future__ import annotations

from typing import Any

import numpy as np

from metrics.formulas.risk_columns import FeatureTable
from metrics.formulas.risk_model import RiskModel

SHOWN = 3
# a feature that moves the log-odds by less is no reason
WORTH_SAYING = 0.01


def reasons_of(model: RiskModel, table: FeatureTable, probability: np.ndarray, base_rate: float) -> list[list[dict[str, Any]]]:
    """By row at most three: for a risk above the usual what raises it, for one below what lowers it, the strongest first.

    Features that say the same (the age of a customer and that of the oldest subscription) share their effect; each is named.
    """
    effects = model.effects(table)
    towards = np.where((probability >= base_rate)[:, None], effects, -effects)
    shown = min(SHOWN, towards.shape[1])
    if not shown:
        return [[] for _row in range(table.rows)]
    top = np.argpartition(-towards, shown - 1, axis=1)[:, :shown]
    rows = np.arange(table.rows)[:, None]
    top = top[rows, np.argsort(-towards[rows, top], axis=1, kind="stable")]
    numbers = {place: table.numbers.get(column["name"]) for place, column in enumerate(model.columns) if column["kind"] == "number"}
    texts = {place: table.texts.get(column["name"]) for place, column in enumerate(model.columns) if column["kind"] == "text"}
    found: list[list[dict[str, Any]]] = []
    for row, places in enumerate(top.tolist()):
        mine = []
        for place in places:
            if towards[row, place] < WORTH_SAYING:
                continue
            column, values = model.columns[place], numbers.get(place, texts.get(place))
            value = None if values is None else values[row]
            if isinstance(value, float):
                value = None if np.isnan(value) else round(float(value), 4)
            mine.append(
                {"feature": column["name"], "value": value, "usual": column.get("usual") if column["kind"] == "number" else None, "effect": round(float(effects[row, place]), 4)}
            )
        found.append(mine)
    return found
