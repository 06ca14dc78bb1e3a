"""The query language of topics."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.text.sentiment import NEGATIVE, POSITIVE
from accounts.text.starter_topics import STARTER_TOPICS
from accounts.text.tokens import tokens_of
from accounts.text.topics import QueryError, compile_query, topic_sentiment


def found(query, text, language="en"):
    places = compile_query(query, language).find(tokens_of(text, language))
    return None if places is None else [text[start:end] for start, end in places]


@pytest.mark.parametrize(
    ("query", "text", "language", "words"),
    [
        ("invoice", "Two invoices were wrong", "en", ["invoices"]),
        ("fatura", "Faturalarımızda hata var", "tr", ["Faturalarımızda"]),
        ("fatura", "FATURALARIMIZDA HATA VAR", "tr", ["FATURALARIMIZDA"]),
        ("FATURA", "faturalarimiz", "tr", ["faturalarimiz"]),
        ("destek", "Desteğiniz için sağ olun", "tr", ["Desteğiniz"]),
        ("ışık", "IŞIKLAR yanmıyor", "tr", ["IŞIKLAR"]),
        ("beklemek", "Çok beklettiniz", "tr", ["beklettiniz"]),
        ("hat", "Hatay kebabı", "tr", None),
        ("price AND expensive", "The price is too expensive", "en", ["price", "expensive"]),
        ("price expensive", "The price is fine", "en", None),
        ("price OR cost", "It costs a lot", "en", ["costs"]),
        ("price NOT discount", "The price is fine", "en", ["price"]),
        ("price NOT discount", "A discount on the price", "en", None),
        ('"customer service"', "Your customer service rocks", "en", ["customer service"]),
        ('"customer service"', "service for the customer", "en", None),
        ('"müşteri hizmet*"', "Müşteri hizmetlerinize ulaşamadım", "tr", ["Müşteri hizmetlerinize"]),
        ("integrat*", "Integrations with SAP", "en", ["Integrations"]),
        ("support NEAR slow", "support is really very slow", "en", ["support", "slow"]),
        ("support NEAR/2 slow", "support is really very slow", "en", None),
        ("slow NEAR/4 support", "support is really very slow", "en", ["support", "slow"]),
        ("(a OR b) AND NOT NOT c", "b and c", "en", ["b", "c"]),
        ("destek VE yavaş", "Destek yavaş kaldı", "tr", ["Destek", "yavaş"]),
        ("destek DEĞİL yavaş", "Destek yavaş kaldı", "tr", None),
        ("e-posta", "e-posta gelmedi", "tr", ["e-posta"]),
        ("👍", "Super 👍", "en", ["👍"]),
    ],
)
def test_queries_find_words_in_their_forms(query, text, language, words):
    assert found(query, text, language) == words


@pytest.mark.parametrize(
    ("query", "position", "expected"),
    [
        ("", 0, "term"), ("   ", 3, "term"), ("(price", 6, "close"), ("price OR", 8, "term"), ("price )", 6, "operator"), ('"open', 5, "quote"), ('""', 0, "term"),
        ("NOT price", 0, "positive"), ("price OR NOT cost", 0, "positive"), ("a NEAR/0 b", 2, "distance"), ("a NEAR/99 b", 2, "distance"), ("a NEAR/ b", 2, "distance"), ("*", 0, "term"),
        ("(" * 50 + "a" + ")" * 50, 40, "flatter"), ("a " * 3000, 4000, "shorter"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_read_says_where_and_what_was_expected(query, position, expected):
    with pytest.raises(QueryError) as refused:
        compile_query(query, "en")
    assert (refused.value.position, refused.value.expected) == (position, expected)
    assert str(refused.value).startswith(f"Position {position + 1}: expected ")


PIECES = st.sampled_from(["a", "fatura", "price", "AND", "OR", "NOT", "NEAR", "NEAR/3", "NEAR/x", "(", ")", '"', '"x y"', "z*", "*", "VE", "👍", "-", "'"])


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map(" ".join)), st.text(max_size=80), st.sampled_from(["en", "tr"]))
def test_any_query_either_works_or_refuses_and_marks_lie_within_the_text(query, text, language):
    compiled, refused = None, None
    try:
        compiled = compile_query(query, language)
    except QueryError as error:
        refused = error
    if compiled is None:
        assert refused
        assert 0 <= refused.position <= len(query)
        return
    last = 0
    for start, end in compiled.find(tokens_of(text, language)) or []:
        assert last <= start < end <= len(text)
        last = end


WORDS = st.lists(st.sampled_from(["price", "slow", "support", "great"]), min_size=1, max_size=6).map(" ".join)


@given(WORDS)
def test_denying_twice_and_turning_round_change_nothing(text):
    assert found("price AND NOT NOT slow", text) == found("price AND slow", text) == found("slow AND price", text)
    assert (found("price AND NOT (slow OR great)", text) is None) == (found("price AND NOT slow AND NOT great", text) is None)
    assert found("price NEAR/2 slow", text) == found("slow NEAR/2 price", text)


def test_sentiment_of_a_topic_is_that_of_its_clause():
    text = "Support is great but the price is terrible."
    for query, label in (("support", POSITIVE), ("price", NEGATIVE)):
        places = compile_query(query, "en").find(tokens_of(text, "en"))
        assert topic_sentiment(text, "en", places).label == label
    text = "Destek ekibi çok ilgili ama mobil uygulama açılmıyor."
    for query, label in (("destek", POSITIVE), ("uygulama", NEGATIVE)):
        places = compile_query(query, "tr").find(tokens_of(text, "tr"))
        assert topic_sentiment(text, "tr", places).label == label


def test_starter_topics_can_be_read_in_both_languages():
    assert len({topic.key for topic in STARTER_TOPICS}) == len(STARTER_TOPICS) >= 14
    for topic in STARTER_TOPICS:
        compile_query(topic.query_en, "en")
        compile_query(topic.query_tr, "tr")


@pytest.mark.parametrize(
    ("key", "english", "turkish"),
    [
        ("support", "Your customer service never replied", "Müşteri hizmetlerine ulaşamadık"),
        ("price", "Too expensive for what it does", "Fiyatlar çok pahalı"),
        ("onboarding", "The training sessions were useful", "Kurulum eğitimi yetersizdi"),
        ("bugs", "It crashed twice yesterday", "Rapor ekranı sürekli hata veriyor"),
        ("missing-features", "We need a feature for approvals", "Onay özelliği yok"),
        ("usability", "The interface is confusing", "Arayüz çok karmaşık"),
        ("speed", "Loading the dashboard takes forever", "Sistem çok yavaşladı"),
        ("reliability", "There was an outage again", "Dün yine kesinti oldu, sisteme giremedik"),
        ("documentation", "The documentation is out of date", "Yardım dokümanları eski"),
        ("integrations", "The API integration broke", "SAP entegrasyonunuz çalışıyor"),
        ("billing", "We were charged twice, no refund", "Faturalarımızda yanlışlık var"),
        ("delivery", "Delivery was quick", "Kargo hızlı geldi"),
        ("staff", "Friendly and polite people", "Ekibiniz güler yüzlü"),
        ("mobile", "The Android app logs me out", "Mobil uygulamanız kapanıyor"),
    ],
)
def test_each_starter_topic_finds_what_it_is_for(key, english, turkish):
    topic = next(topic for topic in STARTER_TOPICS if topic.key == key)
    assert found(topic.query_en, english)
    assert found(topic.query_tr, turkish, "tr")
    assert found(topic.query_en, "We meet on Monday.") is None
    assert found(topic.query_tr, "Pazartesi görüşürüz.", "tr") is None
