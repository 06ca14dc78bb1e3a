"""A small query language for topics: terms, "phrases", prefix*, AND, OR, NOT, NEAR, parentheses. Pure."""

from __future__ import annotations

from accounts.text.sentiment import Sentiment
from accounts.text.tokens import Token


class QueryError(ValueError):
    """A query that cannot be read: `position` (0-based, in signs), `expected` and `found` as codes; the text is English."""

    def __init__(self, position: int, expected: str, found: str):
        super().__init__(f"Position {position + 1}: expected {expected}, found {found}.")
        self.position = position
        self.expected = expected
        self.found = found


class Query:
    """A compiled query of one language."""

    text: str
    language: str

    def find(self, tokens: list[Token]) -> list[tuple[int, int]] | None:
        """The places (start, end) in the text that make it match, in order; None where it does not match."""
        raise NotImplementedError


def compile_query(text: str, language: str) -> Query:
    """Reads a query; raises QueryError."""
    raise NotImplementedError


def topic_sentiment(text: str, language: str, spans: list[tuple[int, int]]) -> Sentiment:
    """The sentiment of the clauses around the places a topic was found at."""
    raise NotImplementedError
