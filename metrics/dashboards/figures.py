"""Whose figures a reader gets, how a figure is told, and where it leads."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from accounts import wording
from accounts.models import AccountSnapshot, User
from accounts.roles import Role
from metrics import words
from metrics.filters import Filters
from metrics.kpis.catalogue import Kpi
from metrics.kpis.question import add_months

MONTHS = 13
# fewer answers than this say too little to show a change
FEW = 20


def scope_of(user: User) -> list[int] | None:
    """The accounts a reader's figures are about: None for everything.

    Analysts see figures of the whole base, though no rows.
    """
    if user.role in {Role.ADMIN, Role.VIEWER, Role.ANALYST}:
        return None
    return list(AccountSnapshot.objects.visible_to(user).values_list("pk", flat=True))


def sees_rows(user: User) -> bool:
    """Whether figures open their rows to a reader."""
    return user.role != Role.ANALYST


def last_months(now: dt.datetime, count: int = MONTHS) -> tuple[str, str]:
    """The last `count` closed calendar months of the organisation's zone as start and exclusive end."""
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    end = today.replace(day=1)
    return add_months(end, -count).isoformat(), end.isoformat()


def shown(kpi: Kpi, variant: str, value: str | None) -> str:
    """A figure as people read it, rounded for display alone; a dash for nothing."""
    if value is None:
        return "–"
    number, unit = Decimal(value), kpi.unit_of(variant)
    if unit == "money":
        return wording.money(int(number * 1_000_000), settings.REPORTING_CURRENCY)
    if unit == "fraction":
        return wording.percent(number, 1)
    if unit == "points":
        # what rounds to nothing has no sign
        return f"{number:+.0f}".replace("-", "−") if round(number) else "0"
    if unit == "scale":
        return wording.number(number.quantize(Decimal("0.01")))
    if unit == "seconds":
        return words.seconds(number)
    return wording.number(number)


def kpi_query(chosen: Filters, *, start: str = "", end: str = "", **more: str) -> str:
    """The query of a KPI's page and of its rows for the filters of a dashboard."""
    parts = {"start": start or chosen.start, "end": end or chosen.end, **{f"filter.{name}": value or "none" for name, value in chosen.filters.items()}, **more}
    return urlencode({name: value for name, value in parts.items() if value})


def kpi_address(name: str, chosen: Filters, **more: str) -> str:
    """The page of a KPI with the filters of a dashboard."""
    return f"{reverse('metrics:kpi', args=[name])}?{kpi_query(chosen, **more)}"


def rows_address(name: str, chosen: Filters, **more: str) -> str:
    """The rows behind a KPI with the filters of a dashboard."""
    return f"{reverse('metrics:kpi_rows', args=[name])}?{kpi_query(chosen, **more)}"
