"""Closing months: every core figure of a month that is over, for everybody and by segment, is written down once.

Work goes in pieces of one KPI and a few months, each a transaction of its own; what is missing is found from
the rows themselves, so a killed run goes on and two at once do nothing twice.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from metrics.kpis.engine import answer
from metrics.models import ClosedFigure, ClosedMonth
from metrics.models.restatements import NO_SEGMENT
from metrics.months import FAMILIES, began, months_to_close, next_month, parts_of, runs

# one piece of work on closed months at a time
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('vefa.closed_months'))"
_EARLIEST = """SELECT least((SELECT min(start) FROM accounts_subscription), (SELECT min(occurred_at) FROM accounts_transaction),
    (SELECT min(least(answered_at, invited_at)) FROM surveys_response), (SELECT min(sent_at) FROM surveys_invitation), (SELECT min(opened_at) FROM tickets_ticket),
    (SELECT min(start)::timestamptz FROM accounts_costentry))"""


def zone() -> zoneinfo.ZoneInfo:
    """The organisation's zone."""
    return zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)


def basis() -> str:
    """What all closed figures rest on beside the facts."""
    return f"{settings.ORGANISATION_TIME_ZONE} {settings.REPORTING_CURRENCY}"


def locked() -> bool:
    """Whether this transaction may work on closed months; not while another does."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        return bool(cursor.fetchone()[0])


def computed(kpi: str, months: list[dt.date], *, now: dt.datetime) -> Iterator[ClosedFigure]:
    """The figures of a KPI over a run of months as they are now: everybody first, then each segment. Not saved."""
    series = answer(name=kpi, start=months[0].isoformat(), end=next_month(months[-1]).isoformat(), interval="month", by="segment", now=now)["series"]
    for month, body in zip(months, series, strict=True):
        yield _figure(month, body, "", body, now)
        for group in body["groups"]:
            yield _figure(month, group, group["key"] or NO_SEGMENT, body, now)


def _figure(month: dt.date, body: dict[str, Any], segment: str, whole: dict[str, Any], now: dt.datetime) -> ClosedFigure:
    amounts = {name: None if body[name] is None else Decimal(body[name]) for name in ("value", "numerator", "denominator")}
    parts = parts_of(body)
    if body["missing"]:
        parts["missing"] = ", ".join(body["missing"])
    return ClosedFigure(
        month_id=month, kpi=whole["kpi"], variant=whole["variant"], segment=segment, **amounts, parts=parts, flags=body["flags"], closed_at=now,
        first_value=amounts["value"], first_numerator=amounts["numerator"], first_denominator=amounts["denominator"], first_parts=parts,
    )  # fmt: skip


def earliest_fact() -> dt.datetime | None:
    """The first instant that any figure could be about."""
    with connection.cursor() as cursor:
        cursor.execute(_EARLIEST)
        found: dt.datetime | None = cursor.fetchone()[0]
        return found


def closing_steps(*, now: dt.datetime, kpis: Iterable[str] = tuple(FAMILIES)) -> Iterator[int]:
    """Closes what is due, piece by piece, the newest months first; each turn gives the figures written.

    Nothing here is a restatement: a month that never closed has nothing to differ from. `kpis` may name
    some of the core figures; the others close when they are asked for.
    """
    wanted = tuple(kpis)
    due = months_to_close(now=now, zone=zone(), earliest=earliest_fact())
    there = set(ClosedFigure.objects.filter(segment="").values_list("month", "kpi"))
    for run in runs(month for month in due if any((month, kpi) not in there for kpi in wanted)):
        for kpi in wanted:
            for missing in runs(month for month in run if (month, kpi) not in there):
                written = _close(kpi, missing, now)
                if written is None:
                    return
                yield written


def _close(kpi: str, months: list[dt.date], now: dt.datetime) -> int | None:
    """Writes one KPI of some months; None where another process works on closed months."""
    with transaction.atomic():
        if not locked():
            return None
        ClosedMonth.objects.bulk_create(
            [ClosedMonth(month=month, starts_at=began(month, zone()), ends_at=began(next_month(month), zone()), basis=basis(), closed_at=now) for month in months],
            ignore_conflicts=True,
        )
        there = set(ClosedFigure.objects.filter(kpi=kpi, month__in=months, segment="").values_list("month", flat=True))
        fresh = [figure for figure in computed(kpi, months, now=now) if figure.month_id not in there]
        ClosedFigure.objects.bulk_create(fresh)
        return len(fresh)
