"""A classifier an installation trains on its own scored answers. Pure; scikit-learn is imported at first use, never at start.

What it looks at: stems of words and of word pairs, pieces of two to five letters within words (both TF-IDF), and what the word lists
say of the text (`sentiment.py`), so that it starts from the lists and learns the words of this installation's customers on top.
A logistic regression weighs them; both kinds of answers count the same however many there are.

It is stored as plain arrays and JSON: reading a stored classifier runs no code of it.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from accounts.text.measures import Rates
from accounts.text.sentiment import MIXED, Evidence, sentiment_of
from accounts.text.stems import stem
from accounts.text.tokens import MARK, WORD, fold, lower, tokens_of

SMALLEST = 200  # scored answers
SMALLEST_CLASS = 50  # of the rarer of the two
FORMAT = "vefa-text-classifier-1"
LARGEST_BYTES = 64_000_000

_SEED = 20
_FOLDS = 5
# smaller is more cautious; the best of these in cross-validation is taken
_STRENGTHS = (0.1, 0.5, 2.0)
_LISTED = 5
_MOST_WORDS, _MOST_PIECES = 30_000, 60_000
_WORDY, _PIECES = "words", "pieces"


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


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """One kind of n-gram: its column, how rare it is, and the smallest number of texts it must be in."""

    columns: dict[str, int]
    rarity: Any

    @classmethod
    def of(cls, counted: Sequence[Counter[str]], smallest: int, most: int) -> _Vocabulary:
        """Learns which n-grams there are; the most frequent `most`, ties by alphabet, so that it is the same every time."""
        import numpy

        texts: Counter[str] = Counter()
        for counts in counted:
            texts.update(counts.keys())
        kept = sorted((gram for gram, number in texts.items() if number >= smallest), key=lambda gram: (-texts[gram], gram))[:most]
        kept.sort()
        rarity = numpy.array([math.log((1 + len(counted)) / (1 + texts[gram])) + 1 for gram in kept], dtype="float64")
        return cls({gram: number for number, gram in enumerate(kept)}, rarity)

    def rows(self, counted: Sequence[Counter[str]]) -> Any:
        """A sparse matrix of sublinear TF-IDF rows of length one."""
        import numpy
        from scipy import sparse

        data: list[float] = []
        columns: list[int] = []
        ends = [0]
        for counts in counted:
            weights = {self.columns[gram]: (1 + math.log(number)) * float(self.rarity[self.columns[gram]]) for gram, number in counts.items() if gram in self.columns}
            length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
            for column in sorted(weights):
                columns.append(column)
                data.append(weights[column] / length)
            ends.append(len(data))
        return sparse.csr_matrix((numpy.array(data), numpy.array(columns, dtype="int32"), numpy.array(ends)), shape=(len(counted), len(self.columns)))


class TrainedText:
    """A trained classifier of one language."""

    def __init__(self, language: str, words: _Vocabulary, pieces: _Vocabulary, weights: Any, bias: float, measured: Measured):
        self.language = language
        self.measured = measured
        self._words = words
        self._pieces = pieces
        self._weights = weights
        self._bias = bias

    def predict_positive(self, texts: Sequence[str], asked: Sequence[str] | None = None) -> list[float]:
        """The probability that each text belongs to a good score; `asked` as in `sentiment_of`, one a text."""
        import numpy

        if not texts:
            return []
        rows = _features(_read(texts, self.language, asked), self._words, self._pieces)
        lean = rows @ self._weights + self._bias
        return [float(chance) for chance in 1 / (1 + numpy.exp(-numpy.clip(lean, -30, 30)))]

    def evidence(self, text: str, limit: int = 8) -> list[Evidence]:
        """The words of a text that weighed most, with their places; weights are shares of the logit, positive speaks well."""
        tokens = [token for token in tokens_of(text, self.language) if token.kind != MARK]
        if not tokens:
            return []
        stems = [stem(token.form, self.language) if token.kind == WORD else token.form for token in tokens]
        length = math.sqrt(len(tokens))
        weighed: dict[tuple[int, int], float] = {}
        for place, gram in enumerate(stems):
            for grown, last in ((gram, place), (f"{gram} {stems[place + 1]}" if place + 1 < len(stems) else "", place + 1)):
                column = self._words.columns.get(grown)
                if column is not None:
                    weighed[place, last] = float(self._weights[column] * self._words.rarity[column]) / length
        strongest = sorted(weighed.items(), key=lambda item: (-abs(item[1]), item[0]))[:limit]
        return sorted(Evidence(tokens[first].start, tokens[last].end, round(weight, 3), "learnt") for (first, last), weight in strongest if abs(weight) >= 0.001)

    def to_bytes(self) -> bytes:
        """For a database column: arrays and JSON in one file, never pickle. The same classifier gives the same bytes."""
        import numpy

        head = {
            "format": FORMAT,
            "language": self.language,
            "bias": self._bias,
            "measured": self.measured.as_dict(),
            _WORDY: list(self._words.columns),
            _PIECES: list(self._pieces.columns),
        }
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, content in (
                ("head.json", json.dumps(head, ensure_ascii=False).encode()),
                ("weights.npy", _npy(self._weights.astype("<f4"))),
                ("rarity.npy", _npy(numpy.concatenate([self._words.rarity, self._pieces.rarity]).astype("<f4"))),
            ):
                bundle.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return made.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainedText:
        """What `to_bytes` made; raises UnreadableClassifier for anything else."""
        import numpy

        try:
            with zipfile.ZipFile(io.BytesIO(bytes(data))) as bundle:
                if sum(entry.file_size for entry in bundle.infolist()) > LARGEST_BYTES:
                    raise UnreadableClassifier("The classifier is too large.")
                head = json.loads(bundle.read("head.json"))
                weights, rarity = (numpy.load(io.BytesIO(bundle.read(name)), allow_pickle=False) for name in ("weights.npy", "rarity.npy"))
            if head["format"] != FORMAT:
                raise UnreadableClassifier("The classifier has another format.")
            words, pieces = list(head[_WORDY]), list(head[_PIECES])
            if weights.shape != (len(words) + len(pieces) + _LISTED,) or rarity.shape != (len(words) + len(pieces),) or weights.dtype.kind != "f" or rarity.dtype.kind != "f":
                raise UnreadableClassifier("The classifier does not fit together.")
            return cls(
                str(head["language"]),
                _Vocabulary({str(gram): number for number, gram in enumerate(words)}, rarity[: len(words)].astype("float64")),
                _Vocabulary({str(gram): number for number, gram in enumerate(pieces)}, rarity[len(words) :].astype("float64")),
                weights.astype("float64"),
                float(head["bias"]),
                Measured(**head["measured"]),
            )
        except UnreadableClassifier:
            raise
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise UnreadableClassifier("These bytes are no classifier.") from error


def train(texts: Sequence[str], labels: Sequence[bool], language: str, asked: Sequence[str] | None = None) -> TrainedText:
    """Learns from texts and whether their score was good; deterministic; raises TooFewAnswers.

    Empty texts are left out: nothing can be learnt from them. `asked` as in `sentiment_of`, one a text.
    """
    import numpy
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    kept = [number for number, text in enumerate(texts) if text.strip()]
    good = numpy.array([bool(labels[number]) for number in kept], dtype=bool)
    positive = int(good.sum())
    if len(kept) < SMALLEST or min(positive, len(kept) - positive) < SMALLEST_CLASS:
        raise TooFewAnswers(positive, len(kept) - positive)
    read = _read([texts[number] for number in kept], language, [asked[number] for number in kept] if asked else None)

    def fitted(places: Any, strength: float, rows: Any) -> Any:
        return LogisticRegression(C=strength, class_weight="balanced", solver="liblinear", random_state=_SEED, max_iter=500).fit(rows, good[places])

    said = {strength: numpy.zeros(len(kept), dtype=bool) for strength in _STRENGTHS}
    for learnt, held in StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED).split(numpy.zeros(len(kept)), good):
        words, pieces = _vocabularies([read[place] for place in learnt])
        rows, others = (_features([read[place] for place in places], words, pieces) for places in (learnt, held))
        for strength in _STRENGTHS:
            said[strength][held] = fitted(learnt, strength, rows).predict(others)
    rates = {strength: Rates.of(zip(good.tolist(), answers.tolist(), strict=True)) for strength, answers in said.items()}
    # of equals the most cautious
    strength = max(_STRENGTHS, key=lambda one: (round(rates[one].balanced, 6), -one))
    low, high = rates[strength].interval
    measured = Measured(round(rates[strength].balanced, 4), round(low, 4), round(high, 4), len(kept))
    words, pieces = _vocabularies(read)
    model = fitted(numpy.arange(len(kept)), strength, _features(read, words, pieces))
    return TrainedText(language, words, pieces, model.coef_[0].astype("<f4").astype("float64"), float(model.intercept_[0]), measured)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text taken apart."""

    words: Counter[str]
    pieces: Counter[str]
    listed: tuple[float, ...]


def _read(texts: Sequence[str], language: str, asked: Sequence[str] | None) -> list[_Reading]:
    return [_reading(text, language, asked[number] if asked else "") for number, text in enumerate(texts)]


def _reading(text: str, language: str, asked: str) -> _Reading:
    tokens = [token for token in tokens_of(text, language) if token.kind != MARK or token.form in "!?"]
    stems = [stem(token.form, language) if token.kind == WORD else token.form for token in tokens]
    words = Counter(stems)
    words.update(f"{first} {second}" for first, second in pairwise(stems))
    pieces: Counter[str] = Counter()
    for word in fold(lower(text, language)).split():
        framed = f" {word} "
        pieces.update(framed[at : at + size] for size in range(2, 6) for at in range(len(framed) - size + 1))
    said = sentiment_of(text, language, asked)
    praise = sum(item.weight for item in said.evidence if item.weight > 0)
    blame = -sum(item.weight for item in said.evidence if item.weight < 0)
    listed = (said.score, math.tanh(praise / 3), math.tanh(blame / 3), float(said.label == MIXED), math.log1p(len(stems)) / 5)
    return _Reading(words, pieces, listed)


def _vocabularies(read: Sequence[_Reading]) -> tuple[_Vocabulary, _Vocabulary]:
    return _Vocabulary.of([one.words for one in read], 2, _MOST_WORDS), _Vocabulary.of([one.pieces for one in read], 3, _MOST_PIECES)


def _features(read: Sequence[_Reading], words: _Vocabulary, pieces: _Vocabulary) -> Any:
    import numpy
    from scipy import sparse

    return sparse.hstack([words.rows([one.words for one in read]), pieces.rows([one.pieces for one in read]), sparse.csr_matrix(numpy.array([one.listed for one in read]))]).tocsr()


def _npy(array: Any) -> bytes:
    import numpy

    made = io.BytesIO()
    numpy.save(made, array, allow_pickle=False)
    return made.getvalue()
