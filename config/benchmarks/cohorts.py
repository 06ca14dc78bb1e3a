"""`cohorts`: 48 cohorts and who of them was there at the end of each month, against the same by hand and DuckDB.

The product answers `cohort_retention` as its API does, from the stored ledger; floor and DuckDB work from the spans.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from accounts.actions.month_build import build_months
from config.benchmarks import money_floor
from config.benchmarks.duck_process import installed
from config.benchmarks.measure import DUCKDB, FLOOR, PRODUCT, Result, interleave
from config.benchmarks.money_data import FIRST, MONTHS, NOW
from config.benchmarks.money_duck import MoneyDuck
from metrics.kpis.engine import answer


def _table() -> list[dict[str, Any]]:
    return answer(
        name="cohort_retention", variant="active_at_period_end", start=FIRST.date().isoformat(), end=NOW.date().isoformat(), params={"periods": str(MONTHS - 1)}, now=NOW
    )["rows"]  # fmt: skip


def _floor() -> list[tuple[Any, ...]]:
    values = {"first": FIRST.replace(tzinfo=None), "now": NOW.replace(tzinfo=None)}
    return money_floor.run(money_floor.COHORTS, values, sorted_groups=True)


def _differing(table: list[dict[str, Any]], rows: list[tuple[Any, ...]]) -> int:
    """Cells in which the product's table and the sums by hand differ."""
    changes: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for cohort, month, came in rows:
        changes[cohort][month] += came
    wrong = 0 if len(table) == MONTHS else MONTHS
    for cohort, row in enumerate(table, start=1):
        there = 0
        for cell in range(MONTHS - cohort + 1):
            there += changes[cohort][cohort + cell]
            wrong += row["active"][cell] != there
        wrong += any(active is not None for active in row["active"][MONTHS - cohort + 1 :])
    return wrong


def cohorts(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """The whole triangle of 48 months."""
    money_floor.prepare()
    say("cohorts: building the ledger")
    build_months(now=NOW)
    with contextlib.ExitStack() as stack:
        contenders: dict[str, Callable[[int], Any]] = {PRODUCT: lambda _number: _table() and None, FLOOR: lambda _number: _floor() and None}
        if installed():
            base = stack.enter_context(MoneyDuck.running())
            contenders[DUCKDB] = lambda _number: base.seconds("cohorts")
        else:
            say("DuckDB is not installed (pip install -r requirements-dev.txt): its column stays empty.")
        seconds, peak = interleave(contenders, rounds=rounds)
    more = {"rows_differing_from_floor": _differing(_table(), _floor()), "cohorts": MONTHS}
    return Result(name="cohorts", size=accounts, rows=accounts, seconds=seconds, peak_memory_mb=peak, more=more)
