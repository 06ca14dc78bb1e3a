"""How long customers stay: Kaplan-Meier over tenures. Definitions: `docs/metrics.md`, tenure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

from metrics.formulas.numbers import decimal_text
from metrics.formulas.survival import Survival, curve_of
from metrics.kpis.dimensions import fetch
from metrics.kpis.earning import earners
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from metrics.kpis.readings import read_once
from metrics.ledger.statements import fetch_in_two

DAYS_A_MONTH = Decimal("30.4375")
# tenures are counted in thousand-millionths of a day
DAY = Decimal(1_000_000_000)
# of a curve with more steps so many are told; value, median and expected tenure rest on all of them
MOST_TOLD = 2_000
GAP_DAYS = 30
# durations are differences of wall clocks of the organisation's zone, so that a day of 23 hours is a day; in millionths of a second
_MICROS = "(extract(epoch FROM (until AT TIME ZONE %(zone)s) - (first_at AT TIME ZONE %(zone)s)) * 1000000)::bigint"
_MONTHS = "(SELECT extract(year FROM g) * 12 + extract(month FROM g) FROM age(until AT TIME ZONE %(zone)s, first_at AT TIME ZONE %(zone)s) g)::bigint"


def _lasting(question: Question, by: str | None, gap_days: int, *, halved: bool = False) -> tuple[str, dict[str, Any]]:
    """A WITH clause that ends in `lasting(account_id, key, first_at, ended, until)`, one row a tenure, and what it binds."""
    with_earners, values = earners(question, by, halved=halved)
    # most never paused: their only stretch is the tenure, and only of the others is asked where the first long gap begins
    sql = f"""{with_earners},
        tenures AS (
            SELECT e.account_id, e.key, e.first_at, CASE WHEN range_merge(e.earns)::tstzmultirange = e.earns THEN upper(e.earns) ELSE (
                SELECT s.ends FROM (
                    SELECT upper(r) AS ends, lead(lower(r)) OVER (ORDER BY lower(r)) AS returns FROM unnest(e.earns) r WHERE lower(r) < %(t1)s) s
                WHERE s.returns IS NULL OR (s.returns AT TIME ZONE %(zone)s) - (s.ends AT TIME ZONE %(zone)s) > make_interval(days => %(gap)s)
                ORDER BY s.ends LIMIT 1) END AS ended_at
            FROM earners e WHERE e.first_at < %(t1)s),
        lasting AS (
            SELECT account_id, key, first_at, coalesce(ended_at < %(t1)s, false) AS ended, CASE WHEN ended_at < %(t1)s THEN ended_at ELSE %(t1)s END AS until FROM tenures)"""
    return sql, {**values, "gap": gap_days}


def tenures(question: Question) -> list[tuple[int, dt.datetime, dt.datetime, bool]]:
    """The tenures that the curve is drawn over: (account, first MRR, end or how far it is known, whether it ended), in the order of accounts."""
    lasting, values = _lasting(question, None, question.params["gap_days"])
    return [(account, first, until, ended) for account, first, until, ended in fetch(f"{lasting} SELECT account_id, first_at, until, ended FROM lasting ORDER BY 1", values)]


@read_once()
def survivals(question: Question, by: str | None, *, time: str, gap_days: int = GAP_DAYS) -> dict[str | None, Survival]:
    """The survival curve of every group, over all tenures that began before the end of the period.

    `time` is the unit: `days`, `exact_months` (days / 30.4375) or `whole_months` (completed calendar
    months). A tenure lasts from the first MRR > 0 to the end of its last service before the end of the
    period; a gap of more than `gap_days` ends it, and who returns after one is no new subject.
    """
    lasting, values = _lasting(question, by, gap_days, halved=True)
    counted, per = (_MONTHS, Decimal(1)) if time == "whole_months" else (_MICROS, DAY if time == "days" else DAY * DAYS_A_MONTH)
    # as two lists a group: rows of their own would cost as much as all the rest
    sql = f"{lasting} SELECT key, array_agg({counted}) FILTER (WHERE ended), array_agg({counted}) FILTER (WHERE NOT ended) FROM lasting GROUP BY key"
    found: dict[str | None, tuple[Counter[int], Counter[int]]] = {None: (Counter(), Counter())} if by is None else {}
    for key, *sides in fetch_in_two(sql, values):
        for counts, side in zip(found.setdefault(key, (Counter(), Counter())), sides, strict=True):
            counts.update((side or ()) if time == "whole_months" else map(_thousand_millionths, side or ()))
    return {key: curve_of(ended, censored, per=per) for key, (ended, censored) in found.items()}


def _thousand_millionths(micros: int) -> int:
    """Millionths of a second as thousand-millionths of a day, to the nearest: 86.4 of the former are one of the latter."""
    return (20 * micros + 864) // 1728


def tenure_survival(question: Question, by: str | None) -> dict[str | None, Figure]:
    """S at the horizon, with the whole curve, its band and the median."""
    params = question.params
    curves = survivals(question, by, time=params["time"], gap_days=params["gap_days"])
    shapes = _shapes(question, by, time=params["time"], gap_days=params["gap_days"])
    return {key: _figure_at(survival, params["horizon_months"], shapes[key], time=params["time"]) for key, survival in curves.items()}


@read_once()
def _shapes(question: Question, by: str | None, *, time: str, gap_days: int) -> dict[str | None, dict[str, Any]]:
    """What the answer tells of every curve whatever the horizon, as it leaves the engine."""
    shapes: dict[str | None, dict[str, Any]] = {}
    for key, survival in survivals(question, by, time=time, gap_days=gap_days).items():
        steps = survival.told(MOST_TOLD)
        curve = [["0", "1"], *([decimal_text(step.time), decimal_text(step.survival)] for step in steps)] if survival.subjects else []
        band = [[decimal_text(step.time), *map(decimal_text, step.band)] for step in steps]
        shapes[key] = {"curve": curve, "band": band, "median": survival.median}
    return shapes


def _figure_at(survival: Survival, horizon_months: int, shape: dict[str, Any], *, time: str) -> Figure:
    horizon = Decimal(horizon_months) * (DAYS_A_MONTH if time == "days" else 1)
    step, there = survival.step_at(horizon), bool(survival.subjects)
    value = survival.at(horizon) if there else None
    low, high = (None, None) if step is None else step.band
    parts = {
        "subjects": survival.subjects, "ended": survival.ended, "censored": survival.subjects - survival.ended,
        "expected_tenure": survival.mean_within(horizon) if there else None,
    }  # fmt: skip
    return Figure(value=value, numerator=value, parts=parts, interval=None if low is None or high is None else (low, high), shape=shape)
