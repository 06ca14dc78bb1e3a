"""Sentiment: what is said, and which words say it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.text.sentiment import ASKED_BLAME, ASKED_PRAISE, MIXED, NEGATIVE, NEUTRAL, POSITIVE, TURNED, WISHED, asked_of, leans_positive, sentiment_of
from accounts.text.starter_topics import STARTER_TOPICS
from accounts.text.tokens import tokens_of
from accounts.text.topics import Words, compile_query, topic_sentiment


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("Great support, very helpful.", "en", POSITIVE),
        ("The app is slow and keeps crashing.", "en", NEGATIVE),
        ("not good", "en", NEGATIVE),
        ("never had a problem", "en", POSITIVE),
        ("no issues at all", "en", POSITIVE),
        ("I would not recommend it.", "en", NEGATIVE),
        ("Without any hassle", "en", POSITIVE),
        ("Support could be faster", "en", NEGATIVE),
        ("More training would help", "en", NEGATIVE),
        ("We use it on Mondays.", "en", NEUTRAL),
        ("", "en", NEUTRAL),
        ("Çok güzel, memnunuz", "tr", POSITIVE),
        ("COK GUZEL BIR URUN", "tr", POSITIVE),
        ("beğenmedim", "tr", NEGATIVE),
        ("beğendim", "tr", POSITIVE),
        ("güzel değil", "tr", NEGATIVE),
        ("fena değil", "tr", POSITIVE),
        ("hiç memnun kalmadım", "tr", NEGATIVE),
        ("tavsiye etmiyorum", "tr", NEGATIVE),
        ("tavsiye ederim", "tr", POSITIVE),
        ("sorun yok", "tr", POSITIVE),
        ("hiçbir sorun yaşamadık", "tr", POSITIVE),
        ("Mobil uygulama açılmıyor", "tr", NEGATIVE),
        ("ne hızlı ne kolay", "tr", NEGATIVE),
        ("Raporlar daha iyi olabilirdi", "tr", NEGATIVE),
        ("keşke fatura ekranı olsaydı", "tr", NEGATIVE),
        ("Ödeme yaptık.", "tr", NEUTRAL),
        ("👍", "de", POSITIVE),
        ("😡😡", "tr", NEGATIVE),
    ],
)
def test_labels(text, language, label):
    assert sentiment_of(text, language).label == label


def test_deciding_words_are_marked_with_the_denial_that_turned_them():
    text = "Kurulum kolay ama destek pek iyi değil."
    said = sentiment_of(text, "tr")
    marked = {text[item.start : item.end]: item for item in said.evidence}
    assert marked["kolay"].weight > 0
    turned = next(item for item in said.evidence if item.why == TURNED)
    assert (text[turned.start : turned.end].endswith("değil"), turned.weight < 0) == (True, True)
    text = "The setup was not very easy."
    (item,) = sentiment_of(text, "en").evidence
    assert (text[item.start : item.end], item.why) == ("not very easy", TURNED)


def test_what_comes_after_but_weighs_more():
    assert sentiment_of("Slow, but great.", "en").score > 0 > sentiment_of("Great, but slow.", "en").score
    assert sentiment_of("kolay ama yavaş", "tr").score < sentiment_of("yavaş ama kolay", "tr").score


def test_praise_and_blame_of_the_same_weight_are_mixed():
    assert sentiment_of("Support is great. The price is terrible.", "en").label == MIXED


def test_what_is_wished_for_is_not_there():
    said = sentiment_of("Send a better driver", "en")
    assert (said.label, {item.why for item in said.evidence} >= {WISHED}) == (NEGATIVE, True)


def test_an_answer_is_read_by_its_question():
    blame, praise = asked_of("How could we improve?", "en"), asked_of("What was good?", "en")
    assert (blame, praise) == (ASKED_BLAME, ASKED_PRAISE)
    assert asked_of("Neyi geliştirmeliyiz?", "tr") == ASKED_BLAME
    assert asked_of("En çok neyi beğendiniz?", "tr") == ASKED_PRAISE
    assert asked_of("Why?", "en") == asked_of("What were you satisfied and/or dissatisfied with?", "en") == ""
    assert sentiment_of("Nothing.", "en", blame).label == POSITIVE
    assert sentiment_of("Nothing.", "en", praise).label == NEGATIVE
    assert sentiment_of("Nothing.", "en").label == NEUTRAL
    assert sentiment_of("Hiçbir şey", "tr", ASKED_BLAME).label == POSITIVE
    assert sentiment_of("Everything!", "en", blame).label == NEGATIVE


def test_undecided_texts_are_settled_by_one_written_rule():
    def lean(text, asked=""):
        return leans_positive(sentiment_of(text, "en", asked), text, asked)

    assert lean("")
    assert lean("The courtyard")
    assert lean("The courtyard where we walked with the dog", ASKED_PRAISE)
    assert not lean("We went to the house on the hill with the dog")


@pytest.mark.parametrize("language", ["en", "tr", "xx"])
@given(text=st.text(max_size=300))
def test_any_text_has_a_score_and_marks_within_it(language, text):
    said = sentiment_of(text, language, ASKED_BLAME)
    assert -1 <= said.score <= 1
    for item in said.evidence:
        assert 0 <= item.start < item.end <= len(text)


@pytest.mark.parametrize("word", ["good", "bad", "helpful", "terrible"])
def test_a_denial_turns_a_word_and_a_second_turns_it_back(word):
    plain, once, twice = (sentiment_of(text, "en").score for text in (f"it is {word}", f"it is not {word}", f"it is never not {word}"))
    assert plain * once < 0 < plain * twice


def test_a_text_is_read_with_all_topics_in_two_milliseconds():
    queries = [compile_query(topic.query_tr, "tr") for topic in STARTER_TOPICS]
    text = ("Faturalarımızda hata var ama destek ekibi çok ilgili, mobil uygulama donuyor. " * 5)[:300]

    def read():
        tokens = tokens_of(text, "tr")
        said = sentiment_of(text, "tr")
        words = Words(tokens, "tr")
        for query in queries:
            if found := query.find(words):
                topic_sentiment(text, "tr", found, tokens, said.evidence)

    read()
    spent = []
    for _ in range(30):
        start = time.process_time()
        read()
        spent.append(time.process_time() - start)
    assert sorted(spent)[15] < 0.002
