"""What a chart is: its drawing, its table, its links. Builders make one; templates and files show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from metrics.charts.render import drawing
from metrics.charts.units import Value, say

# how wide a chart is drawn; what is wider than its place scrolls inside its own box
HALF, FULL = 560, 1080
_CLASSES = {HALF: "half", FULL: "full"}


@dataclass(frozen=True)
class Cell:
    """One cell of a chart's table: as people read it, as a spreadsheet takes it, and the rows it opens (a path of this site)."""

    text: str
    raw: str | int | float | Decimal | None
    href: str = ""


@dataclass(frozen=True)
class Series:
    """One series: a value for each step (None: a gap). `tone` is accent, quiet, good, watch, risk or mid; else by its place."""

    name: str
    values: Sequence[Value | None]
    hrefs: Sequence[str] = ()
    tone: str = ""
    hatched: bool | None = None
    # the interval around each value
    lows: Sequence[Value | None] = ()
    highs: Sequence[Value | None] = ()

    def href(self, place: int) -> str:
        """Where a value leads; empty for nowhere."""
        return self.hrefs[place] if place < len(self.hrefs) else ""


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall or a ranking: what it is called, its value, where it leads."""

    label: str
    value: Value | None
    href: str = ""
    # of a waterfall: a total stands on the ground, a change stands on what came before
    total: bool = False
    tone: str = ""
    # said after the value: "12 accounts"
    more: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart. `spec` is None where there is nothing to draw; then `empty` says so."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    spec: dict[str, Any] | None
    links: tuple[str, ...] = ()
    width: int = HALF
    # a sentence under the chart: what is cut, what is not over yet
    note: str = ""
    description: str = ""
    empty: str = ""
    # whether the table names accounts, so that taking it out is logged
    names_accounts: bool = False

    @property
    def size(self) -> str:
        """The class of its width."""
        return _CLASSES.get(self.width, "half")

    @cached_property
    def svg(self) -> SafeString:
        """The drawing for a page; empty where there is nothing to draw."""
        return SafeString(drawing(self.spec, name=self.name, title=self.told, links=self.links)) if self.spec else SafeString("")

    @property
    def told(self) -> str:
        """What the drawing is called for those who do not see it."""
        return f"{self.title}. {self.description}" if self.description else self.title

    def exported(self) -> Iterable[list[Any]]:
        """The rows of the table as a spreadsheet takes them."""
        return ([cell.raw for cell in row] for row in self.rows)


def nothing(given: str) -> str:
    """The sentence where there is nothing to draw."""
    return given or _("Nothing in this period yet.")


def table(steps: Sequence[str], series: Sequence[Series], unit: str, head: str) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """The table of series over steps: a row a step, a column a series."""
    rows = tuple(
        (Cell(step, step), *(Cell(say(one.values[place], unit), one.values[place], one.href(place)) for one in series)) for place, step in enumerate(steps)
    )  # fmt: skip
    return (head, *(one.name for one in series)), rows
