"""What the address of a KPI page asks for, in the words of the API: read, checked field by field, written back."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import Segment
from metrics.dashboards import last_months
from metrics.kpis.catalogue import CATALOGUE, Kpi
from metrics.kpis.entry import Choice, Number, Whole, Wholes
from metrics.kpis.question import INTERVALS, WrongQuestion, add_months, instant

FILTER, PARAM = "filter.", "param."
SERIES_MONTHS = 13
# the variant that goes from one event to another, and its parameters
FUNNEL, EVENTS = "funnel", ("from_event", "to_event")
# in an address: what has no value there
NONE = "none"


@dataclass(frozen=True)
class Asked:
    """One figure as an address asks for it; texts as they came. `faults` names the fields that cannot be used."""

    kpi: Kpi
    start: str
    end: str
    variant: str = ""
    segment: str = ""
    by: str = ""
    interval: str = "month"
    as_of: str = ""
    compare: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, query: QueryDict, *, now: dt.datetime) -> Asked:
        """From an address; without a period the last closed month. Raises WrongQuestion for a KPI that does not exist."""
        if name not in CATALOGUE:
            raise WrongQuestion(f"“{name}” is no KPI.")
        kpi = CATALOGUE[name]
        start, end = last_months(now, 1)

        def text(key: str) -> str:
            return (query.get(key) or "").replace("\x00", "").strip()[:200]

        params = {key.removeprefix(PARAM): text(key) for key in query if key.startswith(PARAM) and text(key)}
        # the short name that links to times have always had
        if "clock" in kpi.params and text("clock") and "clock" not in params:
            params["clock"] = text("clock")
        filters = {
            key.removeprefix(FILTER): tuple("" if value == NONE else value.replace("\x00", "")[:200] for value in query.getlist(key) if value.strip())
            for key in query
            if key.startswith(FILTER)
        }
        asked = cls(
            kpi=kpi, start=text("start") or start, end=text("end") or end, variant=text("variant"), segment=text("segment"), by=text("by"),
            interval=text("interval") or "month", as_of=text("as_of"), compare=text("compare") if text("compare") in {"before", "year"} else "",
            params=params, filters={key: values for key, values in filters.items() if values},
        )  # fmt: skip
        return replace(asked, faults=asked._wrong())

    def _wrong(self) -> dict[str, str]:
        faults: dict[str, str] = {}
        zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
        moments: dict[str, dt.datetime] = {}
        for name in ("start", "end", "as_of"):
            value = getattr(self, name)
            if not value:
                continue
            try:
                moments[name] = instant(value, zone, name)
            except WrongQuestion:
                faults[name] = _("A day, as 2026-03-31.")
        if "start" in moments and "end" in moments and moments["end"] <= moments["start"]:
            faults["end"] = _("Must be after the start: it is the first day outside the period.")
        if self.variant and self.variant not in self.kpi.variants:
            faults["variant"] = _("There are: %(names)s.") % {"names": ", ".join(self.kpi.variants)}
        if self.by and self.by not in self.kpi.dimensions:
            faults["by"] = _("There are: %(names)s.") % {"names": ", ".join(self.kpi.dimensions)}
        if self.interval not in INTERVALS:
            faults["interval"] = _("There are: %(names)s.") % {"names": ", ".join(INTERVALS)}
        if self.segment and not Segment.objects.filter(key=self.segment).exists():
            faults["segment"] = _("There is no such segment.")
        for name, value in self.params.items():
            if name not in self.kpi.params:
                faults[f"{PARAM}{name}"] = _("There is no such parameter; there are: %(names)s.") % {"names": ", ".join(self.kpi.params) or "–"}
                continue
            try:
                self.kpi.params[name].parse(value)
            except ValueError:
                faults[f"{PARAM}{name}"] = expected(self.kpi.params[name].parse)
        for name in EVENTS if self.variant == FUNNEL and FUNNEL in self.kpi.variants else ():
            if name not in self.params:
                faults[f"{PARAM}{name}"] = _("Choose an event.")
        for name in self.filters:
            if name not in self.kpi.dimensions:
                faults[f"{FILTER}{name}"] = _("There are: %(names)s.") % {"names": ", ".join(self.kpi.dimensions)}
        return faults

    def query(self, *, extra: Mapping[str, object] | None = None, **changes: Any) -> str:
        """The address with some choices changed; what is empty is left out."""
        changed = replace(self, **changes)
        parts: list[tuple[str, object]] = [("start", changed.start), ("end", changed.end)]
        for name in ("variant", "segment", "by", "as_of", "compare"):
            parts.append((name, getattr(changed, name)))
        if changed.interval != "month":
            parts.append(("interval", changed.interval))
        parts += [(f"{PARAM}{name}", value) for name, value in changed.params.items()]
        parts += [(f"{FILTER}{name}", value or NONE) for name, values in changed.filters.items() for value in values]
        parts += list((extra or {}).items())
        return urlencode([(name, str(value)) for name, value in parts if value not in ("", None)])

    def arguments(self, **changes: Any) -> dict[str, Any]:
        """What `answer()` and `ask()` take, without breakdown and interval."""
        changed = replace(self, **changes)
        return {
            "name": changed.kpi.name, "start": changed.start, "end": changed.end, "variant": changed.variant or None, "segment": changed.segment or None,
            "filters": dict(changed.filters), "as_of": changed.as_of or None, "params": dict(changed.params),
        }  # fmt: skip

    @property
    def narrowed(self) -> bool:
        """Whether only some customers are asked for."""
        return bool(self.segment or self.filters)

    def compared(self) -> tuple[str, str] | None:
        """The period to compare with; None without one."""
        if not self.compare:
            return None
        zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
        start, end = (instant(text, zone, "start").astimezone(zone) for text in (self.start, self.end))
        if self.compare == "year":
            return _moved(start, -12), _moved(end, -12)
        if start.day == 1 and end.day == 1 and not start.time().hour and not end.time().hour:
            months = end.year * 12 + end.month - start.year * 12 - start.month
            return _moved(start, -months), _text(start)
        return _text(start - (end - start)), _text(start)

    def series_start(self) -> str:
        """Where the line over time begins: with the period, but at least thirteen months before its end where months are shown."""
        if self.interval != "month":
            return self.start
        zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
        start, end = (instant(text, zone, "start").astimezone(zone) for text in (self.start, self.end))
        last = end.date() if end.date().day == 1 else add_months(end.date().replace(day=1), 1)
        early = add_months(last, -SERIES_MONTHS)
        return early.isoformat() if early < start.date() else self.start


def _moved(moment: dt.datetime, months: int) -> str:
    return _text(dt.datetime.combine(add_months(moment.date(), months), moment.timetz()))


def _text(moment: dt.datetime) -> str:
    return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat()


def expected(parse: object) -> str:
    """What a parameter takes, in words."""
    if isinstance(parse, Choice):
        return _("One of: %(names)s.") % {"names": ", ".join(parse.allowed)}
    if isinstance(parse, Whole):
        return _("A whole number from %(low)s to %(high)s.") % {"low": parse.least, "high": parse.most}
    if isinstance(parse, Wholes):
        return _("Whole numbers from %(low)s to %(high)s, joined by commas, at most 24.") % {"low": parse.least, "high": parse.most}
    if isinstance(parse, Number):
        if parse.low is None or parse.high is None:
            return _("A number with a point, %(low)s or more.") % {"low": parse.low or "0"}
        return _("A number with a point from %(low)s to %(high)s.") % {"low": parse.low, "high": parse.high}
    if getattr(parse, "__name__", "") == "seconds":
        return _("A whole number of seconds, at most ten years.")
    return _("A key.")
