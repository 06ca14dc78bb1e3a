"""What a language brings for the sentence of a programme. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """Whole phrases with slots; see `english` for what each of them says."""

    # event kind: as it stands before or after a span of time, and as it stands alone
    moments: Mapping[str, str]
    at_once: Mapping[str, str]
    # "audience", "audience:group of the event kind" or "audience:rhythm"
    audiences: Mapping[str, str]
    some_survey: str
    later: str
    now: str
    rhythm: str
    # (one or many are asked, whether there are conditions): the clause that holds the rest
    main: Mapping[tuple[str, bool], str]
    holidays_too: str
    cool_down: str
    gap: str
    reminder: str
    sample: str
    segments_one: str
    segments_many: str
    cap: str
    weeks: Mapping[tuple[int, ...], str]
    day_names: Sequence[str]
    day_span: str
    day_list: str
    day_single: str
    # payload key: what it is called, and for those that are true or false the two phrases
    labels: Mapping[str, str]
    yes_no: Mapping[str, tuple[str, str]]
    truth: Mapping[bool, str]
    is_value: str
    # rows of the editor: name, template whose slots are fields
    rows: Mapping[str, str]
    units: Mapping[str, str]
    count: Callable[[int, str], str]
    number: Callable[[int], str]
    percent: Callable[[Decimal], str]
    listed: Callable[[Sequence[str]], str]
    either: Callable[[Sequence[str]], str]
    capital: Callable[[str], str]


def joined(items: Sequence[str], last: str) -> str:
    """Items with commas, and a word before the last."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""
