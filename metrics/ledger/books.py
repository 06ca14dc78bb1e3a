"""The MRR bridges of many periods by one pass: equal to `metrics.kpis.bridge` for each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from metrics.kpis.bridge import Bridge
from metrics.kpis.dimensions import fetch
from metrics.ledger.periods import Periods
from metrics.ledger.rates import EXACT, RATE_TABLE, Rates, units
from metrics.ledger.statements import MEMBERS, Asked, Kind, both_edges, cut, moves, of_segment

Group = tuple[str | None, str | None]
_MOVED = {Kind.NEW: "new", Kind.EXPANSION: "expansion", Kind.CONTRACTION: "contraction", Kind.CHURNED: "churned", Kind.REACTIVATION: "reactivation"}
_COUNTED = {Kind.NEW: "customers_new", Kind.CHURNED: "customers_churned", Kind.REACTIVATION: "customers_reactivated", Kind.TRANSIENT: "transient_accounts"}


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

    def bridge(self, rates: Rates, place: int) -> Bridge:
        """The bridge of the period that begins at the instant of that number."""
        closing = {currency: self.opening.get(currency, 0) + self.delta.get(currency, 0) for currency in {*self.opening, *self.delta}}
        opened, closed, valued = rates.value(self.opening, place), rates.value(closing, place), rates.value(closing, place + 1)
        told = Bridge(opening=units(opened), fx=units(EXACT.subtract(valued, closed)), closing=units(valued))
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
    conditions = asked.values(periods.months[:-1], periods.instants[:-1])
    with_moves = moves(asked, conditions, periods.months, periods.monthly)
    placed = of_segment("moves") if asked.segmented else "(SELECT m.*, NULL::text AS segment FROM moves m)"
    found = fetch(f"WITH {with_moves} SELECT period, currency, kind, segment, key, sum(delta), count(*) FROM {placed} m GROUP BY 1, 2, 3, 4, 5", conditions.values)
    parts: Parts = defaultdict(lambda: [Part() for _ in range(len(periods))])
    currencies, mixed = set(), False
    opening: dict[str | None, Part] = defaultdict(Part)
    for period, currency, kind, segment, key, delta, count in found:
        currencies.add(currency)
        mixed |= kind == Kind.MIXED
        if not period:
            # before the first period: where everything stands when it begins
            opening[key].delta[currency] += int(delta)
            opening[key].counts["held"] += count * {Kind.NEW: 1, Kind.REACTIVATION: 1, Kind.CHURNED: -1}.get(kind, 0)
            continue
        part = parts[segment, key][period - 1]
        part.delta[currency] += int(delta)
        part.touched.add(currency)
        if kind in _MOVED:
            part.moved[_MOVED[kind]][currency] += abs(int(delta))
        if kind in _COUNTED:
            part.counts[_COUNTED[kind]] += count
    rates = Rates(asked.question, currencies, periods.instants)
    if mixed:
        _add_mixed(asked, periods, parts, opening, rates, currencies)
    _add_openings(asked, periods, parts, opening)
    for groups in parts.values():
        for part in groups:
            counts = part.counts
            counts["customers_end"] = counts["customers_start"] + counts["customers_new"] + counts["customers_reactivated"] - counts["customers_churned"]
    return parts, rates


def _add_mixed(asked: Asked, periods: Periods, parts: Parts, opening: dict[str | None, Part], rates: Rates, currencies: set[str]) -> None:
    """Accounts that paid in several currencies: what they did is known when all is valued at the rates of the opening."""
    conditions = asked.values(periods.months[:-1], periods.instants[:-1])
    with_moves = moves(asked, conditions, periods.months, periods.monthly)
    conditions.values |= rates.table(currencies, range(1, len(periods) + 1))
    placed = of_segment("held") if asked.segmented else "(SELECT m.*, NULL::text AS segment FROM held m)"
    sql = f"""
        WITH {with_moves},
        valued AS (
            SELECT m.account_id, m.key, m.period, sum((m.balance > 0)::integer - (m.balance > m.delta)::integer) AS change, sum(m.delta * coalesce(x.rate, 0)) AS moved,
                   min(m.first_at) AS first_at
            FROM moves m LEFT JOIN {RATE_TABLE} x ON x.period = m.period AND x.currency = m.currency WHERE m.kind = {Kind.MIXED} GROUP BY 1, 2, 3),
        held AS (SELECT *, sum(change) OVER (PARTITION BY account_id ORDER BY period) AS held FROM valued),
        told AS (
            SELECT period, segment, key, abs(moved) AS moved, (held > 0)::integer - (held > change)::integer AS came,
                   CASE WHEN held = change THEN CASE WHEN held > 0 THEN CASE WHEN first_at IS NULL THEN {Kind.REACTIVATION} ELSE {Kind.NEW} END
                                                     WHEN first_at IS NULL THEN {Kind.NOTHING} ELSE {Kind.TRANSIENT} END
                        WHEN held = 0 THEN {Kind.CHURNED} WHEN moved > 0 THEN {Kind.EXPANSION} WHEN moved < 0 THEN {Kind.CONTRACTION} ELSE {Kind.NOTHING} END AS kind
            FROM {placed} m)
        SELECT period, segment, key, kind, sum(moved), count(*), sum(came) FROM told GROUP BY 1, 2, 3, 4"""
    for period, segment, key, kind, moved, count, came in fetch(sql, conditions.values):
        if not period:
            opening[key].counts["held"] += int(came)
            continue
        part = parts[segment, key][period - 1]
        if kind in _MOVED:
            part.valued[_MOVED[kind]] = EXACT.add(part.valued[_MOVED[kind]], moved)
        if kind in _COUNTED:
            part.counts[_COUNTED[kind]] += count


def _add_openings(asked: Asked, periods: Periods, parts: Parts, opening: dict[str | None, Part]) -> None:
    """Where every group stands at the start of every period.

    Segments change with time: the accounts of each are summed up at each start, and those of no segment are the rest.
    """
    for key in {*opening, *(key for _segment, key in list(parts))}:
        whole = [parts[group] for group in list(parts) if group[1] == key] or [parts[None, key]]
        amounts, held = dict(opening[key].delta), opening[key].counts["held"]
        for place in range(len(periods)):
            standing = Part(opening=defaultdict(int, amounts), counts=defaultdict(int, customers_start=held))
            for group in whole:
                for currency, micros in group[place].delta.items():
                    amounts[currency] = amounts.get(currency, 0) + micros
                counts = group[place].counts
                held += counts["customers_new"] + counts["customers_reactivated"] - counts["customers_churned"]
            parts[None, key][place].opening, parts[None, key][place].counts["customers_start"] = standing.opening, standing.counts["customers_start"]
    if not asked.segmented:
        return
    for place, segment, key, currency, micros, customers in _standing(asked, periods):
        part, rest = parts[segment, key][place], parts[None, key][place]
        part.opening[currency] += micros
        rest.opening[currency] -= micros
        part.counts["customers_start"] += customers
        rest.counts["customers_start"] -= customers


def _standing(asked: Asked, periods: Periods) -> Iterator[tuple[int, str, str | None, str, int, int]]:
    """(period, segment, key, currency, millionths, customers) at the start of each period, zeros left out."""
    conditions = asked.values(periods.months[:-1], periods.instants[:-1])
    with_moves = moves(asked, conditions, periods.months, periods.monthly)
    ranged = f"""ranges AS (
            SELECT account_id, currency, key, balance, (kind <> {Kind.MIXED})::integer AS alone, period + 1 AS lo,
                   coalesce(lead(period) OVER (PARTITION BY account_id, currency ORDER BY month), %(n)s) + 1 AS hi FROM moves),
        mixed AS (
            SELECT account_id, key, month, period, (balance > 0)::integer - (balance > delta)::integer AS change FROM moves WHERE kind = {Kind.MIXED}),
        counted AS (SELECT account_id, key, period, sum(sum(change)) OVER (PARTITION BY account_id ORDER BY period) AS held FROM mixed GROUP BY 1, 2, 3),
        held AS (SELECT account_id, key, held, period + 1 AS lo, coalesce(lead(period) OVER (PARTITION BY account_id ORDER BY period), %(n)s) + 1 AS hi FROM counted)"""
    single = "(SELECT * FROM ranges WHERE balance > 0 AND lo < hi)"
    several = "(SELECT * FROM held WHERE held > 0 AND lo < hi)"
    sql = f"""WITH {with_moves}, {ranged}, {MEMBERS},
        pieces AS (SELECT * FROM {cut(single, "r.currency, r.balance, r.alone")} c UNION ALL SELECT segment, key, '', 0, 1, lo, hi FROM {cut(several, "1 AS one")} c)
        {both_edges("pieces", "currency, ", ("balance", "alone"))}"""
    changes: dict[tuple[str, str | None, str], dict[int, list[int]]] = defaultdict(dict)
    for instant, segment, key, currency, micros, customers in fetch(sql, conditions.values):
        cell = changes[segment, key, currency].setdefault(instant, [0, 0])
        cell[0] += int(micros)
        cell[1] += int(customers)
    for (segment, key, currency), cells in changes.items():
        standing = held = 0
        for place in range(len(periods)):
            more, came = cells.get(place + 1, (0, 0))
            standing, held = standing + more, held + came
            if standing or held:
                yield place, segment, key, currency, standing, held


def bridges_of(asked: Asked, periods: Periods) -> list[dict[str, dict[str | None, Bridge]] | None]:
    """For each period the bridges of the whole ("whole") and of every group ("groups"); None where a rate is missing."""
    parts, rates = parts_of(asked, periods)
    found: list[dict[str, dict[str | None, Bridge]] | None] = []
    for place in range(len(periods)):
        whole = Part()
        groups: dict[str | None, Part] = defaultdict(Part)
        for (segment, key), rows in parts.items():
            if not asked.segmented or asked.wants(segment):
                whole.add(rows[place])
                groups[asked.group(segment, key)].add(rows[place])
        currencies = whole.currencies()
        if rates.lacks(currencies, place + 1) or rates.lacks(currencies, place + 2):
            found.append(None)
            continue
        each = {key: part.bridge(rates, place + 1) for key, part in groups.items() if part.lives}
        found.append({"whole": {None: whole.bridge(rates, place + 1)}, "groups": each})
    return found
