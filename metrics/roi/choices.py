"""What a reader of the studio chose: inputs put in by hand, how many more are kept, for how long, by which way of counting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.utils.http import urlencode

from metrics.formulas.roi import VARIANTS
from metrics.roi.live import Basis

KS, LENGTHS = (1, 5, 10), (1, 3, 12, 36, 60, 120)
# of lists: how many at most, and how far
MOST_KS, MOST_LENGTHS, LARGEST_K, LONGEST = 6, 12, 100_000, 600
SPREAD, SEED, LARGEST_SEED = Decimal("0.2"), 1, 4_294_967_295


@dataclass(frozen=True)
class Choices:
    """All that the address of the studio says; what is not in `own` is live."""

    own: Mapping[str, Decimal] = field(default_factory=dict)
    ks: tuple[int, ...] = KS
    months: tuple[int, ...] = LENGTHS
    variant: str = VARIANTS[0]
    # what the sensitivity is about
    focus: int = 0
    horizon: int = 0
    spread: Decimal = SPREAD
    seed: int = SEED
    basis: Basis = field(default_factory=Basis)
    # the saved scenario that is open, and whether today's figures take the place of its frozen ones
    scenario: int | None = None
    fresh: bool = False
    # the version of the scenario that the reader began with, so that a save can tell whether somebody was faster
    seen: int = 0

    @property
    def focus_k(self) -> int:
        """The k of the sensitivity: the one chosen where it is in the list, else the middle one."""
        return self.focus if self.focus in self.ks else self.ks[len(self.ks) // 2]

    @property
    def focus_months(self) -> int:
        """The length of the sensitivity: the one chosen where it is in the list, else three years or the longest below."""
        return self.horizon if self.horizon in self.months else max((months for months in self.months if months <= 36), default=self.months[0])

    def texts(self) -> dict[str, str]:
        """What differs from the defaults as texts, by the names of the fields: to be stored, and for the address."""
        told: dict[str, str] = {name: format(value, "f") for name, value in self.own.items()}
        usual = Choices()
        lists = {"k": (self.ks, usual.ks), "months": (self.months, usual.months)}
        told |= {name: ",".join(map(str, chosen)) for name, (chosen, default) in lists.items() if chosen != default}
        told |= {"variant": self.variant} if self.variant != usual.variant else {}
        unfocused = replace(self, focus=0, horizon=0)
        told |= {"focus": str(self.focus_k)} if self.focus_k != unfocused.focus_k else {}
        told |= {"horizon": str(self.focus_months)} if self.focus_months != unfocused.focus_months else {}
        told |= {"spread": format(self.spread, "f")} if self.spread != usual.spread else {}
        told |= {"seed": str(self.seed)} if self.seed != usual.seed else {}
        told |= {"span": str(self.basis.months)} if self.basis.months != usual.basis.months else {}
        told |= {"segment": self.basis.segment} if self.basis.segment else {}
        return told

    def query(self, **changes: Any) -> str:
        """The address of these choices, with some changed."""
        changed = replace(self, **changes)
        told = changed.texts()
        if changed.scenario is not None:
            told |= {"scenario": str(changed.scenario), "edited": str(changed.seen)} | ({"fresh": "1"} if changed.fresh else {})
        return urlencode(told)

    def without(self, name: str) -> str:
        """The address with one input back to live."""
        return self.query(own={one: value for one, value in self.own.items() if one != name})


def whole_numbers(text: str, *, most: int, largest: int) -> tuple[int, ...]:
    """A list of whole numbers from 1, parted by commas or blanks, each once, in order. Raises ValueError with what was expected."""
    pieces = [piece for piece in text.replace(",", " ").replace(";", " ").split() if piece]
    if any(not piece.isdecimal() or len(piece) > 9 or not 1 <= int(piece) <= largest for piece in pieces):
        raise ValueError("range")
    numbers = tuple(sorted({int(piece) for piece in pieces}))
    if len(numbers) > most:
        raise ValueError("many")
    return numbers


def differing(scenarios: Iterable[Mapping[str, str]]) -> set[str]:
    """The fields in which stored choices are not all the same."""
    told = list(scenarios)
    return {name for one in told for name in one if any(other.get(name) != one[name] for other in told)}
