"""What the pages of results are narrowed to: read from the address, written back into it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.http import urlencode

from surveys.periods import USUAL, Period, read
from surveys.scoring import Scale

DIMENSIONS = ("segment", "touchpoint", "owner", "language", "agent")
# kinds of surveys whose answers rate somebody of ours
RATES_AGENTS = frozenset({"csat", "ces"})
STEPS = ("week", "month")
NONE = "none"


@dataclass(frozen=True)
class ResultsFilter:
    """The choices of a reader; unknown values are left out, so that an old link still opens."""

    period: Period
    touchpoint: str = ""
    segment: str = ""
    owner: str = ""
    language: str = ""
    # by e-mail; agents who are no users here have nothing else
    agent: str = ""
    account: int | None = None
    scale: str = ""
    by: str = "segment"
    step: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], *, today: dt.date, zone: zoneinfo.ZoneInfo) -> ResultsFilter:
        """From the address, as of today in the organisation's zone."""

        def text(name: str) -> str:
            return (query.get(name) or "").replace("\x00", "")[:120]

        owner, account = text("owner"), text("account")
        # a form sends its days along: another preset picked in it wins over them
        picked = "was" in query and bool(text("period")) and text("period") != text("was")
        return cls(
            period=read(name=text("period"), first="" if picked else text("from"), last="" if picked else text("until"), today=today, zone=zone),
            touchpoint=text("touchpoint"),
            segment=text("segment"),
            owner=owner if owner in {NONE, "me"} or (owner.isdecimal() and len(owner) < 19) else "",
            language=text("language")[:10],
            agent=text("agent"),
            account=int(account) if account.isdecimal() and len(account) < 19 else None,
            scale=text("scale") if read_scale(text("scale")) else "",
            by=text("by") if text("by") in DIMENSIONS else "segment",
            step=text("step") if text("step") in STEPS else "",
        )

    def query(self, **changes: object) -> str:
        """The address of these choices with some changed; what is usual is left out. `extra` adds further parts."""
        extra = changes.pop("extra", {})
        changed = replace(self, **changes)  # type: ignore[arg-type]
        parts: dict[str, Any] = dict(changed.period_parts)
        for name in ("touchpoint", "segment", "owner", "language", "agent", "account", "scale", "step"):
            parts[name] = getattr(changed, name)
        parts["by"] = "" if changed.by == "segment" else changed.by
        parts |= extra if isinstance(extra, dict) else {}
        return urlencode({name: value for name, value in parts.items() if value not in ("", None)})

    @property
    def period_parts(self) -> dict[str, str]:
        """The period as it stands in an address."""
        if not self.period.name:
            return {"from": self.period.first.isoformat(), "until": self.period.last.isoformat()}
        return {} if self.period.name == USUAL else {"period": self.period.name}

    @property
    def steps(self) -> str:
        """The length of a piece of the trend: as chosen, else weeks up to half a year, then months."""
        return self.step or ("week" if self.period.days <= 190 else "month")

    @property
    def narrows(self) -> bool:
        """Whether anything but period, breakdown and scale is chosen."""
        return bool(self.touchpoint or self.segment or self.owner or self.language or self.agent or self.account is not None)


def scale_name(scale: Scale) -> str:
    """A scale as it stands in an address: 0-10, or 1-5-low where low is good."""
    return f"{scale.low}-{scale.high}" + ("" if scale.high_good else "-low")


def read_scale(text: str) -> Scale | None:
    """A scale from an address; None for anything else."""
    ends, low, _rest = text.partition("-low")
    low_end, _dash, high_end = ends.partition("-")
    if not (low_end.isdecimal() and high_end.isdecimal() and len(ends) < 12 and not _rest):
        return None
    scale = Scale(int(low_end), int(high_end), not low)
    return scale if scale.low < scale.high < 32768 else None
