"""Page-shaped reads of the dashboards: KPI cards, the bands of every segment, KPI pages."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import wording
from accounts.drawing import delta
from accounts.models import AccountSnapshot, User
from accounts.models.snapshots import Band
from accounts.roles import Role
from metrics import words
from metrics.drawing import trend
from metrics.kpis.catalogue import CATALOGUE, Kpi
from metrics.kpis.engine import answer
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


def last_months(now: dt.datetime, count: int = MONTHS) -> tuple[str, str]:
    """The last `count` closed calendar months of the organisation's zone as start and exclusive end."""
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    end = today.replace(day=1)
    return add_months(end, -count).isoformat(), end.isoformat()


@dataclass
class Card:
    """One KPI of the overview: the last closed month, against the month before."""

    kpi: Kpi
    value: str
    change: SafeString
    spark: SafeString
    foot: str
    few: bool
    month: dt.date


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
        return f"{number:+.0f}".replace("-", "−")
    if unit == "scale":
        return wording.number(number.quantize(Decimal("0.01")))
    if unit == "seconds":
        return words.seconds(number)
    return wording.number(number)


def card(name: str, *, user: User, now: dt.datetime) -> Card:
    """The card of a KPI. Raises WrongQuestion for an unknown name."""
    start, end = last_months(now)
    series = answer(name=name, start=start, end=end, interval="month", now=now, accounts=scope_of(user))["series"]
    kpi, latest, before = CATALOGUE[name], series[-1], series[-2]
    values = [None if piece["value"] is None else Decimal(piece["value"]) for piece in series]
    size = int(Decimal(latest["denominator"])) if latest["denominator"] is not None else None
    few = kpi.name in {"nps", "csat"} and size is not None and size < FEW
    return Card(
        kpi=kpi,
        value=shown(kpi, latest["variant"], latest["value"]),
        change=SafeString("") if few else _change(kpi, latest, before),
        spark=trend(values, _("%(title)s, last 13 months") % {"title": kpi.title}),
        foot=_foot(kpi, latest, size),
        few=few,
        month=dt.date.fromisoformat(latest["start"]),
    )


def _change(kpi: Kpi, latest: dict[str, Any], before: dict[str, Any]) -> SafeString:
    if latest["value"] is None or before["value"] is None:
        return SafeString("")
    now, then = Decimal(latest["value"]), Decimal(before["value"])
    unit = kpi.unit_of(latest["variant"])
    if unit == "money":
        change = (now - then) / then * 100 if then else None
    elif unit == "fraction":
        change = (now - then) * 100
    else:
        change = now - then
    return delta(None if change is None else round(change, 0 if unit == "points" else 1), kpi.good_of(latest["variant"]))


def _foot(kpi: Kpi, latest: dict[str, Any], size: int | None) -> str:
    if kpi.name == "mrr":
        return _("%(count)s customers") % {"count": wording.number(latest["parts"]["customers"])}
    if kpi.name in {"nrr", "grr"}:
        return _("of %(money)s at the start") % {"money": _money(latest["parts"]["opening"])}
    if kpi.name == "quick_ratio":
        return _("%(money)s lost") % {"money": _money(latest["denominator"])}
    if kpi.name == "arpa":
        return _("%(count)s customers") % {"count": wording.number(latest["parts"]["customers"])}
    if kpi.name == "logo_churn":
        return _("%(lost)s of %(count)s customers") % {"lost": wording.number(latest["parts"]["churned"]), "count": wording.number(size or 0)}
    if size is not None and latest["interval_95"]:
        low, high = (shown(kpi, latest["variant"], edge) for edge in latest["interval_95"])
        return _("%(count)s answers, interval %(low)s to %(high)s") % {"count": wording.number(size), "low": low, "high": high}
    return _("%(count)s answers") % {"count": wording.number(size or 0)}


def _money(units: str | None) -> str:
    return "–" if units is None else wording.money(int(Decimal(units) * 1_000_000), settings.REPORTING_CURRENCY)


@dataclass
class SegmentBands:
    """How the accounts of a segment lie over the bands."""

    key: str
    name: str
    accounts: int
    mrr_micros: int
    parts: list[tuple[str, int, float, float]]


def bands_by_segment(user: User) -> list[SegmentBands]:
    """One row a segment: (band, accounts, start in percent, width in percent); one query."""
    rows = (
        AccountSnapshot.objects.filter(health__isnull=False)
        .filter(Q() if user.role == Role.ANALYST else Q(pk__in=AccountSnapshot.objects.visible_to(user).values("pk")))
        .values("segment__key", "segment__name", "segment__position")
        .annotate(
            accounts=Count("pk"), mrr=Sum("mrr_micros"),
            healthy=Count("pk", filter=Q(band=Band.HEALTHY)), watch=Count("pk", filter=Q(band=Band.WATCH)), at_risk=Count("pk", filter=Q(band=Band.AT_RISK)),
        )
        .order_by("segment__position")
    )  # fmt: skip
    result = []
    row: dict[str, Any]
    for row in rows:  # type: ignore[assignment]
        parts: list[tuple[str, int, float, float]] = []
        left = 0.0
        for band in (Band.HEALTHY, Band.WATCH, Band.AT_RISK):
            width = 100 * row[band.value] / row["accounts"]
            if row[band.value]:
                parts.append((band.value, row[band.value], round(left, 2), round(width, 2)))
            left += width
        name = wording.segment_name(SimpleNamespace(key=row["segment__key"], name=row["segment__name"])) if row["segment__key"] else _("No segment")
        result.append(SegmentBands(row["segment__key"] or "", name, row["accounts"], row["mrr"] or 0, parts))
    return result


def names_of_cards() -> Iterable[str]:
    """The KPIs of the overview, in order."""
    return ("mrr", "nrr", "grr", "logo_churn", "nps", "csat", "arpa", "quick_ratio")
