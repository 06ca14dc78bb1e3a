"""Reference data beside the checkout (never shipped): where it lies, and skipping where it does not."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
REASON = "reference data is not beside this checkout (../shared)"


def data_folder(name: str) -> Path:
    """A folder of third-party data; skips the test where it is missing."""
    folder = SHARED / "data" / name
    if not folder.is_dir():
        pytest.skip(REASON)
    return folder


@cache
def _cases() -> dict[str, Any]:
    path = SHARED / "metrics" / "cases.json"
    return json.loads(path.read_text()) if path.is_file() else {"cases": [], "datasets": {}}


def cases(kpi: str) -> list[Any]:
    """Worked cases of a KPI as pytest parameters; one skipped parameter where the file is missing."""
    found = [pytest.param(case, id=case["id"]) for case in _cases()["cases"] if case["kpi"] == kpi]
    return found or [pytest.param({}, id="missing", marks=pytest.mark.skip(reason=REASON))]


def dataset(name: str) -> list[dict[str, Any]]:
    """The rows of a named table of the cases file."""
    table = _cases()["datasets"][name]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def all_cases() -> list[Any]:
    """Every worked case as a pytest parameter; one skipped parameter where the file is missing."""
    found = [pytest.param(case, id=case["id"]) for case in _cases()["cases"]]
    return found or [pytest.param({}, id="missing", marks=pytest.mark.skip(reason=REASON))]
