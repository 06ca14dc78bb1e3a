"""A classifier an installation trains on its own scored answers. Pure; scikit-learn is imported at first use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.text.sentiment import Evidence

SMALLEST = 200  # scored answers
SMALLEST_CLASS = 50  # of the rarer of the two


class TooFewAnswers(ValueError):
    """Not enough scored answers to learn from: `rows`, `positive`, `negative` as they are."""

    def __init__(self, positive: int, negative: int):
        super().__init__(f"Needs {SMALLEST} scored answers and {SMALLEST_CLASS} of each kind; there are {positive} good and {negative} bad ones.")
        self.rows = positive + negative
        self.positive = positive
        self.negative = negative


class UnreadableClassifier(ValueError):
    """Bytes that are no classifier of this version."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Balanced accuracy on answers not learnt from (cross-validated), its 95 % interval, and how many answers."""

    balanced_accuracy: float
    low: float
    high: float
    rows: int

    def as_dict(self) -> dict[str, float]:
        """For a JSON column."""
        return {"balanced_accuracy": self.balanced_accuracy, "low": self.low, "high": self.high, "rows": self.rows}


class TrainedText:
    """A trained classifier of one language."""

    language: str
    measured: Measured

    def predict_positive(self, texts: Sequence[str]) -> list[float]:
        """The probability that each text belongs to a good score."""
        raise NotImplementedError

    def evidence(self, text: str, limit: int = 8) -> list[Evidence]:
        """The strongest words of a text, with their places."""
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """For a database column: arrays and JSON in one file, never pickle."""
        raise NotImplementedError

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainedText:
        """What `to_bytes` made; raises UnreadableClassifier for anything else."""
        raise NotImplementedError


def train(texts: Sequence[str], labels: Sequence[bool], language: str) -> TrainedText:
    """Learns from texts and whether their score was good; deterministic; raises TooFewAnswers."""
    raise NotImplementedError
