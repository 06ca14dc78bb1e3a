"""`mrr-movements`: 48 months of MRR movements from the spans and from the stored ledger, against the ledger by hand, DuckDB and the book.

The product answers as its API does. From scratch there is no stored ledger: the months are worked out from
the spans within the statement, as the floor does, which knows no currency, trial, pause or failed payment.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from accounts.actions.month_build import build_months
from accounts.models import LedgerRange
from config.benchmarks import money_floor
from config.benchmarks.duck_process import installed
from config.benchmarks.measure import DUCKDB, FLOOR, PRODUCT, Result, interleave
from config.benchmarks.money_data import FIRST, MONTHS, NOW
from config.benchmarks.money_duck import MoneyDuck
from metrics.kpis.engine import answer

STORED, BOOK = "stored", "book"
PAIR = {"from": money_floor.moment("2026-09-01"), "until": money_floor.moment("2026-10-01")}


def series() -> list[dict[str, Any]]:
    """The movements of all months, as the API answers them."""
    return answer(name="mrr_movements", start=FIRST.date().isoformat(), end=NOW.date().isoformat(), interval="month", now=NOW)["series"]


def medians(seconds: dict[str, list[float]], much: str, little: str, times: int = 1) -> float:
    """Median over the rounds of much x times / little."""
    return round(statistics.median(times * one / other for one, other in zip(seconds[much], seconds[little], strict=True)), 3)


def mrr_movements(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """The series of 48 months; `rate_to_48_pairs` is 48 of the book's queries by one report from the stored ledger."""
    money_floor.prepare()
    say("mrr-movements: building the ledger")
    began = time.perf_counter()
    build_months(now=NOW)
    built = time.perf_counter() - began
    ranges = list(LedgerRange.objects.all())

    def product(_number: int) -> float:
        LedgerRange.objects.all().delete()
        began = time.perf_counter()
        series()
        taken = time.perf_counter() - began
        LedgerRange.objects.bulk_create(ranges)
        return taken

    with contextlib.ExitStack() as stack:
        contenders: dict[str, Callable[[int], Any]] = {
            PRODUCT: product, FLOOR: lambda _number: money_floor.ledger() and None, STORED: lambda _number: series() and None,
            BOOK: lambda _number: money_floor.run(money_floor.CHURN_OF_A_PAIR, PAIR) and None,
        }  # fmt: skip
        if installed():
            base = stack.enter_context(MoneyDuck.running())
            contenders[DUCKDB] = lambda _number: base.seconds("ledger")
        else:
            say("DuckDB is not installed (pip install -r requirements-dev.txt): its column stays empty.")
        seconds, peak = interleave(contenders, rounds=rounds)
    stored = series()
    LedgerRange.objects.all().delete()
    scratch = series()
    churned, fallen, opening = money_floor.run(money_floor.CHURN_OF_A_PAIR, PAIR)[0]
    told = stored[MONTHS - 2]["parts"]
    book_differs = [round(float(told[name]) * 1_000_000) for name in ("churned", "contraction", "opening")] != [churned, fallen, opening]
    more = {
        "rows_differing_from_floor": money_floor.differing(stored, money_floor.ledger()) + (stored != scratch) + book_differs, "months": MONTHS,
        "seconds_median_stored": round(statistics.median(seconds[STORED]), 6), "seconds_median_of_a_pair": round(statistics.median(seconds[BOOK]), 6),
        "rate_to_48_pairs": medians(seconds, BOOK, STORED, MONTHS), "seconds_of_the_build": round(built, 3),
    }  # fmt: skip
    return Result(name="mrr-movements", size=accounts, rows=accounts, seconds={name: seconds.get(name, []) for name in (PRODUCT, FLOOR, DUCKDB)}, peak_memory_mb=peak, more=more)
