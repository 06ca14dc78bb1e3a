"""What is asked: the period cut in the organisation's zone, filters, parameters, all checked."""

from __future__ import annotations

import calendar
import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

INTERVALS = ("day", "week", "month", "quarter", "year")


class WrongQuestion(ValueError):
    """A name, variant, parameter, value or dimension that does not exist; the text names what would be allowed.

    `field` is the word of the question that is at fault (`end`, `variant`, `filter.plan`, `param.k`); empty where it is none alone.
    """

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


def instant(text: str, zone: zoneinfo.ZoneInfo, name: str) -> dt.datetime:
    """`YYYY-MM-DD` (midnight of the zone) or an ISO 8601 instant, as UTC; one without offset is in the zone.

    Raises WrongQuestion.
    """
    try:
        if len(text) == 10:
            local = dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), tzinfo=zone)
        else:
            local = dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
            if local.tzinfo is None:
                local = local.replace(tzinfo=zone)
        return local.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise WrongQuestion(f"{name}: “{text}” is neither a day (YYYY-MM-DD) nor an ISO 8601 instant.", name.replace("-", "_")) from None


@dataclass(frozen=True, kw_only=True)
class Question:
    """One figure asked for. `until` is where the computing stops: the end, or the as-of instant, or now."""

    kpi: str
    variant: str
    start: dt.datetime
    end: dt.datetime
    until: dt.datetime
    start_text: str
    end_text: str
    zone: zoneinfo.ZoneInfo
    currency: str
    now: dt.datetime
    segment: str | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    given_params: Mapping[str, str] = field(default_factory=dict)
    as_of: dt.datetime | None = None
    as_of_text: str | None = None
    # ids of the accounts the asker may see; None: all
    scope: tuple[int, ...] | None = None
    # whether no variant was named, so that the business of the accounts may choose it
    by_default: bool = False
    # only what belongs to no account
    nobody: bool = False
    # what a pass over many periods has worked out already, by what it is, period, breakdown and business model
    prepared: Mapping[tuple[Any, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def partial(self) -> bool:
        """Whether the period reaches beyond what has happened."""
        return self.end > self.until

    @property
    def horizon(self) -> dt.datetime:
        """The instant from which the future is unknown: as-of, else now."""
        return min(self.as_of, self.now) if self.as_of else self.now

    def known(self, what: str, by: str | None, model: str | None = None) -> Any:
        """What was worked out beforehand for this very period, or None."""
        return self.prepared.get((what, self.start, self.until, by, model))

    def between(self, start: dt.datetime, end: dt.datetime) -> Question:
        """The same question over a part of the period."""
        return replace(
            self,
            start=start,
            end=end,
            until=min(end, self.horizon),
            start_text=_text(start, self.zone),
            end_text=_text(end, self.zone),
        )


def _text(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """A day where the instant is a midnight of the zone, else the instant."""
    local = moment.astimezone(zone)
    return local.date().isoformat() if local.time() == dt.time() else local.isoformat()


def _next_boundary(day: dt.date, interval: str) -> dt.date:
    """The first day of the next calendar interval after the one that holds `day`; weeks begin on Monday."""
    if interval == "day":
        return day + dt.timedelta(days=1)
    if interval == "week":
        return day + dt.timedelta(days=7 - day.weekday())
    months = {"month": 1, "quarter": 3, "year": 12}[interval]
    index = day.year * 12 + (day.month - 1) // months * months + months
    return dt.date(index // 12, index % 12 + 1, 1)


def pieces(question: Question, interval: str) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The period cut at calendar boundaries of the zone; first and last piece may be shorter.

    Raises WrongQuestion for an unknown interval or more than 4,000 pieces.
    """
    if interval not in INTERVALS:
        raise WrongQuestion(f"interval: “{interval}” is not one of {', '.join(INTERVALS)}.", "interval")
    left, count = question.start, 0
    while left < question.end:
        boundary = _next_boundary(left.astimezone(question.zone).date(), interval)
        right = min(dt.datetime.combine(boundary, dt.time(), tzinfo=question.zone).astimezone(dt.UTC), question.end)
        yield left, right
        left, count = right, count + 1
        if count > 4000:
            raise WrongQuestion("interval: the period has more than 4,000 pieces; ask for a longer interval.", "interval")


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day `months` later (earlier when negative), or the last of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
