"""What the pages of support are narrowed to: read from the address, written back into it. Pure but for its words."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.http import urlencode

from metrics.filters import named_period
from surveys.periods import Period
from surveys.periods import chosen as chosen_days

USUAL = "28d"
PRESETS = ("7d", "28d", "90d", "month", "last_month")
DIMENSIONS = ("group", "agent", "channel", "segment", "category", "severity", "owner", "plan", "country")
BREAKDOWNS = ("group", "agent", "segment")
SORTS = ("ticket_share", "handle_share", "mrr_share", "ratio", "cost", "name")
# of an address: without that value
NONE = "none"


def read_period(name: str, first: str, last: str, *, today: dt.date, zone: zoneinfo.ZoneInfo) -> Period:
    """The days that were picked, else the preset; an unknown one is the usual 28 days."""
    try:
        if first and last:
            return chosen_days(dt.date.fromisoformat(first), dt.date.fromisoformat(last), zone=zone)
    except ValueError:
        pass
    period = named_period(name if name in PRESETS else USUAL, today=today, zone=zone)
    assert period is not None
    return period


@dataclass(frozen=True)
class SupportFilter:
    """The choices of a reader; unknown values are left out, so that an old link still opens."""

    period: Period
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

    @classmethod
    def read(cls, query: Mapping[str, str], *, today: dt.date, zone: zoneinfo.ZoneInfo) -> SupportFilter:
        """From the address, as of today in the organisation's zone."""

        def text(name: str) -> str:
            return (query.get(name) or "").replace("\x00", "")[:200]

        # a form sends its days along: another preset picked in it wins over them
        picked = "was" in query and bool(text("period")) and text("period") != text("was")
        account = text("account")
        return cls(
            period=read_period(text("period"), "" if picked else text("from"), "" if picked else text("until"), today=today, zone=zone),
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
            "clock": "" if changed.clock == "calendar" else changed.clock, "by": "" if changed.by == "group" else changed.by,
            "sort": "" if changed.sort == "handle_share" else changed.sort,
        }  # fmt: skip
        parts |= extra if isinstance(extra, dict) else {}
        return urlencode({name: value for name, value in parts.items() if value not in ("", None)})

    @property
    def period_parts(self) -> dict[str, str]:
        """The period as it stands in an address."""
        if not self.period.name:
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
        """The period and the one before it; a period that is not over is compared with as much of the one before."""
        start, end = self.period.span
        before = self.period.span_before
        if before is not None and start <= now < end:
            before = before[0], min(before[1], before[0] + (now - start))
        return (start, end), before if before is not None and before[0] < before[1] else None
