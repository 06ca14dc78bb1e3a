"""The MRR bridges of many periods by one pass: equal to `metrics.kpis.bridge` for each of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from metrics.kpis.bridge import Bridge
from metrics.ledger.periods import Periods
from metrics.ledger.rates import EXACT, RATE_TABLE, Rates, units
from metrics.ledger.statements import MEMBERS, MEMBERS_HALVED, Asked, Kind, by_segment, fetch, fetch_in_two, moves, rows, segment_names, sums

Group = tuple[str | None, str | None]
_MOVED: dict[int, str] = {Kind.NEW: "new", Kind.EXPANSION: "expansion", Kind.CONTRACTION: "contraction", Kind.CHURNED: "churned", Kind.REACTIVATION: "reactivation"}
_COUNTED: dict[int, str] = {Kind.NEW: "customers_new", Kind.CHURNED: "customers_churned", Kind.REACTIVATION: "customers_reactivated", Kind.TRANSIENT: "transient_accounts"}


def _by_currency() -> dict[str, int]:
    return defaultdict(int)


@dataclass
class Part:
    """What a group of accounts did in a period: millionths by currency, and counts of accounts."""

    opening: dict[str, int] = field(default_factory=_by_currency)
    delta: dict[str, int] = field(default_factory=_by_currency)
    moved: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(_by_currency))
    # of accounts with several currencies, in the reporting currency at the opening's rates
    valued: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    counts: dict[str, int] = field(default_factory=_by_currency)
    touched: set[str] = field(default_factory=set)

    def currencies(self) -> set[str]:
        """The currencies that need a rate."""
        return {currency for currency, micros in self.opening.items() if micros} | self.touched

    def add(self, other: Part) -> None:
        """Takes in another group of the same period."""
        for mine, theirs in ((self.opening, other.opening), (self.delta, other.delta), (self.counts, other.counts)):
            for name, number in theirs.items():
                mine[name] += number
        for name, amounts in other.moved.items():
            for currency, micros in amounts.items():
                self.moved[name][currency] += micros
        for name, value in other.valued.items():
            self.valued[name] = EXACT.add(self.valued[name], value)
        self.touched |= other.touched

    @property
    def lives(self) -> bool:
        """Whether anybody in it paid at the start, at the end or in between for the first time."""
        return any(self.counts[name] for name in ("customers_start", "customers_end", "transient_accounts"))

    def bridge(self, rates: Rates, place: int, *, closing: bool = True) -> Bridge:
        """The bridge of the period that begins at the instant of that number; without its closing where nobody asks for that."""
        told = Bridge(opening=units(rates.value(self.opening, place)))
        if closing:
            after = {currency: self.opening.get(currency, 0) + self.delta.get(currency, 0) for currency in {*self.opening, *self.delta}}
            closed, valued = rates.value(after, place), rates.value(after, place + 1)
            told.fx, told.closing = units(EXACT.subtract(valued, closed)), units(valued)
        for name in _MOVED.values():
            setattr(told, name, units(EXACT.add(rates.value(self.moved.get(name, {}), place), self.valued.get(name, Decimal(0)))))
        for name, count in self.counts.items():
            setattr(told, name, count)
        return told


Parts = dict[Group, list[Part]]


def parts_of(asked: Asked, periods: Periods) -> tuple[Parts, Rates]:
    """What each group (segment, value of the breakdown) did in each period, and the rates at every boundary.

    Periods are numbered from 0 in the lists; the rates of period i are those of the instants i + 1 and i + 2.
    """
    parts: Parts = defaultdict(lambda: [Part() for _ in range(len(periods))])
    standing = _Standing(len(periods))
    mixed, currencies = False, set()
    if periods.monthly:
        found = sums(asked, periods.months[-1], f"greatest(l.month - {periods.months[0] - 1}, 0)")
    else:
        # what came before is added up as it lies there, beside what the periods come to
        told = "SELECT key, period, currency, kind, sum(delta), count(*) FROM moves GROUP BY 1, 2, 3, 4"
        of_periods = asked.values(periods.months[:-1], periods.instants[:-1])
        found = sums(asked, periods.months[0], "0") + fetch(f"WITH {moves(asked, of_periods, periods.months, False, before=False)} {told}", of_periods.values)
    for key, period, currency, kind, delta, count in found:
        currencies.add(currency)
        mixed |= kind == Kind.MIXED
        _note(parts, None, key, period, currency, kind, int(delta), count)
        standing.add((None, key), currency, period + 1, None, int(delta), count * _CAME.get(kind, 0))
    if asked.segmented:
        names = segment_names()
        conditions = asked.values(periods.months[:-1], periods.instants[:-1])
        with_moves = moves(asked, conditions, periods.months, periods.monthly)
        told = by_segment("moves", "r.period, r.currency, r.kind", "sum(r.delta), count(*)", holding=True)
        for segment, key, period, currency, kind, lo, hi, holds, delta, count in fetch(f"WITH {with_moves}, {MEMBERS} {told}", conditions.values):
            name = names[segment]
            if holds:
                _note(parts, name, key, period, currency, kind, int(delta), count)
            standing.add((name, key), currency, lo, hi, int(delta), count * _CAME.get(kind, 0))
    rates = Rates(asked.question, currencies, periods.instants)
    if mixed:
        _add_mixed(asked, periods, parts, standing, rates, currencies)
    standing.put(parts)
    for groups in parts.values():
        for part in groups:
            counts = part.counts
            counts["customers_end"] = counts["customers_start"] + counts["customers_new"] + counts["customers_reactivated"] - counts["customers_churned"]
    return parts, rates


# what a row of the ledger does to the number of customers
_CAME: dict[int, int] = {Kind.NEW: 1, Kind.REACTIVATION: 1, Kind.CHURNED: -1}


def _note(parts: Parts, segment: str | None, key: str | None, period: int, currency: str, kind: int, delta: int, count: int) -> None:
    """What moved in a period; what a segment has is taken from those without."""
    if not period:
        return
    for name, sign in ((segment, 1),) if segment is None else ((segment, 1), (None, -1)):
        part = parts[name, key][period - 1]
        part.delta[currency] += sign * delta
        part.touched.add(currency)
        if kind in _MOVED:
            part.moved[_MOVED[kind]][currency] += sign * abs(delta)
        if kind in _COUNTED:
            part.counts[_COUNTED[kind]] += sign * count


class _Standing:
    """Where every group stands at the start of every period: sums of all changes before it."""

    def __init__(self, count: int):
        self._count = count
        self._changes: dict[Group, dict[str, dict[int, list[int]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: [0, 0])))

    def add(self, group: Group, currency: str, lo: int, hi: int | None, micros: int, customers: int) -> None:
        """Takes in what stands from one instant on, until before another one; what a segment has is taken from those without."""
        if hi is not None and lo >= hi:
            return
        for name, sign in ((group, 1),) if group[0] is None else ((group, 1), ((None, group[1]), -1)):
            for instant, way in ((lo, 1), (hi, -1)):
                if instant is not None and instant <= self._count:
                    cell = self._changes[name][currency][instant]
                    cell[0] += sign * way * micros
                    cell[1] += sign * way * customers

    def put(self, parts: Parts) -> None:
        """Writes openings and customers at the start into the parts."""
        for group, by_currency in self._changes.items():
            for currency, cells in by_currency.items():
                micros = customers = 0
                for place, part in enumerate(parts[group]):
                    more, came = cells.get(place + 1, (0, 0))
                    micros, customers = micros + more, customers + came
                    part.opening[currency] += micros
                    part.counts["customers_start"] += customers


def _add_mixed(asked: Asked, periods: Periods, parts: Parts, standing: _Standing, rates: Rates, currencies: set[str]) -> None:
    """Accounts that paid in several currencies: what they did is known when all is valued at the rates of the opening."""
    conditions = asked.values(periods.months[:-1], periods.instants[:-1])
    with_moves = moves(asked, conditions, periods.months, periods.monthly)
    conditions.values |= rates.table(currencies, range(1, len(periods) + 1))
    told = f"""{with_moves},
        valued AS (
            SELECT m.account_id, m.key, m.period, sum((m.balance > 0)::integer - (m.balance > m.delta)::integer) AS change, sum(m.delta * coalesce(x.rate, 0)) AS moved,
                   min(m.first_at) AS first_at
            FROM moves m LEFT JOIN {RATE_TABLE} x ON x.period = m.period AND x.currency = m.currency WHERE m.kind = {Kind.MIXED} GROUP BY 1, 2, 3),
        held AS (SELECT *, sum(change) OVER (PARTITION BY account_id ORDER BY period) AS held FROM valued),
        told AS (
            SELECT account_id, key, period, first_at, abs(moved) AS moved, (held > 0)::integer - (held > change)::integer AS came,
                   CASE WHEN held = change THEN CASE WHEN held > 0 THEN CASE WHEN first_at IS NULL THEN {Kind.REACTIVATION} ELSE {Kind.NEW} END
                                                     WHEN first_at IS NULL THEN {Kind.NOTHING} ELSE {Kind.TRANSIENT} END
                        WHEN held = 0 THEN {Kind.CHURNED} WHEN moved > 0 THEN {Kind.EXPANSION} WHEN moved < 0 THEN {Kind.CONTRACTION} ELSE {Kind.NOTHING} END AS kind
            FROM held)"""
    found = [(None, key, period, kind, period + 1, None, True, *numbers) for key, period, kind, *numbers in
             fetch(f"WITH {told} SELECT key, period, kind, sum(moved), count(*), sum(came) FROM told GROUP BY 1, 2, 3", conditions.values)]  # fmt: skip
    if asked.segmented:
        names = segment_names()
        split = by_segment("told", "r.period, r.kind", "sum(r.moved), count(*), sum(r.came)", holding=True)
        found += [(names[segment], *rest) for segment, *rest in fetch(f"WITH {told}, {MEMBERS} {split}", conditions.values)]
    for segment, key, period, kind, lo, hi, holds, moved, count, came in found:
        standing.add((segment, key), "", lo, hi, 0, int(came))
        if not holds or not period:
            continue
        for name, sign in ((segment, 1),) if segment is None else ((segment, 1), (None, -1)):
            part = parts[name, key][period - 1]
            if kind in _MOVED:
                part.valued[_MOVED[kind]] = EXACT.add(part.valued[_MOVED[kind]], moved if sign > 0 else EXACT.minus(moved))
            if kind in _COUNTED:
                part.counts[_COUNTED[kind]] += sign * count


def standing_of(asked: Asked, periods: Periods) -> tuple[Parts, set[str]]:
    """Openings and customers at the start of each month alone, those of several currencies not counted, and the currencies seen."""
    period = f"greatest(l.month - {periods.months[0] - 1}, 0)"
    came = f"count(*) FILTER (WHERE kind IN ({Kind.NEW}, {Kind.REACTIVATION})) - count(*) FILTER (WHERE kind = {Kind.CHURNED})"
    standing, currencies = _Standing(len(periods)), set()
    parts: Parts = defaultdict(lambda: [Part() for _ in range(len(periods))])
    for key, place, currency, kind, delta, count in sums(asked, periods.months[-2], period):
        currencies.add(currency)
        standing.add((None, key), currency, place + 1, None, delta, count * _CAME.get(kind, 0))
    if asked.segmented:
        names = segment_names()
        conditions = asked.values(periods.months[:-1], periods.instants[:-1])
        ledger = rows(asked, conditions, periods.months[-2], period, halved=True)
        told = by_segment("rows", "r.currency", f"sum(r.delta), {came}", holding=False)
        for segment, key, currency, lo, hi, _holds, delta, count in fetch_in_two(f"WITH {ledger}, {MEMBERS_HALVED} {told}", conditions.values, hashed=True):
            standing.add((names[segment], key), currency, lo, hi, int(delta), count)
    standing.put(parts)
    return parts, currencies


def bridges_of(asked: Asked, periods: Periods) -> list[dict[str, dict[str | None, Bridge]] | None]:
    """For each period the bridges of the whole ("whole") and of every group ("groups"); None where a rate is missing."""
    parts, rates = parts_of(asked, periods)
    found: list[dict[str, dict[str | None, Bridge]] | None] = []
    for place in range(len(periods)):
        whole = Part()
        groups: dict[str | None, Part] = defaultdict(Part)
        for (segment, key), row in parts.items():
            if not asked.segmented or asked.wants(segment):
                whole.add(row[place])
                groups[asked.group(segment, key)].add(row[place])
        currencies = whole.currencies()
        if rates.lacks(currencies, place + 1) or rates.lacks(currencies, place + 2):
            found.append(None)
            continue
        each = {key: part.bridge(rates, place + 1) for key, part in groups.items() if part.lives}
        found.append({"whole": {None: whole.bridge(rates, place + 1)}, "groups": each})
    return found
