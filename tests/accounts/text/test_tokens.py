"""Languages, tokens and stems."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.text.language import language_of
from accounts.text.stems import is_denied_verb, is_form_of, root_of, stem
from accounts.text.tokens import EMOJI, EMOTICON, MARK, NUMBER, WORD, fold, lower, tokens_of


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("The invoice was wrong twice this month.", "", "en"),
        ("Fatura bu ay iki kez yanlış geldi.", "", "tr"),
        ("cok guzel urun tesekkurler", "", "tr"),
        ("Great support", "tr", "en"),
        ("Çok iyi", "en", "tr"),
        ("ok", "en", "en"),
        ("", "", ""),
        ("10/10", "", ""),
        ("hmm", "", ""),
        ("hmm", "tr", "tr"),
        ("hmm", "de", ""),
        ("Destek ekibi sorularimiza hep hizli cevap veriyor, memnunuz", "en", "tr"),
        ("The dashboard keeps loading for minutes and then it crashes", "tr", "en"),
    ],
)
def test_language_is_read_from_the_text_and_only_then_from_the_hint(text, hint, language):
    assert language_of(text, hint) == language


def test_lower_case_is_that_of_the_language():
    assert (lower("IŞIK İYİ", "tr"), lower("IT IS", "en"), lower("İzmir", "en")) == ("ışık iyi", "it is", "izmir")
    assert fold("şikâyet") == fold("ŞİKAYET".lower()) == "sikayet"


def test_tokens_know_their_place_and_kind():
    text = "ÇOOOK iyi :) 👍🏽 12:30'da don't… goood"
    tokens = tokens_of(text, "tr")
    assert [(token.form, token.kind) for token in tokens[:4]] == [("çok", WORD), ("iyi", WORD), (":)", EMOTICON), ("👍🏽", EMOJI)]
    assert (tokens[4].form, tokens[4].kind) == ("12:30", NUMBER)
    assert text[tokens[0].start : tokens[0].end] == "ÇOOOK"
    assert tokens[0].fold == "cok"
    assert [token.form for token in tokens_of("don't… goood sooo slooow", "en")] == ["don't", "…", "good", "so", "slow"]
    assert tokens_of("a, b", "en")[1].kind == MARK


@given(st.text(max_size=200), st.sampled_from(["en", "tr", "de"]))
def test_tokens_never_overlap_and_lie_within_any_text(text, language):
    end = 0
    for token in tokens_of(text, language):
        assert end <= token.start < token.end <= len(text)
        end = token.end


@pytest.mark.parametrize("word", ["calismiyor", "begenmedim", "gelmedi", "acilmiyor", "etmem", "almayin", "olmaz", "alamadik", "kullanamiyoruz", "cozulmedi", "vermeyen"])
def test_turkish_verbs_that_deny_are_seen(word):
    assert is_denied_verb(word)


@pytest.mark.parametrize(
    "word", ["odeme", "odemede", "odemeden", "odemeyi", "bekleme", "beklemesi", "calisma", "calismasi", "problem", "memnun", "temiz", "namaz", "emiyor", "yardim", "tamam"]
)
def test_verbal_nouns_and_other_words_are_no_denials(word):
    assert not is_denied_verb(word)


def test_turkish_words_are_forms_of_their_roots():
    assert stem("müşterilerimizin", "tr") == "müşteri"
    for plain, root in (("faturalarimizda", "fatura"), ("kitabi", "kitap"), ("destegi", "destek"), ("fiyatlariniz", "fiyat"), ("ekibiniz", "ekip")):
        assert is_form_of(plain, root), plain
    assert not is_form_of("hatay", "hat")
    assert not is_form_of("destan", "destek")
    assert root_of("beklemek") == ("bekle", True)
    assert root_of("ekmek") == ("ekmek", False)
    assert is_form_of("beklettiniz", "bekle", True)


def test_nothing_heavy_is_loaded_before_it_is_used():
    loaded = "import sys; import accounts.text.classifier, accounts.text.topics, accounts.text.language; print([name for name in ('sklearn', 'scipy', 'numpy', 'py3langid', 'django') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.strip() == "[]"
