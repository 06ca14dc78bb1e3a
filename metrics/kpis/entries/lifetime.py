"""Entries of lifetimes: cohorts, tenure, lifetime value."""

from __future__ import annotations

from metrics.kpis.entry import Kpi

ENTRIES: tuple[Kpi, ...] = ()
