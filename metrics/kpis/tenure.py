"""How long customers stay: Kaplan-Meier over tenures. Definitions: `docs/metrics.md`, tenure."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from metrics.formulas.survival import Survival, kaplan_meier
from metrics.kpis.dimensions import fetch
from metrics.kpis.earning import earners
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question

DAYS_A_MONTH = Decimal("30.4375")
# of a curve with more steps so many are told; value, median and expected tenure rest on all of them
MOST_TOLD = 2_000
GAP_DAYS = 30
# durations are differences of wall clocks of the organisation's zone, so that a day of 23 hours is a day
_DAYS = "round(extract(epoch FROM (until AT TIME ZONE %(zone)s) - (first_at AT TIME ZONE %(zone)s))::numeric / 86400, 9)"
_MONTHS = "(SELECT extract(year FROM g)::numeric * 12 + extract(month FROM g)::numeric FROM age(until AT TIME ZONE %(zone)s, first_at AT TIME ZONE %(zone)s) g)"


def _lasting(question: Question, by: str | None, gap_days: int) -> tuple[str, dict[str, Any]]:
    """A WITH clause that ends in `lasting(account_id, key, first_at, ended, until)`, one row a tenure, and what it binds."""
    with_earners, values = earners(question, by)
    sql = f"""{with_earners},
        stretches AS (
            SELECT e.account_id, lower(r) AS begins, upper(r) AS ends, lag(upper(r)) OVER (PARTITION BY e.account_id ORDER BY lower(r)) AS ended_before
            FROM earners e, unnest(e.earns) r WHERE lower(r) < %(t1)s),
        breaks AS (
            SELECT account_id, min(begins) AS returned_at FROM stretches
            WHERE (begins AT TIME ZONE %(zone)s) - (ended_before AT TIME ZONE %(zone)s) > make_interval(days => %(gap)s) GROUP BY account_id),
        tenures AS (
            SELECT s.account_id, bool_or(s.ends IS NULL OR s.ends >= %(t1)s) AS still_there, max(s.ends) AS ended_at
            FROM stretches s LEFT JOIN breaks b ON b.account_id = s.account_id WHERE b.returned_at IS NULL OR s.begins < b.returned_at GROUP BY s.account_id),
        lasting AS (
            SELECT e.account_id, e.key, e.first_at, NOT t.still_there AS ended, CASE WHEN t.still_there THEN %(t1)s ELSE t.ended_at END AS until
            FROM tenures t JOIN earners e ON e.account_id = t.account_id)"""
    return sql, {**values, "gap": gap_days}


def tenures(question: Question) -> list[tuple[int, dt.datetime, dt.datetime, bool]]:
    """The tenures that the curve is drawn over: (account, first MRR, end or how far it is known, whether it ended), in the order of accounts."""
    lasting, values = _lasting(question, None, question.params["gap_days"])
    return [(account, first, until, ended) for account, first, until, ended in fetch(f"{lasting} SELECT account_id, first_at, until, ended FROM lasting ORDER BY 1", values)]


def survivals(question: Question, by: str | None, *, time: str, gap_days: int = GAP_DAYS) -> dict[str | None, Survival]:
    """The survival curve of every group, over all tenures that began before the end of the period.

    `time` is the unit: `days`, `exact_months` (days / 30.4375) or `whole_months` (completed calendar
    months). A tenure lasts from the first MRR > 0 to the end of its last service before the end of the
    period; a gap of more than `gap_days` ends it, and who returns after one is no new subject.
    """
    lasting, values = _lasting(question, by, gap_days)
    sql = f"""{lasting}
        SELECT key, {_MONTHS if time == "whole_months" else _DAYS} AS tenure, count(*) FILTER (WHERE ended), count(*) FILTER (WHERE NOT ended)
        FROM lasting GROUP BY 1, 2"""
    found: dict[str | None, list[tuple[Decimal, int, int]]] = {}
    for key, tenure, ended, censored in fetch(sql, values):
        length = Decimal(tenure)
        found.setdefault(key, []).append((length / DAYS_A_MONTH if time == "exact_months" else length, ended, censored))
    if by is None:
        found.setdefault(None, [])
    return {key: kaplan_meier(rows) for key, rows in found.items()}


def tenure_survival(question: Question, by: str | None) -> dict[str | None, Figure]:
    """S at the horizon, with the whole curve, its band and the median."""
    params = question.params
    horizon = Decimal(params["horizon_months"])
    if params["time"] == "days":
        horizon *= DAYS_A_MONTH
    figures: dict[str | None, Figure] = {}
    for key, survival in survivals(question, by, time=params["time"], gap_days=params["gap_days"]).items():
        step, told = survival.step_at(horizon), survival.told(MOST_TOLD)
        there = bool(survival.subjects)
        value = survival.at(horizon) if there else None
        low, high = (None, None) if step is None else step.band
        interval = None if low is None or high is None else (low, high)
        curve: list[list[Any]] = [[Decimal(0), Decimal(1)], *([each.time, each.survival] for each in told)]
        parts = {
            "subjects": survival.subjects, "ended": survival.ended, "censored": survival.subjects - survival.ended,
            "expected_tenure": survival.mean_within(horizon) if there else None,
        }  # fmt: skip
        shape = {"curve": curve if there else [], "band": [[each.time, *each.band] for each in told], "median": survival.median}
        figures[key] = Figure(value=value, numerator=value, parts=parts, interval=interval, shape=shape)
    return figures
