"""What an entry of the catalogue is made of: names, parameters and how they are read, breakdowns, unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

ACCOUNT = ("segment", "owner", "plan", "country", "industry", "business_model", "language", "lifecycle_stage")
SPAN = ("product", "kind", "currency")
TICKET = ("agent", "group", "category", "channel", "severity", "location")
ANSWER = ("survey", "touchpoint", "language")
COMPONENTS = ("csat", "fcr", "resolution_time", "first_response_time", "aht")


@dataclass(frozen=True)
class Choice:
    """A parameter with a closed set of values."""

    allowed: tuple[str, ...]

    def __call__(self, text: str) -> str:
        """The value of a text. Raises ValueError naming what is expected."""
        if text not in self.allowed:
            raise ValueError(f"one of {', '.join(self.allowed)}")
        return text


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    def __call__(self, text: str) -> int:
        """The value of a text. Raises ValueError naming what is expected."""
        try:
            number = int(text)
        except ValueError:
            number = self.least - 1
        if not self.least <= number <= self.most:
            raise ValueError(f"a whole number of {self.least} or more, at most {'a million' if self.most == 1_000_000 else self.most}")
        return number


@dataclass(frozen=True)
class Wholes:
    """A list of whole numbers within bounds, joined by commas; at most 24, each once, in the order given."""

    least: int
    most: int

    def __call__(self, text: str) -> tuple[int, ...]:
        """The value of a text. Raises ValueError naming what is expected."""
        try:
            numbers = tuple(dict.fromkeys(int(piece) for piece in text.split(",")))
        except ValueError:
            numbers = ()
        if not numbers or len(numbers) > 24 or not all(self.least <= number <= self.most for number in numbers):
            raise ValueError(f"whole numbers from {self.least} to {self.most}, joined by commas, at most 24")
        return numbers


@dataclass(frozen=True)
class Number:
    """A decimal, possibly bounded (edges inside)."""

    low: str | None
    high: str | None

    def __call__(self, text: str) -> Decimal:
        """The value of a text. Raises ValueError naming what is expected."""
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ValueError("a decimal number with a point") from None
        if not number.is_finite() or (self.low is not None and number < Decimal(self.low)) or (self.high is not None and number > Decimal(self.high)):
            raise ValueError(f"a decimal number from {self.low} to {self.high}")
        return number


def choice(*allowed: str) -> Choice:
    """A parameter with a closed set of values."""
    return Choice(allowed)


def whole(least: int, most: int = 1_000_000) -> Whole:
    """A whole number of at least `least`."""
    return Whole(least, most)


def wholes(least: int, most: int = 1_000_000) -> Wholes:
    """A list of whole numbers within bounds."""
    return Wholes(least, most)


def decimal(low: str | None = None, high: str | None = None) -> Number:
    """A decimal, possibly bounded."""
    return Number(low, high)


def seconds(text: str) -> int:
    """A whole number of seconds, up to ten years."""
    number = int(text) if text.isdecimal() and len(text) < 10 else -1
    if not 0 <= number <= 315_576_000:
        raise ValueError("a whole number of seconds, at most ten years")
    return number


def key(text: str) -> str:
    """Any key."""
    if not text:
        raise ValueError("a key")
    return text


@dataclass(frozen=True)
class Param:
    """One parameter: how it is read, and its value when it is not given."""

    parse: Callable[[str], Any]
    default: Any = None


# the four conventions that every figure resting on MRR takes, with one meaning everywhere
MRR_PARAMS: dict[str, Param] = {
    "discount": Param(choice("in_force", "forever_only"), "in_force"),
    "cancellation": Param(choice("service_end", "at_cancellation"), "service_end"),
    "pause": Param(choice("zero", "keeps"), "zero"),
    "delinquency_days": Param(whole(0)),
}


WINDOW_PARAMS: dict[str, Param] = {"window_months": Param(whole(1)), "window_days": Param(whole(1))}
ANNUALISE: dict[str, Param] = {"annualise": Param(choice("none", "months", "days"), "none")}
CLOCK: dict[str, Param] = {"clock": Param(choice("calendar", "business"), "calendar")}
# weights and bounds of team performance; what is not given is the organisation's setting
TARGETS: dict[str, Param] = {f"{name}_{of}": Param(decimal("0", "1000000")) for name in COMPONENTS for of in ("weight", "worst", "best")}


@dataclass(frozen=True)
class Kpi:
    """One entry of the catalogue."""

    name: str
    title: Any
    meaning: Any
    unit: str
    variants: tuple[str, ...]
    dimensions: tuple[str, ...]
    params: Mapping[str, Param] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    good: str = "up"
    # of variants that improve the other way
    goods: Mapping[str, str] = field(default_factory=dict)
    kind: str = "strategic"
    timing: str = "lagging"
    # the default where all accounts asked for are e-commerce
    ecommerce_variant: str | None = None

    def unit_of(self, variant: str) -> str:
        """The unit of a variant."""
        return self.units.get(variant, self.unit)

    def good_of(self, variant: str) -> str:
        """The direction in which a variant improves: up or down."""
        return self.goods.get(variant, self.good)


@dataclass(frozen=True)
class Way:
    """One variant in words: its formula, when it is the one to take, what stands above and below the line ("": nothing does)."""

    formula: Any
    line: Any
    numerator: Any = ""
    denominator: Any = ""


@dataclass(frozen=True)
class Told:
    """What the catalogue tells of a KPI beside its entry: group, who is counted, its variants in words, where it comes from."""

    group: str
    population: Any
    ways: Mapping[str, Way]
    # numbers of the articles that the catalogue rests on (`metrics.kpis.told.ARTICLES`); none: customary in the field
    articles: tuple[int, ...] = ()
    # why there are no rows that sum to it, and the KPIs that it is made of
    no_rows: Any = ""
    inputs: tuple[str, ...] = ()
