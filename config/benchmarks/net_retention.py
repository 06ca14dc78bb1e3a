"""`net-retention`: NRR of one pair of dates from the stored ledger, against the same by hand, DuckDB and the book; and all trailing years at once.

The product answers as its API does; `months_by_segment` is NRR over twelve months for each of 36 months
and every segment, in one call.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable
from typing import Any

from accounts.actions.month_build import build_months
from config.benchmarks import money_floor
from config.benchmarks.duck_process import installed
from config.benchmarks.measure import DUCKDB, FLOOR, PRODUCT, Result, interleave
from config.benchmarks.money_data import NOW
from config.benchmarks.money_duck import MoneyDuck
from config.benchmarks.mrr_movements import BOOK, medians
from metrics.kpis.engine import answer
from metrics.ledger.trailing import trailing

TRAILING = "trailing"
FROM, UNTIL = "2025-10-01", "2026-10-01"
PAIR = {"from": money_floor.moment(FROM), "until": money_floor.moment(UNTIL)}
MONTHS = {"from": 2025 * 12 + 9, "until": 2026 * 12 + 9}


def _pair(by: str | None = None) -> dict[str, Any]:
    return answer(name="nrr", start=FROM, end=UNTIL, by=by, now=NOW)


def _trailing() -> list[dict[str, Any]]:
    return trailing(name="nrr", start="2023-10-01", end=UNTIL, by="segment", now=NOW)["series"]


def net_retention(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """One pair; `rate_of_the_book` is the book's query by ours, `months_by_segment_to_a_pair` all months and segments by one of the book's."""
    money_floor.prepare()
    say("net-retention: building the ledger")
    build_months(now=NOW)
    with contextlib.ExitStack() as stack:
        contenders: dict[str, Callable[[int], Any]] = {
            PRODUCT: lambda _number: _pair() and None, FLOOR: lambda _number: money_floor.run(money_floor.PAIR, MONTHS) and None,
            BOOK: lambda _number: money_floor.run(money_floor.RETENTION_OF_A_PAIR, PAIR) and None, TRAILING: lambda _number: _trailing() and None,
        }  # fmt: skip
        if installed():
            base = stack.enter_context(MoneyDuck.running())
            contenders[DUCKDB] = lambda _number: base.seconds("pair", **{"from": f"{FROM} 00:00:00", "until": f"{UNTIL} 00:00:00"})
        else:
            say("DuckDB is not installed (pip install -r requirements-dev.txt): its column stays empty.")
        seconds, peak = interleave(contenders, rounds=rounds)
    told, last = _pair("segment"), _trailing()[-1]
    ours = [round(float(told[name]) * 1_000_000) for name in ("numerator", "denominator")]
    differing = sum(ours != [int(number) for number in money_floor.run(sql, values)[0]] for sql, values in
                    ((money_floor.PAIR, MONTHS), (money_floor.RETENTION_OF_A_PAIR, PAIR)))  # fmt: skip
    more = {
        "rows_differing_from_floor": differing + (told != last), "nrr": told["value"], "rate_of_the_book": medians(seconds, BOOK, PRODUCT),
        "seconds_median_of_the_book": round(statistics.median(seconds[BOOK]), 6), "seconds_median_months_by_segment": round(statistics.median(seconds[TRAILING]), 6),
        "months_by_segment_to_a_pair": medians(seconds, TRAILING, BOOK),
    }  # fmt: skip
    return Result(name="net-retention", size=accounts, rows=accounts, seconds={name: seconds.get(name, []) for name in (PRODUCT, FLOOR, DUCKDB)}, peak_memory_mb=peak, more=more)
