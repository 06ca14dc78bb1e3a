"""Retention over trailing months, for every month at once: NRR and GRR of [m - 12, m) for each m.

One pass instead of one comparison a month. An account's MRR is a row of ranges of months; the ranges
twelve months ago are laid over those of today, and where they differ what was lost or gained is added
where the overlap begins and taken away where it ends. What did not change needs no row.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from metrics.kpis.bridge import Bridge
from metrics.kpis.engine import answer_question, ask
from metrics.kpis.question import Question, WrongQuestion, add_months
from metrics.ledger.books import Part, standing_of
from metrics.ledger.periods import Periods, month_number
from metrics.ledger.prepare import can_tell
from metrics.ledger.rates import EXACT, RATE_TABLE, Rates
from metrics.ledger.statements import MEMBERS, MEMBERS_HALVED, Asked, Kind, fetch, fetch_in_two, rows, segment_names

NAMES = ("nrr", "grr")


def trailing(
    *,
    name: str,
    start: str,
    end: str,
    now: dt.datetime,
    months: int = 12,
    segment: str | None = None,
    filters: Mapping[str, str | Iterable[str]] | None = None,
    by: str | None = None,
    accounts: Iterable[int] | None = None,
) -> dict[str, Any]:
    """`{"series": [...]}`: for each month m of [start, end) the answer of `nrr` or `grr` over the months before its end.

    The piece that ends with month m is exactly `answer(name=name, start=m + 1 - months, end=m + 1)`. `start` and
    `end` are first days of months, the other arguments those of `answer`. Raises WrongQuestion.
    """
    if name not in NAMES:
        raise WrongQuestion(f"{name} has no trailing months; there are {', '.join(NAMES)}.")
    if months < 1:
        raise WrongQuestion(f"months={months} cannot be used: expected 1 or more.")
    scope = None if accounts is None else tuple(accounts)
    whole = ask(name=name, start=start, end=end, now=now, segment=segment, filters=filters, accounts=scope)
    first, last = month_number(whole.start, whole.zone), month_number(whole.end, whole.zone)
    if first is None or last is None:
        raise WrongQuestion(f"Trailing months begin and end with a month; {start} to {end} does not.")
    begin = dt.date.fromisoformat(start)
    edges = [add_months(begin, place).isoformat() for place in range(1 - months, last - first + 1)]
    questions = [
        ask(name=name, start=left, end=right, now=now, segment=segment, filters=filters, accounts=scope) for left, right in zip(edges, edges[months:], strict=False)
    ]  # fmt: skip
    known = sum(not question.partial for question in questions)
    if known and can_tell(questions[0], by):
        asked = Asked.of(questions[0], by, None)
        periods = Periods(tuple(first + 1 - months + place for place in range(known + 1)), (*(question.start for question in questions[:known]), questions[known - 1].until))
        ends = [question.until for question in questions[:known]]
        for place, told in enumerate(_bridges(asked, periods, ends, months)):
            if told is not None:
                questions[place] = _with(questions[place], by, told)
    return {"series": [answer_question(question, by) for question in questions]}


def _with(question: Question, by: str | None, told: dict[str, dict[str | None, Bridge]]) -> Question:
    prepared: dict[tuple[Any, ...], Any] = {("bridges", question.start, question.until, None, None): told["whole"]}
    if by is not None:
        prepared["bridges", question.start, question.until, by, None] = told["groups"]
    return replace(question, prepared=prepared)


_MOVES = ("churned", "contraction", "expansion")


def _bridges(asked: Asked, periods: Periods, ends: list[dt.datetime], months: int) -> list[dict[str, dict[str | None, Bridge]] | None]:
    """What retention needs of each bridge; None where a rate is missing, or a group might have newcomers alone."""
    parts, currencies = standing_of(asked, periods)
    changes: dict[tuple[Any, Any, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for segment, key, currency, lo, hi, *moved in _pairs(asked, periods, months):
        currencies.add(currency)
        cells = changes[segment, key, currency]
        for cell, way in ((cells[lo], 1), (cells[hi], -1)):
            for which, micros in enumerate(moved):
                cell[which] += way * int(micros)
    for (segment, key, currency), cells in changes.items():
        running = [0, 0, 0]
        for place in range(1, len(periods) + 1):
            if place in cells:
                running = [have + more for have, more in zip(running, cells[place], strict=True)]
            # what a segment has is taken from those without
            for name, sign in ((segment, 1),) if segment is None else ((segment, 1), (None, -1)):
                moved_here = parts[name, key][place - 1].moved
                for what, micros in zip(_MOVES, running, strict=True):
                    moved_here[what][currency] += sign * micros
    rates, rates_then = Rates(asked.question, currencies, periods.instants[:-1]), Rates(asked.question, currencies, ends)
    for segment, key, place, *values in _mixed(asked, periods, months, rates, currencies):
        for name, sign in ((segment, 1),) if segment is None else ((segment, 1), (None, -1)):
            for what, value in zip(_MOVES, values, strict=True):
                part = parts[name, key][place - 1]
                part.valued[what] = EXACT.add(part.valued[what], value if sign > 0 else EXACT.minus(value))
    found: list[dict[str, dict[str | None, Bridge]] | None] = []
    for place in range(1, len(periods) + 1):
        whole = Part()
        groups: dict[str | None, Part] = defaultdict(Part)
        for (segment, key), row in parts.items():
            if not asked.segmented or asked.wants(segment):
                whole.add(row[place - 1])
                groups[asked.group(segment, key)].add(row[place - 1])
        if rates.lacks(currencies, place) or rates_then.lacks(currencies, place):
            found.append(None)
            continue
        each = {key: part.bridge(rates, place, closing=False) for key, part in groups.items()}
        found.append({"whole": {None: whole.bridge(rates, place, closing=False)}, "groups": {key: told for key, told in each.items() if told.opening}})
    return found


# after the last row of an account
_NEVER = 1_000_000


def _pairs(asked: Asked, periods: Periods, months: int) -> list[tuple[Any, ...]]:
    """Segment, key, currency, the numbers of the instants lo to hi - 1, and what was churned, contracted and expanded from each to `months` later."""
    first, count = periods.months[0], len(periods)
    conditions = asked.values(periods.months[:-1], periods.instants[:-1])
    ledger = rows(asked, conditions, periods.months[-2] + months, "0", halved=True)
    sums = "sum(was) FILTER (WHERE now = 0), sum(was - now) FILTER (WHERE now > 0 AND now < was), sum(now - was) FILTER (WHERE now > was)"
    by_segment = f"""
        UNION ALL SELECT g.segment_id, p.key, p.currency, greatest(p.lo, g.lo) AS lo, least(p.hi, g.hi) AS hi, {sums}
        FROM pairs p JOIN members g ON g.account_id = p.account_id AND g.lo < p.hi AND p.lo < g.hi GROUP BY 1, 2, 3, 4, 5"""
    sql = f"""
        WITH {ledger}, {MEMBERS_HALVED},
        ranged AS (
            SELECT account_id, currency, key, month, balance, coalesce(lead(month) OVER (PARTITION BY account_id, currency ORDER BY month), {_NEVER}) AS next
            FROM rows WHERE kind <> {Kind.MIXED} AND kind <> {Kind.TRANSIENT}),
        pairs AS (
            SELECT a.account_id, a.currency, a.key, a.balance AS was, b.balance AS now, greatest(a.month + 2 - {first}, b.month + 2 - {first + months}, 1) AS lo,
                   least(a.next + 2 - {first}, b.next + 2 - {first + months}, {count + 1}) AS hi
            FROM ranged b JOIN ranged a ON a.account_id = b.account_id AND a.month < b.month AND a.next > b.month - {months} AND a.month < b.next - {months}
            WHERE a.balance > 0 AND a.balance <> b.balance AND a.next > {first - 1} AND b.next > {first + months - 1})
        SELECT NULL::bigint, key, currency, lo, hi, {sums} FROM pairs GROUP BY 1, 2, 3, 4, 5 {by_segment if asked.segmented else ""}"""
    names: dict[int | None, str] = {**segment_names()}
    found = fetch_in_two(sql, conditions.values, hashed=True)
    return [(names.get(segment), key, currency, lo, hi, *(amount or 0 for amount in moved)) for segment, key, currency, lo, hi, *moved in found]


def _mixed(asked: Asked, periods: Periods, months: int, rates: Rates, currencies: set[str]) -> list[tuple[Any, ...]]:
    """Segment, key, number of the instant, and what was churned, contracted and expanded by accounts of several currencies, at the rates of the instant."""
    if not asked.mixed:
        return []
    conditions = asked.values(periods.months[:-1], periods.instants[:-1])
    ledger = rows(asked, conditions, periods.months[-2] + months, "0")
    there = fetch(f"WITH {ledger} SELECT EXISTS (SELECT 1 FROM rows WHERE kind = {Kind.MIXED})", conditions.values)[0][0]
    if not there:
        return []
    conditions.values |= rates.table(currencies, range(1, len(periods) + 1))
    first, count = periods.months[0], len(periods)
    sql = f"""
        WITH {ledger}, {MEMBERS},
        ranged AS (
            SELECT account_id, currency, key, month, balance, coalesce(lead(month) OVER (PARTITION BY account_id, currency ORDER BY month), {_NEVER}) AS next
            FROM rows WHERE kind = {Kind.MIXED}),
        cells AS (
            SELECT account_id, currency, key, balance AS was, 0 AS now, place
            FROM ranged, generate_series(greatest(month + 2 - {first}, 1), least(next + 1 - {first}, {count})) place
            UNION ALL
            SELECT account_id, currency, key, 0, balance, place
            FROM ranged, generate_series(greatest(month + 2 - {first} - {months}, 1), least(next + 1 - {first} - {months}, {count})) place),
        valued AS (
            SELECT c.account_id, c.key, c.place, sum(c.was * x.rate) AS was, sum(c.now * x.rate) AS now
            FROM cells c JOIN {RATE_TABLE} x ON x.period = c.place AND x.currency = c.currency GROUP BY 1, 2, 3)
        SELECT {"g.segment_id" if asked.segmented else "NULL::bigint"}, v.key, v.place, coalesce(sum(was) FILTER (WHERE now = 0), 0),
               coalesce(sum(was - now) FILTER (WHERE now > 0 AND now < was), 0), coalesce(sum(now - was) FILTER (WHERE now > was), 0)
        FROM valued v {"LEFT JOIN members g ON g.account_id = v.account_id AND v.place >= g.lo AND v.place < g.hi" if asked.segmented else ""}
        WHERE was > 0 GROUP BY 1, 2, 3"""
    names: dict[int | None, str] = {**segment_names()}
    told = [(names.get(segment), *rest) for segment, *rest in fetch(sql, conditions.values)]
    if not asked.segmented:
        return told
    # what a segment has is taken from those without: so those without hold everything first
    sums: dict[tuple[Any, int], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for _segment, key, place, *values in told:
        sums[key, place] = [EXACT.add(have, more) for have, more in zip(sums[key, place], values, strict=True)]
    return [(None, key, place, *values) for (key, place), values in sums.items()] + [row for row in told if row[0] is not None]
