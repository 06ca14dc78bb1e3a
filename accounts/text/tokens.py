"""Words, numbers, emoji and marks of a text, each with its place in the original. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

WORD, NUMBER, EMOJI, EMOTICON, MARK = "word", "number", "emoji", "emoticon", "mark"

# skin tones, joiners and variation signs belong to the emoji before them
_EMOJI = r"[\u2600-\u27bf\u2b50\u2b55\u2190-\u21ff\U0001f000-\U0001faff](?:[\ufe0f\u200d\U0001f3fb-\U0001f3ff]|(?<=\u200d)[\u2600-\u27bf\U0001f000-\U0001faff])*"
# the nose may be missing; a bracket may be repeated; not inside a word or a time (12:30)
_EMOTICON = r"(?:(?<![\w])(?:[:;=]['’]?-?[\)\(\]\[DPp/|]+|<3|[xX]D)(?!\w))|:\)+|:\(+"
_PIECES = re.compile(
    rf"(?P<emoticon>{_EMOTICON})|(?P<emoji>{_EMOJI})|(?P<number>\d+(?:[.,:]\d+)*)|(?P<word>[^\W\d_]\u0307?(?:[^\W\d_]|\u0307)*(?:['’‘`\ufffd][^\W\d_]+)*)|(?P<mark>\.{{2,}}|…|<br\s*/?>|\n+|[^\w\s])",
    re.IGNORECASE,
)
_TURKISH = str.maketrans({"I": "ı", "İ": "i"})
_FOLD = str.maketrans("çğıöşüâîûÇĞİÖŞÜ’‘`\ufffd", "cgiosuaiucgiosu''''")
_APOSTROPHE = str.maketrans("’‘`\ufffd", "''''")
_THREE = re.compile(r"(\w)\1{2,}")
_DOUBLE = re.compile(r"([oe])\1{2,}(?=[dlkptmns])")


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a text: `text[start:end]` of the original, lower-cased by its language (`form`) and folded to plain letters (`fold`)."""

    start: int
    end: int
    form: str
    fold: str
    kind: str  # WORD, NUMBER, EMOJI, EMOTICON or MARK


def lower(text: str, language: str) -> str:
    """Lower case as the language has it: in Turkish I becomes ı and İ becomes i; elsewhere I becomes i, and no letter becomes two."""
    text = text.replace("i̇", "i").replace("İ", "i")
    return (text.translate(_TURKISH) if language == "tr" else text).lower().replace("i̇", "i")


@lru_cache(maxsize=32768)
def fold(form: str) -> str:
    """Lower-cased letters without dots, tails and accents: `şikâyet` and `sikayet` are one, and so are ı and i."""
    plain = form.translate(_FOLD)
    if plain.isascii():
        return plain.lower()
    return "".join(sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign)).translate(_FOLD).lower()


def shortened(form: str, language: str) -> str:
    """A word without its emphasis: three and more of a letter become one (`çoook`, `soooo`), or two where English writes two (`goood`)."""
    return _THREE.sub(r"\1", form if language == "tr" else _DOUBLE.sub(r"\1\1", form))


@lru_cache(maxsize=32768)
def _forms(word: str, language: str) -> tuple[str, str]:
    # an apostrophe, curly or lost on the way here, is one sign
    form = shortened(lower(word, language), language).translate(_APOSTROPHE)
    return form, fold(form)


def tokens_of(text: str, language: str) -> list[Token]:
    """The tokens of a text in order, not overlapping; elongated words (`çoook`) are shortened in `form` and `fold`, not in the place."""
    found = []
    for piece in _PIECES.finditer(text):
        kind = piece.lastgroup or MARK
        shown = piece.group()
        form, plain = _forms(shown, language) if kind == WORD else (shown, shown)
        found.append(Token(piece.start(), piece.end(), form, plain, kind))
    return found
