"""No worked case is left out: each is a parameter, by its id, of some test of the figures."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from tests import metrics, shared_data

# cases whose rows cannot be loaded since they are finished totals: these run through the formulas as well
LEAST = 144


def covered() -> dict[str, set[str]]:
    """Case ids with the tests that have them as parameters."""
    found: dict[str, set[str]] = {}
    for entry in pkgutil.iter_modules(metrics.__path__):
        if not entry.name.startswith("test_kpi") and not entry.name.startswith("test_cases"):
            continue
        module = importlib.import_module(f"tests.metrics.{entry.name}")
        for name, test in vars(module).items():
            for mark in getattr(test, "pytestmark", []) if name.startswith("test_") else []:
                if mark.name == "parametrize":
                    for parameter in mark.args[1]:
                        found.setdefault(str(getattr(parameter, "id", "")), set()).add(f"{entry.name}.{name}")
    return found


def test_every_worked_case_is_a_parameter_of_a_test():
    known = {case.values[0]["id"] for case in shared_data.all_cases() if case.values[0]}
    if not known:
        pytest.skip(shared_data.REASON)
    assert len(known) >= LEAST
    assert sorted(known - covered().keys()) == []
