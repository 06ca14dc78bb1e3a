"""The classifier an installation trains on its own answers."""

import pickle
import random

import pytest

from accounts.text.classifier import TooFewAnswers, TrainedText, UnreadableClassifier, train
from accounts.text.measures import Rates, wilson


def answers(count, seed=1):
    """Answers whose score hangs on words no list knows (zorp, blick), a tenth of them wrong."""
    dice = random.Random(seed)
    texts, labels = [], []
    for number in range(count):
        good = number % 3 > 0
        words = [dice.choice(["the", "module", "report", "screen", "week", "team"]) for _ in range(6)]
        words.insert(dice.randrange(6), "zorp" if good != (dice.random() < 0.1) else "blick")
        texts.append(" ".join(words))
        labels.append(good)
    return texts, labels


@pytest.fixture(scope="module")
def trained():
    return train(*answers(300), "en")


def test_it_learns_words_that_no_list_knows(trained):
    good, bad = trained.predict_positive(["the zorp module", "the blick module"])
    assert good > 0.7 > 0.3 > bad
    assert trained.predict_positive([]) == []
    text = "our blick week"
    (item, *_rest) = sorted(trained.evidence(text), key=lambda item: item.weight)
    assert "blick" in text[item.start : item.end]
    assert item.weight < 0


def test_it_says_what_it_is_worth_on_answers_it_did_not_learn_from(trained):
    assert trained.measured.rows == 300
    assert 0.8 < trained.measured.low < trained.measured.balanced_accuracy < trained.measured.high <= 1
    coin = random.Random(2)
    texts, labels = answers(300)
    guessing = train(texts, [coin.random() < 0.5 for _ in labels], "en").measured
    assert guessing.low < 0.55


def test_training_twice_gives_the_same_bytes_and_they_read_back(trained):
    data = trained.to_bytes()
    assert train(*answers(300), "en").to_bytes() == data
    again = TrainedText.from_bytes(data)
    texts = ["the zorp module", "screen blick", "", "👍 ok"]
    assert again.predict_positive(texts) == pytest.approx(trained.predict_positive(texts), abs=1e-5)
    assert (again.measured, again.language, again.to_bytes()) == (trained.measured, "en", data)


@pytest.mark.parametrize("cut", [0, 1, 10, 500, -1])
def test_broken_bytes_are_refused(trained, cut):
    with pytest.raises(UnreadableClassifier):
        TrainedText.from_bytes(trained.to_bytes()[:cut])


def test_bytes_that_would_run_code_are_refused():
    class Evil:
        def __reduce__(self):
            raise AssertionError("never unpickled")

    for data in (pickle.dumps({"a": 1}), b"PK\x05\x06" + b"\0" * 18, b"{}"):
        with pytest.raises(UnreadableClassifier):
            TrainedText.from_bytes(data)


def test_too_few_answers_are_refused_with_the_numbers():
    texts, labels = answers(199)
    with pytest.raises(TooFewAnswers) as refused:
        train(texts, labels, "en")
    assert refused.value.rows == 199
    texts, labels = answers(400)
    with pytest.raises(TooFewAnswers) as refused:
        train(texts, [number >= 49 for number in range(400)], "en")
    assert (refused.value.positive, refused.value.negative) == (351, 49)
    with pytest.raises(TooFewAnswers):
        train(["good"] * 150 + [" "] * 100, [True] * 150 + [False] * 100, "en")


def test_rates_count_both_kinds_the_same():
    rates = Rates.of([(True, True)] * 90 + [(True, False)] * 10 + [(False, False)] * 5 + [(False, True)] * 5)
    assert (rates.good_recall, rates.bad_recall, rates.balanced, rates.bad_precision) == (0.9, 0.5, 0.7, 5 / 15)
    low, high = rates.interval
    assert 0.5 < low < 0.7 < high < 0.9
    # Wilson for 8 of 10, as printed in the textbooks: 0.490 to 0.943
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-3)
    assert wilson(0, 0) == (0.0, 1.0)
