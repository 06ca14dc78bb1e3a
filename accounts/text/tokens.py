"""Words, numbers, emoji and marks of a text, each with its place in the original. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a text: `text[start:end]` of the original, lower-cased by its language (`form`) and folded to plain letters (`fold`)."""

    start: int
    end: int
    form: str
    fold: str
    kind: str  # word, number, emoji, emoticon, mark


def tokens_of(text: str, language: str) -> list[Token]:
    """The tokens of a text in order, not overlapping; elongated words (`çoook`) are shortened in `form` and `fold`, not in the place."""
    raise NotImplementedError
