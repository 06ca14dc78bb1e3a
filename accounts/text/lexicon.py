"""How word lists are written down and looked up; the lists themselves are in `lexicon_en.py` and `lexicon_tr.py`. Pure.

English: a word stands for all words of its stem; `=word` for itself alone. Turkish (folded letters): a word stands for itself with
endings of nouns; `root-` is a verb root, which a denial turns round; `=word` stands for itself; `root*` for whatever follows;
a word with Turkish letters for itself alone (`şık`, not `sık`).
A phrase is a line of such words: `a|b` either, `_` up to two words of any kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accounts.text.stems import denies_after, is_denied_verb, is_form_of, stem
from accounts.text.tokens import WORD, Token

_SPACE = re.compile(r"\s+")
GAP = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """Tokens `first` up to (not including) `last` have a weight; `turned` where the word itself denies (`beğenmedim`)."""

    first: int
    last: int
    weight: float
    turned: bool = False
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """An entry of the Turkish list; `denied` is the weight of the denied verb."""

    weight: float
    kind: str  # noun, verb, exact, any
    denied: float = 0.0


@dataclass(slots=True)
class WordList:
    """The words and phrases of one language, ready to be looked up."""

    language: str
    forms: dict[str, float] = field(default_factory=dict)
    exact: dict[str, float] = field(default_factory=dict)
    stems: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    roots: dict[str, list[Root]] = field(default_factory=dict)
    phrases: dict[str, list[tuple[tuple[tuple[str, ...], ...], float]]] = field(default_factory=dict)
    # of each word met: the phrases that may begin with it, and what it says by itself
    begins: dict[str, list[tuple[tuple[tuple[str, ...], ...], float]]] = field(default_factory=dict)
    known: dict[str, tuple[float, bool] | None] = field(default_factory=dict)

    def word(self, token: Token) -> tuple[float, bool] | None:
        """Weight of one word and whether it denies itself; None for a word that says nothing."""
        key = token.form if self.language == "en" else token.fold
        if token.form in self.forms:
            return self.forms[token.form], False
        if key not in self.known:
            if len(self.known) > 50_000:
                self.known.clear()
            self.known[key] = self._english(key) if self.language == "en" else self._turkish(key)
        return self.known[key]

    def _english(self, form: str) -> tuple[float, bool] | None:
        weight = self.exact.get(form, 0.0)
        if form not in self.exact:
            # a form begins as the word of the list does: `using` is no form of `useful`, `wonder` none of `wonderful`
            weight = next((listed for word, listed in self.stems.get(stem(form, "en"), ()) if form.startswith(word[:-1])), 0.0)
        return (weight, False) if weight else None

    def _turkish(self, plain: str) -> tuple[float, bool] | None:
        plain = plain.split("'")[0]
        found = self._root(plain)
        if found is None and len(plain) > 4 and plain[-1] == plain[-2]:
            # berbatt, superr
            found = self._root(plain[:-1])
        return found

    def _root(self, plain: str) -> tuple[float, bool] | None:
        if plain in self.exact:
            weight = self.exact[plain]
            return (weight, False) if weight else None
        for length in range(len(plain), 1, -1):
            for ending in ("", "k", "p", "t"):
                # the last letter of a root softens before a vowel: k g, p b, t d
                root = plain[:length] if not ending else plain[: length - 1] + ending
                if ending and (length == len(plain) or plain[length - 1] != {"k": "g", "p": "b", "t": "d"}[ending]):
                    continue
                for entry in self.roots.get(root, ()):
                    if entry.kind == "verb" and denies_after(plain, root):
                        return (entry.denied, True) if entry.denied else None
                    if (entry.kind == "any" or is_form_of(plain, root, entry.kind == "verb")) and entry.weight:
                        return entry.weight, False
        return None

    def phrase_at(self, tokens: list[Token], place: int) -> Hit | None:
        """The longest phrase that starts at a token."""
        token = tokens[place]
        if token.kind != WORD:
            return None
        shown = token.form if self.language == "en" else token.fold
        if shown not in self.begins:
            if len(self.begins) > 50_000:
                self.begins.clear()
            keys = {_key(token, self.language), "=" + shown, shown[:3] + "*"}
            self.begins[shown] = [phrase for key in sorted(keys) for phrase in self.phrases.get(key, ())]
        best = None
        for elements, weight in self.begins[shown]:
            last = self._follow(tokens, place, elements)
            if last and (best is None or last > best.last):
                best = Hit(place, last, weight, phrase=True)
        return best

    def _follow(self, tokens: list[Token], place: int, elements: tuple[tuple[str, ...], ...]) -> int:
        """The token after the phrase, 0 where it does not stand here."""
        at = place
        for number, element in enumerate(elements):
            if element == ("_",):
                for skip in range(GAP + 1):
                    if at + skip < len(tokens) and all(token.kind == WORD for token in tokens[at : at + skip]):
                        last = self._follow(tokens, at + skip, elements[number + 1 :])
                        if last:
                            return last
                return 0
            if at >= len(tokens) or not self._is(tokens[at], element):
                return 0
            at += 1
        return at

    def _is(self, token: Token, element: tuple[str, ...]) -> bool:
        if token.kind != WORD:
            return False
        key, form = _key(token, self.language), token.form if self.language == "en" else token.fold
        for choice in element:
            if choice == "NOT":
                if is_denied_verb(token.fold):
                    return True
            elif choice.startswith("="):
                if form == choice[1:]:
                    return True
            elif choice.endswith("*"):
                # `ed*` is no `edilmez`: a denial is asked for by name (`etm*`)
                if form.startswith(choice[:-1]) and (self.language == "en" or choice[-2] == "m" or not is_denied_verb(form)):
                    return True
            elif choice == key:
                return True
        return False


def _key(token: Token, language: str) -> str:
    return stem(token.form, "en") if language == "en" else token.fold


def word_list(language: str, words: Mapping[float, str], phrases: Mapping[float, Iterable[str] | str], denied: Mapping[float, str] | None = None) -> WordList:
    """Reads lists `{weight: words}` and `{weight: lines of phrases}`; `denied` gives verbs the weight they have when denied."""
    made = WordList(language)
    for weight, text in words.items():
        for word in text.split():
            if not word.isascii():
                made.forms[word] = weight
            elif word.startswith("="):
                made.exact[word[1:]] = weight
            elif language == "en":
                made.stems.setdefault(stem(word, "en"), []).append((word, weight))
            elif word.endswith("-"):
                made.roots.setdefault(word[:-1], []).append(Root(weight, "verb", -weight))
            elif word.endswith("*"):
                made.roots.setdefault(word[:-1], []).append(Root(weight, "any"))
            else:
                made.roots.setdefault(word, []).append(Root(weight, "noun"))
    for weight, text in (denied or {}).items():
        for word in text.split():
            made.roots.setdefault(word.removesuffix("-"), []).insert(0, Root(0.0, "verb", weight))
    for weight, lines in phrases.items():
        for line in lines.strip().splitlines() if isinstance(lines, str) else lines:
            _add_phrase(made, _SPACE.split(line.strip()), weight)
    return made


def _add_phrase(made: WordList, words: list[str], weight: float) -> None:
    elements = []
    for word in words:
        choices = word.split("|")
        if made.language == "en":
            choices = [choice if choice.startswith("=") or choice.endswith("*") or choice in ("_", "NOT") else stem(choice, "en") for choice in choices]
        elements.append(tuple(choices))
    for choice in elements[0]:
        key = choice[:3] + "*" if choice.endswith("*") else choice
        made.phrases.setdefault(key, []).append((tuple(elements), weight))


def words_of(text: str) -> frozenset[str]:
    """The words of a list written as one text."""
    return frozenset(text.split())
