"""Stems of English and Turkish words, Turkish endings, and Turkish verbs that deny. Pure.

Turkish is read in folded letters (ç c, ğ g, ı i, ö o, ş s, ü u are one), because half of what customers write has no Turkish
letters. A Turkish word is taken for a form of a root where what follows the root is a chain of Turkish endings.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from accounts.text.tokens import fold, lower

# endings of nouns and adjectives, folded: plural, possession, case, copula, and -li -siz -lik -ci -ca
_NOUN = (
    "l[ae]r|l[iu][kg]|l[iu]|s[iu]z|c[iu]|c[ae]|[iu]m[iu]z|[iu]n[iu]z|m[iu]z|n[iu]z|[iu]m|[iu]n|m|n|s[iu]|y?[iu]|y?[ae]|n[dt]?[ae]n?|[dt][ae]n?|"
    "[dt][ae]ki|ki|n[iu]n|yl[ae]|l[ae]|y?[dt][iu][mkrn]?|y?m[iu]s|ys[ae]|s[iu]n|s[ae]|y[ie]z|yken|ken|[dt][iu]r"
)
# endings of verbs: voice, ability, denial, tense, participle, person
_VERB = _NOUN + "|[iu]l|[iu]s|[iu]t|t|[iu]r|[ae]r|r|y?[ae]b[iu]l|[iu]?yor?|y?[ae]c[ae][kg]|m[ae][kyz]?|y?[iu]p|y?[ae]n|[dt][iu][gk]|m[ae]l[iu]|m[iu]|y?[ae]r[ae]k|k|[iu]nc[ae]|z"
_NOUN_TAIL = re.compile(f"(?:{_NOUN})*")
_VERB_TAIL = re.compile(f"(?:{_VERB})*")
# after the denying -ma/-me/-mı-: only what a verb can have, so that `ödeme`, `ödemeden`, `beklemesi` stay nouns
_DENIAL = (
    r"m(?:[iu]yo(?:r\w*)?|[ae]d[iu](?:[mnkl]\w*|ys?\w*|g\w*)?|[ae]m[iu]s\w*|[ae]z(?:d[iu]\w*|s[ae]\w*|s[iu]n\w*|l[ae]r\w*|m[iu]s\w*|ken)?|[ae]y[ae]c[ae][kg]\w*|[ae]y[ae]n\w*|"
    r"[ae]y[iu]n(?:[iu]z)?|[ae]s[iu]n(?:l[ae]r)?|[ae]y[iu]z|[ae]m(?:[ae]k\w*|[ae]l[iu]\w*|[ae]s[iu]\w*)?|[ae]s[ae](?:y?d[iu]\w*|[mkn]|l[ae]r)?|[ae]y[iu]p|[ae]y[iu]nc[ae]|[ae]y[ae]l[iu]m)"
)
_VOICE = r"(?:[iu]?[lnt]|[iu]?s|[dt][iu]r|[iu]r|y?[ae])*"
_DENIED_TAIL = re.compile(_VOICE + _DENIAL)
_DENIED_WORD = re.compile(r"\w+?" + _DENIAL)
# verbs whose root ends in m, and words that only look like a denial
_NO_DENIAL = re.compile(
    r"(?:emiyor|gomuyor|yumuyor|namaz|temaz|tamam|hamam|makam|akam|zamam|imam|adam|ekrem|madem|mamam|meme|problem|sistem|mukemm|tamamiyla|"
    r"dolmam|erkam|bayram|anlam[iae]|islem|eylem|yontem|onlem|gozlem|dugum|acmaz(?:i|lik)|cikmaz[ai]|vazgecilmez|olmazsa|bitmez|solmaz|yaramaz|kacinilmaz|"
    r"firmam|markam|almam[iau]|kamam|elemaniz)\w*"
)


@cache
def _stemmer(language: str) -> Any:
    """The snowball stemmer of a language, loaded once."""
    import snowballstemmer

    return snowballstemmer.stemmer("turkish" if language == "tr" else "english")


@lru_cache(maxsize=65536)
def stem(form: str, language: str) -> str:
    """The stem of one lower-cased word (`Token.form`): `müşterilerimizin` → `müşteri`, `crashes` → `crash`."""
    bare = form.split("'")[0] if language == "tr" else form.removesuffix("'s")
    if language == "tr":
        # the stemmer wants Turkish letters; a word without them loses its endings all the same where the harmony allows
        return str(_stemmer("tr").stemWord(bare))
    return str(_stemmer("en").stemWord(bare))


@lru_cache(maxsize=65536)
def is_denied_verb(plain: str) -> bool:
    """Whether a folded Turkish word is a verb that denies: `calismiyor`, `gelmedi`, `etmem`; not `odeme`, `bekleme`."""
    return _DENIED_WORD.fullmatch(plain) is not None and _NO_DENIAL.fullmatch(plain) is None


def denies_after(plain: str, root: str) -> bool:
    """Whether the folded word is the verb root with a denial: (`begenmedim`, `begen`)."""
    return _DENIED_TAIL.fullmatch(plain, len(root)) is not None


@lru_cache(maxsize=65536)
def is_form_of(plain: str, root: str, verb: bool = False) -> bool:
    """Whether a folded Turkish word is the folded root with endings (softened k, ç, p, t at its end included)."""
    tail = _VERB_TAIL if verb else _NOUN_TAIL
    if plain.startswith(root):
        return tail.fullmatch(plain, len(root)) is not None
    softened = root[:-1] + {"k": "g", "p": "b", "t": "d"}.get(root[-1:], "\0")
    return plain.startswith(softened) and len(plain) > len(root) and tail.fullmatch(plain, len(root)) is not None


@lru_cache(maxsize=8192)
def root_of(term: str) -> tuple[str, bool]:
    """The folded root a Turkish search term stands for, and whether it is a verb: `beklemek` → (`bekle`, True)."""
    plain = fold(lower(term, "tr"))
    if plain.endswith(("mek", "mak")) and len(plain) > 5 and plain not in ("ekmek", "yemek", "parmak", "kaymak", "irmak"):
        return plain[:-3], True
    return plain, False
