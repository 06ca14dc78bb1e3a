"""Interleaved measuring: contenders take turns, after a warm-up; ratios are taken inside a round."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

PRODUCT, FLOOR, DUCKDB = "product", "floor", "duckdb"


@dataclass
class Result:
    """The seconds of each contender, round by round."""

    name: str
    size: int
    rows: int
    seconds: dict[str, list[float]]
    peak_memory_mb: float
    more: dict[str, Any] = field(default_factory=dict)

    def ratio(self, other: str) -> float | None:
        """Median over the rounds of product / other; None where the other one did not run."""
        if not self.seconds.get(other):
            return None
        return statistics.median(mine / theirs for mine, theirs in zip(self.seconds[PRODUCT], self.seconds[other], strict=True))

    def fields(self) -> dict[str, Any]:
        """What `--json` prints."""
        mine = self.seconds[PRODUCT]
        median = statistics.median(mine)
        answer = {
            "name": self.name, "size": self.size, "seconds_median": round(median, 6), "seconds_min": round(min(mine), 6), "seconds_max": round(max(mine), 6),
            "rows_per_second": round(self.rows / median, 1), "peak_memory_mb": round(self.peak_memory_mb, 1),
            "ratio_to_floor": _rounded(self.ratio(FLOOR)), "ratio_to_duckdb": _rounded(self.ratio(DUCKDB)), "rounds": len(mine),
        }  # fmt: skip
        for other in (FLOOR, DUCKDB):
            if self.seconds.get(other):
                answer[f"seconds_median_{other}"] = round(statistics.median(self.seconds[other]), 6)
        return {**answer, **self.more}


def _rounded(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 3)


class PeakMemory:
    """The largest resident size of this process and the threads in it, looked at fifty times a second."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process(os.getpid())
        while True:
            self.megabytes = max(self.megabytes, process.memory_info().rss / 1_000_000)
            if self._stop.wait(0.02):
                return


def interleave(contenders: Mapping[str, Callable[[int], float | None]], *, rounds: int, between: Callable[[int], None] | None = None) -> tuple[dict[str, list[float]], float]:
    """Runs each contender once per round, the first to go changing with the round; round 0 is the warm-up.

    A contender gets the number of the round and may answer with the seconds that count (where it has
    to prepare something); otherwise its whole call counts. Returns the seconds without the warm-up
    and the peak memory of the product's turns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    names, peak = list(contenders), 0.0
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.perf_counter()
            if name == PRODUCT:
                with PeakMemory() as memory:
                    counted = contenders[name](number)
                peak = max(peak, memory.megabytes)
            else:
                counted = contenders[name](number)
            taken = time.perf_counter() - began if counted is None else counted
            if number:
                seconds[name].append(taken)
        if between is not None:
            between(number)
    return seconds, peak
