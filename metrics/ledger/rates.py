"""Exchange rates at many instants, and sums in several currencies valued exactly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal

from metrics.kpis.dimensions import fetch
from metrics.kpis.question import Question
from metrics.kpis.revenue import MICROS

# wide enough that no product or sum of ours is rounded: the database's arithmetic is not either
EXACT = Context(prec=120)

_RATES = """
SELECT c.currency, b.place, (SELECT x.rate FROM accounts_exchangerate x
    WHERE x.currency = c.currency AND (x.day::timestamp AT TIME ZONE %(zone)s) < b.at ORDER BY x.day DESC LIMIT 1)
FROM unnest(%(currencies)s::text[]) AS c (currency), unnest(%(instants)s::timestamptz[]) WITH ORDINALITY AS b (at, place)
"""


class Rates:
    """The last rate of each currency before each instant (numbered from 1); None where there is none."""

    def __init__(self, question: Question, currencies: Iterable[str], instants: Sequence[dt.datetime]):
        foreign = sorted(set(currencies) - {question.currency})
        self._reporting = question.currency
        values = {"currencies": foreign, "instants": list(instants), "zone": str(question.zone)}
        self._known: dict[tuple[str, int], Decimal | None] = {(currency, place): rate for currency, place, rate in fetch(_RATES, values)} if foreign else {}

    def at(self, currency: str, place: int) -> Decimal | None:
        """The rate of a currency at an instant; 1 for the reporting currency."""
        return Decimal(1) if currency == self._reporting else self._known.get((currency, place))

    def value(self, amounts: Mapping[str, int], place: int) -> Decimal:
        """Millionths of several currencies as millionths of the reporting currency, unrounded; those without a rate add nothing."""
        total = Decimal(0)
        for currency, micros in amounts.items():
            rate = self.at(currency, place)
            if micros and rate is not None:
                total = EXACT.add(total, EXACT.multiply(Decimal(micros), rate))
        return total

    def lacks(self, currencies: Iterable[str], place: int) -> bool:
        """Whether one of these has no rate at an instant."""
        return any(self.at(currency, place) is None for currency in currencies)

    def table(self, currencies: Iterable[str], places: Iterable[int]) -> dict[str, list[object]]:
        """The rates as columns for a statement: period, currency, rate; those without a rate as 0."""
        cells = [(place, currency, self.at(currency, place) or Decimal(0)) for place in places for currency in sorted(set(currencies))]
        return {"rate_periods": [cell[0] for cell in cells], "rate_currencies": [cell[1] for cell in cells], "rates": [cell[2] for cell in cells]}


# a table of what `Rates.table` gives
RATE_TABLE = "(SELECT * FROM unnest(%(rate_periods)s::integer[], %(rate_currencies)s::text[], %(rates)s::numeric[]) AS x (period, currency, rate))"


def units(micros: Decimal | int) -> Decimal:
    """Millionths as units, as the exact path divides them."""
    return Decimal(micros) / MICROS
