"""`health-full` and `health-incremental`: the product's recompute against health by hand, and DuckDB."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable

from django.db import connection

from accounts.actions.dirty import mark_dirty
from config.benchmarks.data import FIRST_NIGHT
from config.benchmarks.duck import Duck
from config.benchmarks.duck_process import installed
from config.benchmarks.health_floor import TABLES, Floor
from config.benchmarks.measure import DUCKDB, FLOOR, PRODUCT, Result, interleave
from metrics.actions import recompute
from metrics.actions.segment_sweeps import sweep_everybody
from metrics.models import HealthModel

Say = Callable[[str], None]
SHARE = 100


def night(number: int) -> dt.datetime:
    """The midnight that ends the day of a round; every round is a new day, as every night is."""
    return dt.datetime.combine(FIRST_NIGHT + dt.timedelta(days=number), dt.time(), dt.UTC)


def _floor(accounts: int) -> Floor:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS floor_history, floor_snapshot")
        cursor.execute(TABLES)
        cursor.execute("ANALYZE floor_snapshot")
        cursor.execute("SELECT min(id), max(id) FROM accounts_account")
        low, high = cursor.fetchone()
    ranges = max(1, min(recompute.RANGES, accounts // recompute.RANGE_AT_LEAST), -(-accounts // recompute.RANGE_AT_MOST))
    return Floor(low=low, high=high, ranges=ranges, model_id=HealthModel.objects.get(key="standard").pk)


def _sweep() -> None:
    """Between rounds, for both alike: no contender pays for the dead rows of another."""
    with connection.cursor() as cursor:
        for table in ("accounts_accountsnapshot", "floor_snapshot", "metrics_healthscore", "floor_history", "accounts_workitem", "accounts_accountevent"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")


def _differing(as_of: dt.datetime) -> int:
    """Rows in which the histories of product and floor differ: must be none, or the floor does another job."""
    day = (as_of - dt.timedelta(days=1)).date()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT account_id, score, band, confidence, raws, contributions FROM metrics_healthscore WHERE day = %(day)s) mine "
            "FULL JOIN (SELECT account_id, score, band, confidence, raws, contributions FROM floor_history WHERE day = %(day)s) theirs USING (account_id) "
            "WHERE (mine.score, mine.band, mine.confidence, mine.raws, mine.contributions) IS DISTINCT FROM "
            "(theirs.score, theirs.band, theirs.confidence, theirs.raws, theirs.contributions)",
            {"day": day},
        )
        return cursor.fetchone()[0]


def _segments(at: dt.datetime) -> dict[str, float]:
    """Seconds of the sweep of segments over everybody: the first one, which places them, and one that changes nothing."""
    told = {}
    for name in ("segments_first_seconds", "segments_again_seconds"):
        began = time.perf_counter()
        sweep_everybody(as_of=at, now=at)
        told[name] = round(time.perf_counter() - began, 3)
        _sweep()
    return told


def full(*, accounts: int, rounds: int, say: Say) -> Result:
    """All accounts, night after night: history with parts, snapshots, and (the product alone) events and work."""
    hand = _floor(accounts)
    told = {"band_changes": 0, "scored": 0}

    def product(number: int) -> None:
        # the statement by hand knows nothing of segments: their sweep is measured for itself
        summary = recompute.recompute_all(as_of=night(number), now=night(number), places=False)
        told["scored"] = summary.scored
        told["band_changes"] += summary.band_changes if number else 0

    with contextlib.ExitStack() as stack:
        stack.callback(hand.close)
        contenders: dict[str, Callable[[int], float | None]] = {PRODUCT: product, FLOOR: lambda number: hand.night(night(number))}
        if installed():
            base = stack.enter_context(Duck.running())
            contenders[DUCKDB] = lambda number: base.night(night(number))
        else:
            say("DuckDB is not installed (pip install -r requirements-dev.txt): its column stays empty.")
        seconds, peak = interleave(contenders, rounds=rounds, between=lambda _number: _sweep())
        more = {"rows_differing_from_floor": _differing(night(rounds)), "band_changes_a_night": round(told["band_changes"] / rounds, 1), **_segments(night(rounds))}
    return Result(name="health-full", size=accounts, rows=told["scored"], seconds=seconds, peak_memory_mb=peak, more=more)


def incremental(*, accounts: int, rounds: int, say: Say) -> Result:
    """One account in a hundred is marked; the product takes the marks, the hand statement gets the list. And one account alone."""
    hand = _floor(accounts)
    size = max(1, accounts // SHARE)
    recompute.recompute_all(as_of=night(0), now=night(0))
    hand.night(night(0))
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_account ORDER BY md5(id::text) LIMIT %s", [size * (rounds + 2)])
        shuffled = [row[0] for row in cursor.fetchall()]

    def listed(number: int) -> list[int]:
        return sorted(shuffled[number * size : (number + 1) * size])

    def product(number: int) -> float:
        mark_dirty(listed(number), reason="bench")
        began = time.perf_counter()
        recompute.recompute_marked(now=night(number))
        return time.perf_counter() - began

    def one(number: int) -> float:
        began = time.perf_counter()
        recompute.recompute_accounts(account_ids=[shuffled[number]], as_of=night(number), now=night(number))
        return time.perf_counter() - began

    def whole(number: int) -> None:
        recompute.recompute_all(as_of=night(number), now=night(number))

    try:
        _sweep()
        seconds, peak = interleave({PRODUCT: product, FLOOR: lambda number: hand.listed(listed(number), night(number))}, rounds=rounds, between=lambda _number: _sweep())
        single, _peak = interleave({PRODUCT: one, FLOOR: lambda number: hand.listed([shuffled[number]], night(number))}, rounds=max(rounds, 20))
        full_seconds, _peak = interleave({PRODUCT: whole}, rounds=2)
    finally:
        hand.close()
    alone = Result(name="one", size=1, rows=1, seconds=single, peak_memory_mb=0).fields()
    result = Result(name="health-incremental", size=accounts, rows=size, seconds=seconds, peak_memory_mb=peak)
    result.more = {
        "marked": size, "share_of_full_run": round(min(seconds[PRODUCT]) / min(full_seconds[PRODUCT]), 3),
        "one_account_ms": round(alone["seconds_median"] * 1000, 2), "one_account_ratio_to_floor": alone["ratio_to_floor"],
    }  # fmt: skip
    return result
