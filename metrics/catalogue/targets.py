"""Targets and owners of KPIs: which is in force, how a figure stands to it, what they were before."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from metrics.kpis.catalogue import CATALOGUE, Kpi
from metrics.models import KpiSetting

# how people write a value down: times in hours, shares in percent
FACTORS = {"seconds": Decimal(3600), "fraction": Decimal("0.01")}
REACHED, WATCH, MISSED = "healthy", "watch", "at_risk"


@dataclass(frozen=True)
class InForce:
    """What is wanted of one figure, and who answers for it."""

    target: Decimal | None
    warn: Decimal | None
    owner: User | None
    note: str
    valid_from: dt.date | None

    def band(self, value: Decimal | None, good: str) -> str:
        """How a value stands to the target: healthy, watch (between target and warning line), at_risk; "" where nothing can be said."""
        if value is None or self.target is None:
            return ""
        better = (lambda line: value >= line) if good == "up" else (lambda line: value <= line)
        if better(self.target):
            return REACHED
        return WATCH if self.warn is not None and better(self.warn) else MISSED


NOTHING = InForce(None, None, None, "", None)


def today_of(now: dt.datetime) -> dt.date:
    """Today in the organisation's zone."""
    return now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()


def in_force(day: dt.date, *kpis: str) -> dict[tuple[str, str, str | None], InForce]:
    """What is in force on a day, by (KPI, variant or "", key of the segment or None); of some KPIs or of all. One query."""
    rows = KpiSetting.objects.filter(valid_from__lte=day).select_related("owner", "segment").order_by("valid_from", "pk")
    if kpis:
        rows = rows.filter(kpi__in=kpis)
    return {(row.kpi, row.variant, row.segment.key if row.segment else None): InForce(row.target, row.warn, row.owner, row.note, row.valid_from) for row in rows}


def of(found: dict[tuple[str, str, str | None], InForce], kpi: Kpi, variant: str, segment: str | None = None) -> InForce:
    """The setting of a variant in a segment. A segment without a target of its own has none; the owner is that of the whole."""
    ways = [variant, ""] if variant == kpi.variants[0] else [variant]
    for way in ways:
        if (kpi.name, way, segment) in found:
            return found[kpi.name, way, segment]
    whole = next((found[kpi.name, way, None] for way in ("", *kpi.variants) if (kpi.name, way, None) in found), NOTHING)
    return InForce(None, None, whole.owner, "", None) if segment or whole is not NOTHING else NOTHING


def history(kpi: str) -> list[KpiSetting]:
    """The changes of a KPI's targets, the newest first; at most fifty."""
    return list(KpiSetting.objects.filter(kpi=kpi).select_related("owner", "segment", "changed_by")[:50])


def typed(unit: str, value: Decimal | None) -> str:
    """A stored value as people type it: shares in percent, times in hours."""
    if value is None:
        return ""
    text = format((value / FACTORS.get(unit, Decimal(1))).normalize(), "f")
    return text if "." not in text else text.rstrip("0").rstrip(".")


def read_typed(unit: str, text: str) -> Decimal | None:
    """A value as people type it, in the unit of the KPI; None for nothing. Raises ValueError with words for the field."""
    written = text.strip().replace("\u202f", "").replace("\xa0", "").replace(" ", "").removesuffix("%")
    if not written:
        return None
    if "," in written and "." not in written:
        written = written.replace(",", ".")
    try:
        value = Decimal(written) * FACTORS.get(unit, Decimal(1))
    except InvalidOperation:
        raise ValueError(_("A number.")) from None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 13:
        raise ValueError(_("A number."))
    return value.quantize(Decimal("0.000001"))


def suffix(unit: str) -> str:
    """The unit in which a target is typed."""
    return {"fraction": "%", "seconds": str(_("hours")), "money": settings.REPORTING_CURRENCY}.get(unit, "")


def default_unit(kpi: str, variant: str) -> str:
    """The unit of a target."""
    entry = CATALOGUE[kpi]
    return entry.unit_of(variant or entry.variants[0])
