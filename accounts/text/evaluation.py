"""What the readers of texts are worth: measured on sets of real, scored answers that lie beside the project. Pure but for reading files.

The sets belong to others and are not part of the project; `docs/text.md` says what each row counts as and prints the figures.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from accounts.text.classifier import train
from accounts.text.measures import Rates
from accounts.text.sentiment import asked_of, leans_positive, sentiment_of

LISTS_BAR, LEARNT_BAR = 0.78, 0.87
# one text in five is held back from learning; which one is decided by the text, so that the same words never stand on both sides
SPLIT_SEED = "vefa-20"
# written by the form, not by the person
_NO_ANSWER = frozenset({"", "did not answer"})


@dataclass(frozen=True, slots=True)
class Row:
    """One scored answer: whether its score is good, what its question asked for, and what a person read in it (None: not labelled)."""

    text: str
    good: bool
    asked: str = ""
    read_good: bool | None = None

    @property
    def answered(self) -> bool:
        """Whether there is a text of the person."""
        return self.text.strip().lower() not in _NO_ANSWER


@dataclass(frozen=True, slots=True)
class SetOfTexts:
    """One set: its folder and file, its language, and how a line becomes a row (None: left out)."""

    name: str
    file: str
    language: str
    row: Callable[[dict[str, str]], Row | None]

    def read(self, folder: Path) -> list[Row]:
        """All rows that count, in the order of the file; raises OSError where it is missing."""
        return [row for line in _lines(folder / self.name / self.file) if (row := self.row(line)) is not None]


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report. `bar` is None where the line is there for comparison only."""

    set_name: str
    reader: str
    rates: Rates
    bar: float | None = None
    undecided: int = 0

    def as_dict(self) -> dict[str, object]:
        """For a line of JSON."""
        low, high = self.rates.interval
        return {
            "set": self.set_name,
            "reader": self.reader,
            "rows": self.rates.rows,
            "good": self.rates.good,
            "bad": self.rates.bad,
            "balanced_accuracy": round(self.rates.balanced, 4),
            "low": round(low, 4),
            "high": round(high, 4),
            "good_recall": round(self.rates.good_recall, 4),
            "bad_recall": round(self.rates.bad_recall, 4),
            "good_precision": round(self.rates.good_precision, 4),
            "bad_precision": round(self.rates.bad_precision, 4),
            "undecided": self.undecided,
            "bar": self.bar,
            "met": None if self.bar is None else self.rates.balanced >= self.bar,
        }


def _nps(line: dict[str, str]) -> Row | None:
    """Promoters (9, 10) against detractors (0 to 6); passives and answers without a score are left out."""
    score = int(line["nps_score"]) if line["nps_score"].strip() else None
    if score is None or score in (7, 8):
        return None
    return Row(line["comment"], score >= 9)


def _friends_and_family(line: dict[str, str]) -> Row | None:
    """1 is very good: 1 and 2 against 4 and 5; 3 (neither), 6 and 7 (no opinion, not given) are left out."""
    if line["fft_score"] not in ("1", "2", "4", "5"):
        return None
    label = line["comment_sentiment"]
    return Row(line["comment"], line["fft_score"] in ("1", "2"), asked_of(line["question"], "en"), None if label in ("", "3") else label in ("1", "2"))


def _reviews(line: dict[str, str]) -> Row | None:
    """Olumlu against Olumsuz; Tarafsız is left out."""
    return None if line["label"] not in ("Olumlu", "Olumsuz") else Row(line["comment"], line["label"] == "Olumlu")


SETS = (
    SetOfTexts("nps_verbatims_en", "nps_responses.csv", "en", _nps),
    SetOfTexts("csat_verbatims_en_nhs", "fft_responses.csv.gz", "en", _friends_and_family),
    SetOfTexts("reviews_tr", "magaza_yorumlari.csv.gz", "tr", _reviews),
)


def by_lists(chosen: SetOfTexts, rows: list[Row]) -> list[Result]:
    """The shipped word lists and rules on all rows that have a text; beside it without the question, and with the rows that have no text."""
    answered = [row for row in rows if row.answered]
    results = [_listed(chosen, "lists", answered, LISTS_BAR)]
    if any(row.asked for row in rows):
        results.append(_listed(chosen, "lists, question not known", [Row(row.text, row.good) for row in answered]))
    if len(answered) < len(rows):
        results.append(_listed(chosen, "lists, rows without a text too", [row if row.answered else Row("", row.good) for row in rows]))
    read = [row for row in answered if row.read_good is not None]
    if read:
        results.append(Result(chosen.name, "a person, against the score", Rates.of((row.good, bool(row.read_good)) for row in read)))
        results.append(_listed(chosen, "lists, against a person", [Row(row.text, bool(row.read_good), row.asked) for row in read]))
    return results


def by_learning(chosen: SetOfTexts, rows: list[Row]) -> list[Result]:
    """A classifier trained on four fifths of the rows that have a text, on the fifth it has not seen."""
    answered = [row for row in rows if row.answered]
    results = [_learnt(chosen, "trained", answered, LEARNT_BAR)]
    read = [row for row in answered if row.read_good is not None]
    if read:
        results.append(_learnt(chosen, "trained, against a person", [Row(row.text, bool(row.read_good), row.asked) for row in read]))
    return results


def held_back(text: str) -> bool:
    """Whether a text belongs to the fifth that nothing is learnt from."""
    return hashlib.sha256(f"{SPLIT_SEED}:{' '.join(text.lower().split())}".encode()).digest()[0] % 5 == 0


def _listed(chosen: SetOfTexts, reader: str, rows: Iterable[Row], bar: float | None = None) -> Result:
    pairs, undecided = [], 0
    for row in rows:
        said = sentiment_of(row.text, chosen.language, row.asked)
        undecided += said.score == 0
        pairs.append((row.good, leans_positive(said, row.text, row.asked)))
    return Result(chosen.name, reader, Rates.of(pairs), bar, undecided)


def _learnt(chosen: SetOfTexts, reader: str, rows: list[Row], bar: float | None = None) -> Result:
    learnt, held = [row for row in rows if not held_back(row.text)], [row for row in rows if held_back(row.text)]
    model = train([row.text for row in learnt], [row.good for row in learnt], chosen.language, [row.asked for row in learnt])
    chances = model.predict_positive([row.text for row in held], [row.asked for row in held])
    return Result(chosen.name, reader, Rates.of((row.good, chance >= 0.5) for row, chance in zip(held, chances, strict=True)), bar)


def _lines(path: Path) -> Iterator[dict[str, str]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
