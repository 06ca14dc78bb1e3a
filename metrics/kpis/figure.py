"""One computed figure, before it is put into text. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass
class Figure:
    """Value with numerator, denominator, parts, interval, flags; None where it is over nothing."""

    value: Decimal | None
    numerator: Decimal | int | None = None
    denominator: Decimal | int | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    interval: tuple[Decimal, Decimal] | None = None
    flags: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    # further keys of the answer, such as rows or curves
    shape: dict[str, Any] = field(default_factory=dict)
