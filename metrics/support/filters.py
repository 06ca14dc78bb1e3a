"""What the pages of support are narrowed to: read from the address, written back into it. Pure but for its words."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.http import urlencode

from metrics.filters import CUSTOM, days_compared, named_period, read_compare, read_period
from metrics.filters import PRESETS as COMMON_PRESETS
from surveys.periods import Period, midnight

USUAL = "28d"
COUNTED = ("7d", "28d", "90d")
PRESETS = (*COUNTED, *COMMON_PRESETS)
DIMENSIONS = ("group", "agent", "channel", "segment", "category", "severity", "owner", "plan", "country")
BREAKDOWNS = ("group", "agent", "segment")
SORTS = ("ticket_share", "handle_share", "mrr_share", "ratio", "cost", "name")
# of an address: without that value
NONE = "none"


@dataclass(frozen=True)
class SupportFilter:
    """The choices of a reader. `faults` tells of each field that could not be read; figures must not be shown then."""

    period: Period
    compare: str = "before"
    group: str = ""
    agent: str = ""
    channel: str = ""
    segment: str = ""
    category: str = ""
    severity: str = ""
    owner: str = ""
    plan: str = ""
    country: str = ""
    account: int | None = None
    clock: str = "calendar"
    by: str = "group"
    sort: str = "handle_share"
    faults: Mapping[str, str] = field(default_factory=dict)
    # the days as they were typed, kept beside their fault
    typed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, query: Mapping[str, str], *, today: dt.date, zone: zoneinfo.ZoneInfo) -> SupportFilter:
        """From the address, as of today in the organisation's zone."""

        def text(name: str) -> str:
            return (query.get(name) or "").replace("\x00", "")[:200].strip()

        usual = named_period(USUAL, today=today, zone=zone)
        assert usual is not None
        faults: dict[str, str] = {}
        given = {name: text(name) for name in ("period", "from", "until", "compare")}
        period, compare, account = read_period(given, usual, today, faults, PRESETS), read_compare(given, faults), text("account")
        return cls(
            period=period,
            compare=compare,
            faults=faults,
            typed={"from": given["from"], "until": given["until"]},
            account=int(account) if account.isascii() and account.isdecimal() and len(account) < 19 else None,
            clock="business" if text("clock") == "business" else "calendar",
            by=text("by") if text("by") in BREAKDOWNS else "group",
            sort=text("sort") if text("sort") in SORTS else "handle_share",
            **{name: text(name) for name in DIMENSIONS},
        )

    def query(self, **changes: object) -> str:
        """The address of these choices with some changed; what is usual is left out. `extra` adds further parts."""
        extra = changes.pop("extra", {})
        changed = replace(self, **changes)  # type: ignore[arg-type]
        parts: dict[str, Any] = dict(changed.period_parts)
        parts |= {name: getattr(changed, name) for name in (*DIMENSIONS, "account")}
        parts |= {
            "compare": "" if changed.compare == "before" else changed.compare, "clock": "" if changed.clock == "calendar" else changed.clock,
            "by": "" if changed.by == "group" else changed.by,
            "sort": "" if changed.sort == "handle_share" else changed.sort,
        }  # fmt: skip
        parts |= extra if isinstance(extra, dict) else {}
        return urlencode({name: value for name, value in parts.items() if value not in ("", None)})

    @property
    def period_parts(self) -> dict[str, str]:
        """The period as it stands in an address."""
        if self.period.name in {"", CUSTOM}:
            return {"from": self.period.first.isoformat(), "until": self.period.last.isoformat()}
        return {} if self.period.name == USUAL else {"period": self.period.name}

    @property
    def narrows(self) -> bool:
        """Whether anything but the period is chosen."""
        return self.account is not None or any(getattr(self, name) for name in DIMENSIONS)

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """The filters as questions take them."""
        chosen: dict[str, tuple[str, ...]] = {name: ("" if getattr(self, name) == NONE else getattr(self, name),) for name in DIMENSIONS if getattr(self, name)}
        return chosen if self.account is None else {**chosen, "account": (str(self.account),)}

    def spans(self, now: dt.datetime) -> tuple[tuple[dt.datetime, dt.datetime], tuple[dt.datetime, dt.datetime] | None]:
        """The period and the one it is compared with, if any; a period that is not over is compared with as much of the other."""
        start, end = self.period.span
        days = days_compared(self.period, self.compare)
        before = (midnight(days[0], self.period.zone), midnight(days[1], self.period.zone)) if days else None
        if before is not None and start <= now < end:
            before = before[0], min(before[1], before[0] + (now - start))
        return (start, end), before if before is not None and before[0] < before[1] else None
