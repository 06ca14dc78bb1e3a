"""Addresses of the page of a KPI and of its rows, for the choices of a dashboard. Pure but for the addresses."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from metrics.filters import NONE, Filters


def kpi_address(name: str, filters: Filters, *, page: str = "kpi", only: dict[str, str] | None = None, **more: Any) -> str:
    """The page of a KPI (or its `kpi_rows`) over the same period with the same filters; `only` narrows further, an empty value is without."""
    narrowed = {**filters.filters, **(only or {})}
    parts = {"start": filters.start, "end": filters.end, **more, **{f"filter.{dimension}": value or NONE for dimension, value in narrowed.items()}}
    return f"{reverse(f'metrics:{page}', args=[name])}?{urlencode({key: value for key, value in parts.items() if value not in ('', None)})}"
