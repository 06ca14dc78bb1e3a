"""Every KPI that can be asked: the entries of `metrics.kpis.entries` by name, in words by `metrics.kpis.told`. Names are exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metrics.kpis.entries import lifetime, money, revenue, support, voice
from metrics.kpis.entry import Kpi
from metrics.kpis.question import WrongQuestion
from metrics.kpis.told import TOLD, Told

__all__ = ["CATALOGUE", "Kpi", "find", "read_params", "told"]

CATALOGUE: dict[str, Kpi] = {entry.name: entry for family in (voice, revenue, support, money, lifetime) for entry in family.ENTRIES}


def find(name: str) -> Kpi:
    """The entry of a KPI. Raises WrongQuestion with the names there are."""
    if name not in CATALOGUE:
        raise WrongQuestion(f"“{name}” is no KPI; there are {', '.join(sorted(CATALOGUE))}.")
    return CATALOGUE[name]


def told(name: str) -> Told:
    """What the catalogue tells of a KPI in words."""
    return TOLD[name]


def read_params(kpi: Kpi, given: Mapping[str, str]) -> dict[str, Any]:
    """All parameters of a KPI with defaults. Raises WrongQuestion for an unknown name or a wrong value."""
    unknown = sorted(set(given) - set(kpi.params))
    if unknown:
        raise WrongQuestion(f"{kpi.name} has no parameter “{unknown[0]}”; there are {', '.join(kpi.params) or 'none'}.", f"param.{unknown[0]}")
    values = {name: param.default for name, param in kpi.params.items()}
    for name, text in given.items():
        try:
            values[name] = kpi.params[name].parse(str(text))
        except ValueError as fault:
            raise WrongQuestion(f"{kpi.name}: {name}={text} cannot be used: expected {fault}.", f"param.{name}") from None
    return values
