"""Charts of one account as numbers for SVG: percent across, pixels down, so that text never scales. Pure but for words."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from accounts import wording


@dataclass(frozen=True)
class Tick:
    """A label of the time axis: where (percent), what it says, how it is anchored."""

    x: str
    text: str
    anchor: str


@dataclass(frozen=True)
class StepLabel:
    """A value written beside its step."""

    x: str
    y: int
    text: str
    anchor: str


@dataclass(frozen=True)
class StepChart:
    """A line that keeps its height until the next change, and what is written beside it."""

    line: str
    area: str
    labels: list[StepLabel]
    ticks: list[Tick]
    title: str


HEIGHT = 150
# a label needs about this much room to the next one, in percent of the width
_ROOM = 17


def step_chart(steps: Sequence[tuple[dt.datetime, int]], *, since: dt.datetime, until: dt.datetime, currency: str) -> StepChart:
    """The chart of values in millionths from `since` to `until`. Needs at least one step."""
    length = (until - since).total_seconds()
    top = max(value for _moment, value in steps) or 1

    def x(moment: dt.datetime) -> float:
        return round(100 * max(0.0, min(1.0, (moment - since).total_seconds() / length)), 2)

    def y(value: int) -> float:
        # a tenth of the height stays free for the label of the highest step
        return round(100 - 88 * value / top, 2)

    first = steps[0]
    line = [f"M{x(first[0])} {y(first[1])}"]
    for (_before, value), (moment, new) in itertools.pairwise(steps):
        line.append(f"L{x(moment)} {y(value)}L{x(moment)} {y(new)}")
    line.append(f"L100 {y(steps[-1][1])}")
    path = "".join(line)
    return StepChart(
        line=path,
        area=f"{path}L100 100L{x(first[0])} 100Z",
        labels=_labels(steps, x, y, currency),
        ticks=_ticks(since, until),
        title=f"{wording.money(first[1], currency)} ({wording.day(first[0])}) → {wording.money(steps[-1][1], currency)} ({wording.day(until)})",
    )


def _labels(steps: Sequence[tuple[dt.datetime, int]], x, y, currency: str) -> list[StepLabel]:  # type: ignore[no-untyped-def]
    """Values of the steps that have room; the last one always, at the end of the line."""
    labels: list[StepLabel] = []
    free_until = 100.0 - _ROOM
    last_value = steps[-1][1]
    # after a fall the label stands below the line, where it cannot touch the step
    fell = len(steps) > 1 and last_value < steps[-2][1]
    labels.append(StepLabel("100%", min(HEIGHT - 4, max(10, round(y(last_value) * HEIGHT / 100) + (17 if fell else -6))), wording.money(last_value, currency), "end"))
    taken = -_ROOM
    for index, (moment, value) in enumerate(steps[:-1]):
        across = x(moment)
        ends = x(steps[index + 1][0])
        if across - taken < _ROOM or across > free_until or (ends - across < _ROOM / 2 and index):
            continue
        taken = across
        labels.append(StepLabel(f"{across}%", max(10, round(y(value) * HEIGHT / 100) - 6), wording.money(value, currency), "start"))
    return labels


def _ticks(since: dt.datetime, until: dt.datetime) -> list[Tick]:
    """Five dates along the axis."""
    length = until - since
    return [Tick(f"{quarter * 25}%", wording.month(since + length * quarter / 4), "start" if quarter == 0 else "end" if quarter == 4 else "middle") for quarter in range(5)]
