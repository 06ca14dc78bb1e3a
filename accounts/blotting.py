"""Finding what identifies a person in free text, so that it can be blotted out. Pure.

Two patterns of PostgreSQL's regular expressions: `anywhere` (addresses and the full name, in any case)
and `nearby` (single names of four letters and more, as written or in capitals), which is for texts about
the person's own account alone: many people share a first name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.collation import search_key

BLOT = "•••"
# matches nothing
NOTHING = "(?=a)b"
# what a name may not touch on either side; spelled out, because a database in the C locale knows no letters beyond ASCII
_LETTER = "[A-Za-zÀ-ɏ]"
_CAPITALS = str.maketrans({"i": "İ", "ı": "I"})
_SMALL = str.maketrans({"İ": "i", "I": "ı"})
_SHORTEST_NAME = 4


@dataclass(frozen=True)
class Patterns:
    """What to look for: the address alone, what identifies by itself, single names, and the last two in folded letters."""

    addresses: str
    anywhere: str
    nearby: str
    folded: str


def patterns_of(*, addresses: Iterable[str], names: Iterable[str]) -> Patterns:
    """The patterns of a person's addresses and names."""
    mailboxes = {address.strip() for address in addresses if address.strip()}
    full = {" ".join(name.split()) for name in names if len(name.split()) > 1}
    single = {word for name in names for word in re.split(r"[\s,;]+", name) if len(word) >= _SHORTEST_NAME and any(sign.isalpha() for sign in word)}
    strong = mailboxes | {variant for name in full for variant in _variants(name)}
    weak = {variant for word in single for variant in _variants(word)}
    folded = {search_key(word) for word in full | single | mailboxes}
    # single names in small letters are too often other words
    weak -= {word.lower() for word in weak}
    return Patterns(addresses=_any(mailboxes), anywhere=_any(strong), nearby=_any(weak, whole=True), folded=_any(folded - {""}, whole=True))


def _variants(word: str) -> set[str]:
    """The spellings of a name: capitals and small letters as Turkish has them, and as everybody else does."""
    return {word, word.upper(), word.lower(), word.translate(_CAPITALS).upper(), word.translate(_SMALL).lower()}


def _any(words: set[str], *, whole: bool = False) -> str:
    """An alternation of the words, the longest first, also as JSON spells them."""
    spelled = words | {json.dumps(word, ensure_ascii=False)[1:-1] for word in words}
    if not spelled:
        return NOTHING
    parts = "|".join(re.sub(r"([^\w\s])", r"\\\1", word).replace(" ", r"\s+") for word in sorted(spelled, key=lambda word: (-len(word), word)))
    return f"(?<!{_LETTER})({parts})(?!{_LETTER})" if whole else f"({parts})"
