"""Which language a text is written in: English, Turkish, or too short to say. Pure; the model is loaded at first use (half a second)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from accounts.text.lexicon import words_of
from accounts.text.tokens import fold, lower

LANGUAGES = ("en", "tr")
# below so many letters the model guesses; letters and small words know better
SHORT = 24
_TURKISH_LETTERS = frozenset("çğıöşüÇĞİÖŞÜ")
_WORDS = re.compile(r"[^\W\d_]+")
# small words that one language has and the other has not, folded
_SMALL_TR = words_of("""
    ve bir bu cok icin ama fakat ancak ile de da mi mu ne degil yok var gibi daha en hic her sey tesekkur tesekkurler guzel iyi kotu
    urun hizli yavas memnun memnunum memnunuz kaldim tavsiye ederim ederiz super mukemmel harika berbat destek ekip olarak oldu olsun
    sonra once bence biz siz ben sen o onlar bana bize size fiyat pahali ucuz kolay zor kullanimi evet hayir tamam sorun kargo geldi
    """)
_SMALL_EN = words_of("""
    the and is are was were of to for with in on at it its this that they you your we our i my not no yes very good great bad nothing
    service support thanks thank easy price slow fast help helpful excellent poor never always nice love product all everything none
    ok because but have has had be been so too as from by an a do does did will would could
    """)


@cache
def _model() -> Any:
    """The model of py3langid, kept to the two languages; a third of a megabyte a language once loaded."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(list(LANGUAGES))
    return model


def language_of(text: str, hint: str = "") -> str:
    """`en`, `tr`, or "" where nothing can be said; `hint` (an account's or a form's language) decides what the text leaves open."""
    hint = hint[:2].lower() if hint else ""
    words = _WORDS.findall(text)
    if not words:
        return hint if hint in LANGUAGES else ""
    folded = [fold(lower(word, "en")) for word in words]
    turkish = sum(word in _SMALL_TR for word in folded) + sum(any(sign in _TURKISH_LETTERS for sign in word) for word in words)
    english = sum(word in _SMALL_EN for word in folded)
    letters = sum(map(len, words))
    if letters < SHORT:
        if turkish != english:
            return "tr" if turkish > english else "en"
        if hint in LANGUAGES:
            return hint
        if letters < 8:
            return ""
    if turkish >= 2 * english + 3 or english >= 2 * turkish + 3:
        return "tr" if turkish > english else "en"
    found, sure = _model().classify(text)
    if float(sure) < 0.8 and turkish != english:
        return "tr" if turkish > english else "en"
    if float(sure) < 0.8 and hint in LANGUAGES:
        return hint
    return str(found)
