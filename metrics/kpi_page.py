"""Everything the page of one KPI shows: the figure with its parts, its months, its groups."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import User
from metrics import words
from metrics.dashboards import scope_of, shown
from metrics.drawing import trend
from metrics.kpis.catalogue import CATALOGUE, Kpi
from metrics.kpis.engine import answer


@dataclass
class KpiPage:
    """One KPI in full: the figure, its parts, its months, its groups."""

    kpi: Kpi
    figure: dict[str, Any]
    value: str
    interval: tuple[str, str] | None
    parts: list[tuple[str, str]]
    months: list[tuple[dt.date, str, str]]
    groups: list[tuple[str, str, str]]
    spark: SafeString
    # the sum of seconds as a length of time; empty for other units
    numerator: str = ""


def kpi_page(name: str, *, variant: str | None, by: str | None, start: str, end: str, user: User, now: dt.datetime, clock: str | None = None) -> KpiPage:
    """Everything the page of a KPI shows; `clock` for those that count times. Raises WrongQuestion."""
    scope = scope_of(user)
    params = {"clock": clock} if clock else {}
    figure = answer(name=name, variant=variant, start=start, end=end, by=by, now=now, accounts=scope, params=params)
    series = answer(name=name, variant=variant, start=start, end=end, interval="month", now=now, accounts=scope, params=params)["series"]
    kpi, chosen = CATALOGUE[name], figure["variant"]
    interval = figure["interval_95"]
    return KpiPage(
        kpi=kpi,
        figure=figure,
        value=shown(kpi, chosen, figure["value"]),
        interval=(shown(kpi, chosen, interval[0]), shown(kpi, chosen, interval[1])) if interval else None,
        parts=[(part, _part(value, seconds=_is_seconds(kpi, part))) for part, value in figure["parts"].items()],
        months=[(dt.date.fromisoformat(piece["start"][:10]), shown(kpi, chosen, piece["value"]), _part(piece["denominator"])) for piece in series],
        groups=[(group["key"] or _("without"), shown(kpi, chosen, group["value"]), _part(group["denominator"])) for group in figure.get("groups", [])],
        spark=trend([None if piece["value"] is None else Decimal(piece["value"]) for piece in series], str(kpi.title)),
        numerator=shown(kpi, chosen, figure["numerator"]) if kpi.unit_of(chosen) == "seconds" else "",
    )


def _is_seconds(kpi: Kpi, part: str) -> bool:
    """Whether a part is a length of time."""
    return part in words.PERFORMANCE_SECONDS if kpi.name == "team_performance" else part in words.SECONDS


def _part(value: Any, *, seconds: bool = False) -> str:
    if seconds and value is not None:
        return words.seconds(Decimal(str(value)))
    return "–" if value is None else wording.number(Decimal(str(value)))
