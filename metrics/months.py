"""Which months close when, which facts a figure rests on, and how work on months is cut. Pure."""

from __future__ import annotations

import datetime as dt
import itertools
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# how long after its end a month closes: what is recorded with a few days' delay is no restatement
SETTLING = dt.timedelta(days=3)
# how far back an installation that has data already closes its months
MOST_MONTHS = 48
# months computed in one piece of work
TOGETHER = 6
# figures that look on past the month are looked at again this often, not with each answer that comes in
SETTLES_EVERY = dt.timedelta(days=1)

_REVENUE = frozenset({"revenue", "rates", "base"})
_CUSTOMERS = _REVENUE | {"orders"}
# the figures that are kept, each in its default variant, and the families of facts it rests on
FAMILIES: Mapping[str, frozenset[str]] = {
    "mrr": _REVENUE,
    "mrr_movements": _REVENUE,
    "grr": _REVENUE,
    "nrr": _REVENUE,
    "gross_mrr_churn": _REVENUE,
    "net_mrr_churn": _REVENUE,
    "arpa": _REVENUE,
    "logo_churn": _CUSTOMERS,
    "nps": frozenset({"answers", "base"}),
    "csat": frozenset({"answers", "base"}),
    "ces": frozenset({"answers", "base"}),
    "response_rate": frozenset({"asks", "base"}),
    "ticket_volume": frozenset({"support", "base"}),
    "first_response_time": frozenset({"support", "base"}),
    "resolution_time": frozenset({"support", "base"}),
    "fcr": frozenset({"issues", "base"}),
    "support_cost": _CUSTOMERS | {"costs"},
    "crc": _CUSTOMERS | {"costs"},
}
# of these families a change after the month is the ordinary course: the figure settles
SETTLING_FAMILIES = frozenset({"asks", "issues", "settling"})
# the family of a changed zone or currency
EVERYTHING = "all"


def next_month(month: dt.date) -> dt.date:
    """The first day of the month after."""
    return (month.replace(day=1) + dt.timedelta(days=31)).replace(day=1)


def month_before(month: dt.date) -> dt.date:
    """The first day of the month before."""
    return (month.replace(day=1) - dt.timedelta(days=1)).replace(day=1)


def began(day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The midnight with which a day of the zone begins, in UTC."""
    return dt.datetime.combine(day, dt.time(), tzinfo=zone).astimezone(dt.UTC)


def months_to_close(*, now: dt.datetime, zone: zoneinfo.ZoneInfo, earliest: dt.datetime | None) -> list[dt.date]:
    """The months that are over and settled, the newest first, back to the first fact and at most `MOST_MONTHS`."""
    if earliest is None:
        return []
    month = month_before((now - SETTLING).astimezone(zone).date())
    found: list[dt.date] = []
    while len(found) < MOST_MONTHS and began(next_month(month), zone) > earliest:
        found.append(month)
        month = month_before(month)
    return found


def runs(months: Iterable[dt.date]) -> Iterator[list[dt.date]]:
    """Months without a gap, at most `TOGETHER` a run, the newest run first, each in order of time."""
    run: list[dt.date] = []
    for month in sorted(set(months), reverse=True):
        if run and (next_month(month) != run[0] or len(run) == TOGETHER):
            yield run
            run = []
        run.insert(0, month)
    if run:
        yield run


def parts_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The plain numbers among the parts of an answer."""
    return {name: value for name, value in body["parts"].items() if value is None or isinstance(value, (str, int))}


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between two sets of numbers, as it was and as it is."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def first_of(order: Sequence[str], found: Iterable[str], otherwise: str) -> str:
    """The first of an order that was found."""
    there = set(found)
    return next(itertools.chain((name for name in order if name in there), [otherwise]))
