"""Sentiment by word lists and rules, with the words that decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# counts the changes of rules and word lists: a verbatim read by an older one is read again
READER = 1
POSITIVE, NEGATIVE, NEUTRAL, MIXED = "positive", "negative", "neutral", "mixed"


class Evidence(NamedTuple):
    """Words that decided: `text[start:end]`, their weight (positive speaks well), and why as a code of `WHY`."""

    start: int
    end: int
    weight: float
    why: str


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What a text says: score from -1 to 1, label, and the words that decided."""

    score: float
    label: str
    evidence: tuple[Evidence, ...]


def sentiment_of(text: str, language: str) -> Sentiment:
    """The sentiment of a text in `en` or `tr`; in another language only emoji speak."""
    raise NotImplementedError
