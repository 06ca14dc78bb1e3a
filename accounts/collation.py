"""Letters: the order of the Turkish alphabet and a folding for search, without ICU.

PostgreSQL as it is embedded has no ICU collations, so the order and the folding are stored as
columns (`name_sort`, `name_search`). Pure.
"""

from __future__ import annotations

import unicodedata

# The Turkish alphabet, with q, w, x where Turkish dictionaries put them. English names sort as usual.
_ALPHABET = "abcçdefgğhıijklmnoöpqrsştuüvwxyz"
_RANK = {letter: chr(0x100 + index) for index, letter in enumerate(_ALPHABET)}
_LOWER = str.maketrans({"İ": "i", "I": "ı"})
_FOLD = str.maketrans({"ı": "i", "İ": "i", "I": "i", "ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "œ": "oe", "þ": "th", "ð": "d"})


def sort_key(text: str) -> str:
    """A text whose byte order (collation C) is the order of the Turkish alphabet.

    Case does not matter; accents that are no Turkish letter fall back to their base letter;
    digits come before letters; other signs become one space.
    """
    key = []
    for sign in unicodedata.normalize("NFC", text).translate(_LOWER).lower():
        if sign in _RANK:
            key.append(_RANK[sign])
            continue
        base = unicodedata.normalize("NFD", sign)[0]
        if base in _RANK:
            key.append(_RANK[base])
        elif base.isdigit():
            key.append(base)
        elif base.isalpha():
            key.append("ɐ" + base)
        elif key and key[-1] != " ":
            key.append(" ")
    return "".join(key).strip()


def search_key(text: str) -> str:
    """A folded text for searching: İ I ı i are one letter, no accents, lower case, single spaces."""
    folded = unicodedata.normalize("NFKD", text.translate(_FOLD))
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return " ".join(plain.translate(_FOLD).lower().split())
