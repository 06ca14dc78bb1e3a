"""MRR at the ends of many periods by one pass: equal to `metrics.kpis.revenue` for each of them."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from metrics.kpis.dimensions import ACCOUNT_SQL, SPAN_SQL, Conditions, expression, narrow
from metrics.kpis.revenue import in_force, paying
from metrics.ledger.periods import Periods
from metrics.ledger.rates import EXACT, RATE_TABLE, Rates
from metrics.ledger.statements import MEMBERS, Asked, Kind, by_segment, fetch, rows, segment_names

# one row of the exact path: group, millionths, customers, subscriptions, accounts, millionths past due, sum of squares, currencies without a rate
Row = tuple[str | None, Decimal, int, int, int, Decimal, Decimal, list[str]]
Cell = tuple[str | None, str | None, str]


class _Running:
    """Sums that change at instants, by segment, key and currency; those of no segment are what the others leave."""

    def __init__(self, asked: Asked, count: int, width: int):
        self._asked, self._count, self._width = asked, count, width
        self._changes: dict[Cell, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(lambda: [0] * width))

    def add(self, instant: int, segment: str | None, key: str | None, currency: str, *numbers: Any) -> None:
        """Takes in a change; one of a segment is taken away from those without."""
        places = [(segment, 1)] if segment is None else [(segment, 1), (None, -1)]
        for name, sign in places:
            cell = self._changes[name, key, currency][instant]
            for place, number in enumerate(numbers):
                # whole numbers beyond what a decimal's context keeps
                cell[place] += sign * int(number or 0)

    def between(self, lo: int, hi: int, segment: str | None, key: str | None, currency: str, *numbers: Any) -> None:
        """Takes in what stands from one instant on, until before another one."""
        self.add(lo, segment, key, currency, *numbers)
        self.add(hi, segment, key, currency, *(-(number or 0) for number in numbers))

    def at_each(self) -> list[dict[str | None, dict[str, list[Any]]]]:
        """For each instant the sums by group and currency; zeros are left out."""
        found: list[dict[str | None, dict[str, list[Any]]]] = [defaultdict(dict) for _ in range(self._count)]
        for (segment, key, currency), changes in self._changes.items():
            if self._asked.segmented and not self._asked.wants(segment):
                continue
            running = [0] * self._width
            for instant in range(1, self._count + 1):
                running = [have + more for have, more in zip(running, changes.get(instant, [0] * self._width), strict=True)]
                if any(running):
                    cell = found[instant - 1][self._asked.group(segment, key)].setdefault(currency, [0] * self._width)
                    cell[:] = [have + more for have, more in zip(cell, running, strict=True)]
        return found


def mrr_rows(asked: Asked, periods: Periods, *, spread: bool, in_force_too: bool) -> list[dict[str, list[Row]] | None]:
    """For each period the rows of the exact path at its end, of the whole and of the groups; None where a rate is missing.

    `spread` brings the sums of squares, `in_force_too` what is in force and past due, which not every figure shows.
    """
    instants = periods.instants[1:]
    held = _money(asked, periods, spread=spread)
    rates = Rates(asked.question, {currency for cells in held for group in cells.values() for currency in group}, instants)
    several = _several(asked, periods, rates, spread=spread)
    in_force_then = _services(asked, periods) if in_force_too else [{} for _ in instants]
    overdue = _overdue(asked, periods) if in_force_too else {}
    found: list[dict[str, list[Row]] | None] = []
    for place in range(1, len(periods) + 1):
        cells = held[place - 1]
        if rates.lacks({currency for group in cells.values() for currency, (micros, *_rest) in group.items() if micros}, place):
            found.append(None)
            continue
        groups: dict[str | None, Row] = {}
        for key in {*cells, *in_force_then[place - 1]}:
            amounts = {currency: numbers[0] for currency, numbers in cells.get(key, {}).items()}
            more_customers, squares = several.get((place, key), (0, Decimal(0)))
            customers = more_customers + sum(numbers[1] for numbers in cells.get(key, {}).values())
            for currency, numbers in cells.get(key, {}).items():
                rate = rates.at(currency, place) or Decimal(0)
                squares = EXACT.add(squares, EXACT.multiply(Decimal(numbers[2]), EXACT.multiply(rate, rate)))
            spans, accounts = in_force_then[place - 1].get(key, {}).get("", [0, 0])
            if customers or accounts:
                groups[key] = (key, rates.value(amounts, place), customers, spans, accounts, overdue.get((place, key), Decimal(0)), squares, [])
        found.append({"whole": _whole(list(groups.values())), "groups": list(groups.values())})
    return found


def _whole(groups: list[Row]) -> list[Row]:
    if not groups:
        return []
    micros = overdue = squares = Decimal(0)
    for row in groups:
        micros, overdue, squares = EXACT.add(micros, row[1]), EXACT.add(overdue, row[5]), EXACT.add(squares, row[6])
    customers, spans, accounts = (sum(row[place] for row in groups) for place in (2, 3, 4))  # type: ignore[misc]
    return [(None, micros, customers, spans, accounts, overdue, squares, [])]


def _conditions(asked: Asked, periods: Periods) -> Conditions:
    return asked.values(periods.months[1:], periods.instants[1:])


def _money(asked: Asked, periods: Periods, *, spread: bool) -> list[dict[str | None, dict[str, list[Any]]]]:
    """Millionths, customers and squares by group and currency at each end; accounts of several currencies with their millionths alone."""
    conditions = _conditions(asked, periods)
    found = rows(asked, conditions, periods.months[-1], "width_bucket(l.month, %(months)s::integer[])")
    alone = f"kind <> {Kind.MIXED}"
    squares = f"sum(balance::numeric * balance - (balance - delta)::numeric * (balance - delta)) FILTER (WHERE {alone})" if spread else "0"
    running = _Running(asked, len(periods), 3)
    whole = f"""WITH {found} SELECT period + 1, NULL::text, key, currency, sum(delta),
        sum((balance > 0)::integer - (balance > delta)::integer) FILTER (WHERE {alone}), {squares} FROM rows GROUP BY 1, 2, 3, 4"""
    for change in fetch(whole, conditions.values):
        running.add(*change)
    if asked.segmented:
        names = segment_names()
        columns = f"sum(r.delta), sum((r.balance > 0)::integer - (r.balance > r.delta)::integer) FILTER (WHERE {alone}), {squares}"
        told = by_segment("rows", "r.currency", columns, holding=False)
        for segment, key, currency, lo, hi, _holds, *numbers in fetch(f"WITH {found}, {MEMBERS} {told}", conditions.values):
            running.between(lo, hi, names[segment], key, currency, *numbers)
    return running.at_each()


def _several(asked: Asked, periods: Periods, rates: Rates, *, spread: bool) -> dict[tuple[int, str | None], tuple[int, Decimal]]:
    """Customers, and the squares of what they pay, of the accounts that ever paid in several currencies, by end and group."""
    conditions = _conditions(asked, periods)
    found = rows(asked, conditions, periods.months[-1], "width_bucket(l.month, %(months)s::integer[])")
    currencies = [row[0] for row in fetch(f"WITH {found} SELECT DISTINCT currency FROM rows WHERE kind = {Kind.MIXED}", conditions.values)]
    if not currencies:
        return {}
    conditions.values |= rates.table(currencies, range(1, len(periods) + 1))
    segment = "m.segment_id" if asked.segmented else "NULL::bigint"
    names: dict[int | None, str] = {**segment_names()}
    members = f", {MEMBERS}" if asked.segmented else ""
    join = "LEFT JOIN members m ON m.account_id = p.account_id AND p.place >= m.lo AND p.place < m.hi" if asked.segmented else ""
    square = "p.micros * p.micros" if spread else "0"
    sql = f"""WITH {found}{members},
        ranges AS (
            SELECT account_id, currency, key, balance, period + 1 AS lo, coalesce(lead(period) OVER (PARTITION BY account_id, currency ORDER BY month), %(n)s) + 1 AS hi
            FROM rows WHERE kind = {Kind.MIXED}),
        paying AS (
            SELECT r.account_id, r.key, place, sum(r.balance * x.rate) AS micros
            FROM ranges r CROSS JOIN generate_series(r.lo, r.hi - 1) place JOIN {RATE_TABLE} x ON x.period = place AND x.currency = r.currency
            WHERE r.balance > 0 GROUP BY 1, 2, 3)
        SELECT p.place, {segment}, p.key, count(*), sum({square}) FROM paying p {join} GROUP BY 1, 2, 3"""
    told: dict[tuple[int, str | None], tuple[int, Decimal]] = {}
    for place, number, key, count, squares in fetch(sql, conditions.values):
        name = names.get(number)
        if not asked.segmented or asked.wants(name):
            customers, so_far = told.get((place, asked.group(name, key)), (0, Decimal(0)))
            told[place, asked.group(name, key)] = (customers + count, EXACT.add(so_far, Decimal(squares)))
    return told


def _services(asked: Asked, periods: Periods) -> list[dict[str | None, dict[str, list[Any]]]]:
    """Spans and accounts in force at each end, by group."""

    conditions = _conditions(asked, periods)
    read = f"""rows AS (
            SELECT l.account_id, l.month, l.delta, l.held, {asked.key} AS key, width_bucket(l.month, %(months)s::integer[]) AS period
            FROM {asked.service_rows()} l {asked.join(conditions)} AND l.month < {conditions.bind(periods.months[-1])})"""
    running = _Running(asked, len(periods), 2)
    whole = "SELECT period + 1, NULL::text, key, '', sum(delta), sum((held > 0)::integer - (held > delta)::integer) FROM rows GROUP BY 1, 2, 3"
    for change in fetch(f"WITH {read} {whole}", conditions.values):
        running.add(*change)
    if asked.segmented:
        names = segment_names()
        told = by_segment("rows", "''", "sum(r.delta), sum((r.held > 0)::integer - (r.held > r.delta)::integer)", holding=False)
        for segment, key, currency, lo, hi, _holds, *numbers in fetch(f"WITH {read}, {MEMBERS} {told}", conditions.values):
            running.between(lo, hi, names[segment], key, currency, *numbers)
    return running.at_each()


def _overdue(asked: Asked, periods: Periods) -> dict[tuple[int, str | None], Decimal]:
    """MRR that is past due at each end, by group: few spans ever are, so they are looked at one by one."""
    question = asked.question
    conditions = Conditions({"instants": list(periods.instants[1:]), "reporting": question.currency, "zone": str(question.zone)})
    tables = (ACCOUNT_SQL, SPAN_SQL)
    group = expression(asked.by, tables, "t.at") if asked.by else "NULL::text"
    narrow(question, conditions, tables, "t.at")
    since = "coalesce(s.past_due_since, CASE WHEN s.status = 'past_due' THEN s.start END)"
    holds = f"({in_force(question.params)}) AND {paying(question.params)}".replace("%(t)s", "t.at")
    sql = f"""
        SELECT t.place, {group}, sum(s.mrr_micros * CASE WHEN s.currency = %(reporting)s THEN 1 ELSE (
            SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = s.currency AND (x.day::timestamp AT TIME ZONE %(zone)s) < t.at ORDER BY x.day DESC LIMIT 1) END)
        FROM accounts_subscription s JOIN accounts_account a ON a.id = s.account_id
        JOIN unnest(%(instants)s::timestamptz[]) WITH ORDINALITY AS t (at, place) ON {since} < t.at AND {holds}
        WHERE (s.past_due_since IS NOT NULL OR s.status = 'past_due') AND s.mrr_micros > 0 AND NOT a.excluded AND {conditions.sql} GROUP BY 1, 2"""
    return {(place, key): micros or Decimal(0) for place, key, micros in fetch(sql, conditions.values)}
