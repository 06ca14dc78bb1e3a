"""A small query language for topics: what a saved query finds in a text, and what is said of it there. Pure.

    price AND (expensive OR "too much") NOT discount
    support NEAR slow          both within five words, in any order
    support NEAR/10 slow       within ten
    "customer service"         these words in this order
    integrat*                  words that begin so

A term finds all forms of its word: `invoice` finds `invoices`, the Turkish `fatura` finds `faturalarımızda`, `beklemek` finds
`beklettiniz`. Words side by side mean AND; NOT binds closest, then NEAR, AND, OR. Turkish operators: VE, VEYA, DEĞİL, YAKIN.
Operators are written in capitals. Turkish letters and their plain ones are the same.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from accounts.text.sentiment import Evidence, Sentiment, evidence_of, summed
from accounts.text.stems import is_form_of, root_of, stem
from accounts.text.tokens import EMOJI, EMOTICON, MARK, NUMBER, WORD, Token, tokens_of

LONGEST = 4000  # signs of a query
DEEPEST = 40  # parentheses and NOTs in one another
NEAR = 5  # words apart

AND, OR, NOT, NEAR_SIGN = "AND", "OR", "NOT", "NEAR"
_OPERATORS = {"AND": AND, "VE": AND, "OR": OR, "VEYA": OR, "NOT": NOT, "DEĞİL": NOT, "DEGIL": NOT, "NEAR": NEAR_SIGN, "YAKIN": NEAR_SIGN}
_TURKISH_OPERATORS = frozenset({"VE", "VEYA", "DEĞİL", "DEGIL", "YAKIN"})
_LEXEMES = re.compile(r"\s+|(?P<open>\()|(?P<close>\))|(?P<quote>\"[^\"]*\"?|“[^”]*”?)|(?P<near>(?:NEAR|YAKIN)/(?P<distance>\d*))|(?P<word>[^\s()\"“”]+)")

Span = tuple[int, int]


class QueryError(ValueError):
    """A query that cannot be read: `position` (0-based, in signs), `expected` and `found` as codes; the text is English.

    Codes of `expected`: `term`, `close` (a closing parenthesis), `quote`, `operator`, `distance`, `shorter`, `flatter`, `positive` (a
    term that is not denied). `found` is the piece of the query, "" at its end.
    """

    def __init__(self, position: int, expected: str, found: str):
        super().__init__(f"Position {position + 1}: expected {_SAID[expected]}, found {repr(found) if found else 'the end'}.")
        self.position = position
        self.expected = expected
        self.found = found


_SAID = {
    "term": "a word, a phrase or an opening parenthesis",
    "close": "a closing parenthesis",
    "quote": "a closing quotation mark",
    "operator": "AND, OR, NEAR or the end",
    "distance": "a distance from 1 to 50 words",
    "shorter": f"a query of at most {LONGEST} signs",
    "flatter": f"at most {DEEPEST} parentheses inside each other",
    "positive": "something to look for beside what must not be there",
}


class Words:
    """A text as queries see it, its words and emoji only, indexed once for all queries of its language."""

    def __init__(self, tokens: Sequence[Token], language: str):
        self.language = language
        self.tokens = [token for token in tokens if token.kind in (WORD, NUMBER, EMOJI, EMOTICON)]
        self.plain: dict[str, list[int]] = {}
        self.stems: dict[str, list[int]] = {}
        self.starts: dict[str, list[int]] = {}
        for place, token in enumerate(self.tokens):
            plain = token.fold.split("'")[0] or token.fold
            for key in {plain, token.fold.replace("'", "")}:
                self.plain.setdefault(key, []).append(place)
            self.starts.setdefault(plain[:2], []).append(place)
            if token.kind == WORD:
                self.stems.setdefault(stem(token.form, language), []).append(place)


@dataclass(frozen=True, slots=True)
class Term:
    """One word in all its forms; with `prefix`, whatever begins so; with `exact`, as it stands."""

    plain: str
    stem: str
    root: str
    verb: bool
    prefix: bool = False
    exact: bool = False

    def places(self, words: Words) -> set[int]:
        """The word numbers where a form of the term stands."""
        found = set(words.plain.get(self.plain, ()))
        if self.exact and not self.prefix:
            return found
        if self.prefix:
            near = words.starts.get(self.plain[:2], ()) if len(self.plain) > 1 else range(len(words.tokens))
            return found | {place for place in near if words.tokens[place].fold.startswith(self.plain)}
        found.update(words.stems.get(self.stem, ()))
        if words.language == "tr" and len(self.root) > 2:
            for place in words.starts.get(self.root[:2], ()):
                if is_form_of(words.tokens[place].fold.split("'")[0], self.root, self.verb):
                    found.add(place)
        return found

    def find(self, words: Words) -> list[Span] | None:
        """Places as word numbers, the second after the last."""
        return [(place, place + 1) for place in sorted(self.places(words))] or None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, as they stand; the last may be a prefix."""

    terms: tuple[Term, ...]

    def find(self, words: Words) -> list[Span] | None:
        """Places of the whole phrase."""
        starts = self.terms[0].places(words)
        for number, term in enumerate(self.terms[1:], start=1):
            if not starts:
                return None
            starts &= {place - number for place in term.places(words)}
        return [(first, first + len(self.terms)) for first in sorted(starts)] or None


@dataclass(frozen=True, slots=True)
class Near:
    """Both sides at most `distance` words apart, in any order."""

    left: Node
    right: Node
    distance: int

    def find(self, words: Words) -> list[Span] | None:
        """Places of both sides, where they are near each other."""
        left, right = self.left.find(words), self.right.find(words)
        found: set[Span] = set()
        for one in left or ():
            for other in right or ():
                if max(one[0], other[0]) - min(one[1], other[1]) < self.distance:
                    found |= {one, other}
        return sorted(found) or None


@dataclass(frozen=True, slots=True)
class Both:
    """AND: all parts; parts that are denied must not be there."""

    parts: tuple[Node, ...]

    def find(self, words: Words) -> list[Span] | None:
        """Places of all parts."""
        found: list[Span] = []
        for part in self.parts:
            places = part.find(words)
            if places is None:
                return None
            found += places
        return sorted(set(found))


@dataclass(frozen=True, slots=True)
class Either:
    """OR: any part."""

    parts: tuple[Node, ...]

    def find(self, words: Words) -> list[Span] | None:
        """Places of the parts that are there."""
        answers = [places for part in self.parts if (places := part.find(words)) is not None]
        return sorted({place for places in answers for place in places}) if answers else None


@dataclass(frozen=True, slots=True)
class Denied:
    """NOT: there where the part is not; it has no place of its own."""

    part: Node

    def find(self, words: Words) -> list[Span] | None:
        """No places, or None where the part is there."""
        return [] if self.part.find(words) is None else None


Node = Term | Phrase | Near | Both | Either | Denied


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled query of one language."""

    text: str
    language: str
    root: Node

    def find(self, tokens: Sequence[Token] | Words) -> list[Span] | None:
        """The places (start, end) in the text that make it match, in order, not overlapping; None where it does not match.

        Many queries on one text: make `Words(tokens, language)` once and hand it to all of them.
        """
        words = tokens if isinstance(tokens, Words) else Words(tokens, self.language)
        places = self.root.find(words)
        if not places:
            return None
        merged: list[Span] = []
        for first, last in sorted(places):
            start, end = words.tokens[first].start, words.tokens[last - 1].end
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


@lru_cache(maxsize=512)
def compile_query(text: str, language: str) -> Query:
    """Reads a query; raises QueryError. The same query is read once."""
    if len(text) > LONGEST:
        raise QueryError(LONGEST, "shorter", text[LONGEST : LONGEST + 10])
    return Query(text, language, _Parser(text, language).whole())


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str  # open, close, quote, word, AND, OR, NOT, NEAR, end
    shown: str
    place: int
    distance: int = NEAR


class _Parser:
    """Recursive descent; one method a level of binding."""

    def __init__(self, text: str, language: str):
        self.language = language
        self.lexemes = [*_lexemes(text, language), _Lexeme("end", "", len(text))]
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> _Lexeme:
        return self.lexemes[self.at]

    def whole(self) -> Node:
        node = self.either()
        if self.next.kind != "end":
            raise QueryError(self.next.place, "operator", self.next.shown)
        if not _looks_for(node):
            raise QueryError(0, "positive", self.lexemes[0].shown)
        return node

    def either(self) -> Node:
        parts = [self.both()]
        while self.next.kind == OR:
            self.at += 1
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self) -> Node:
        parts = [self.near()]
        while self.next.kind not in (OR, "close", "end"):
            if self.next.kind == AND:
                self.at += 1
            parts.append(self.near())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def near(self) -> Node:
        node = self.denied()
        while self.next.kind == NEAR_SIGN:
            sign = self.next
            self.at += 1
            node = Near(node, self.denied(), sign.distance)
        return node

    def denied(self) -> Node:
        if self.next.kind == NOT:
            place = self.next
            self._down(place)
            self.at += 1
            part = self.denied()
            self.depth -= 1
            return part.part if isinstance(part, Denied) else Denied(part)
        return self.atom()

    def atom(self) -> Node:
        lexeme = self.next
        if lexeme.kind == "open":
            self._down(lexeme)
            self.at += 1
            node = self.either()
            if self.next.kind != "close":
                raise QueryError(self.next.place, "close", self.next.shown)
            self.at += 1
            self.depth -= 1
            return node
        if lexeme.kind == "word":
            self.at += 1
            return self._word(lexeme)
        if lexeme.kind == "quote":
            self.at += 1
            return self._phrase(lexeme)
        raise QueryError(lexeme.place, "term", lexeme.shown)

    def _down(self, lexeme: _Lexeme) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryError(lexeme.place, "flatter", lexeme.shown)

    def _word(self, lexeme: _Lexeme) -> Node:
        prefix = lexeme.shown.endswith("*")
        pieces = [token for token in tokens_of(lexeme.shown.rstrip("*"), self.language) if token.kind != MARK]
        if not pieces:
            raise QueryError(lexeme.place, "term", lexeme.shown)
        if len(pieces) == 1:
            return _term(pieces[0], self.language, prefix=prefix)
        # sign-up, e-posta: several words to a text
        last = len(pieces) - 1
        return Phrase(tuple(_term(piece, self.language, prefix=prefix and number == last) for number, piece in enumerate(pieces)))

    def _phrase(self, lexeme: _Lexeme) -> Node:
        inside = lexeme.shown[1:]
        if not inside.endswith(('"', "”")):
            raise QueryError(lexeme.place + len(lexeme.shown), "quote", "")
        pieces = [token for token in tokens_of(inside[:-1].rstrip("*"), self.language) if token.kind != MARK]
        if not pieces:
            raise QueryError(lexeme.place, "term", lexeme.shown)
        prefix, last = inside[:-1].endswith("*"), len(pieces) - 1
        return Phrase(tuple(_term(piece, self.language, prefix=prefix and number == last, exact=True) for number, piece in enumerate(pieces)))


def _term(token: Token, language: str, *, prefix: bool = False, exact: bool = False) -> Term:
    root, verb = root_of(token.form) if language == "tr" and not prefix and not exact else (token.fold, False)
    plain = token.fold.replace("'", "") if exact else token.fold.split("'")[0]
    return Term(plain or token.fold, "" if exact or prefix else stem(token.form, language), root, verb, prefix, exact)


def _lexemes(text: str, language: str) -> list[_Lexeme]:
    found = []
    for piece in _LEXEMES.finditer(text):
        kind, shown, place = piece.lastgroup, piece.group(), piece.start()
        if kind is None:
            continue
        if piece.group("near"):
            number = piece.group("distance")
            if not number or len(number) > 2 or not 1 <= int(number) <= 50:
                raise QueryError(place, "distance", shown)
            found.append(_Lexeme(NEAR_SIGN, shown, place, int(number)))
        elif kind == "word" and shown in _OPERATORS and (language == "tr" or shown not in _TURKISH_OPERATORS):
            found.append(_Lexeme(_OPERATORS[shown], shown, place))
        else:
            found.append(_Lexeme(kind, shown, place))
    return found


def _looks_for(node: Node) -> bool:
    """Whether a match always has a place: a query of denials only would match every text that says nothing."""
    if isinstance(node, Denied):
        return False
    if isinstance(node, Either):
        return all(_looks_for(part) for part in node.parts)
    if isinstance(node, Both):
        return any(_looks_for(part) for part in node.parts)
    if isinstance(node, Near):
        return _looks_for(node.left) and _looks_for(node.right)
    return True


_BREAKS = frozenset(".!?;…\n<")
_TURNS = {
    "en": frozenset({"but", "however", "although", "though", "yet", "except"}),
    "tr": frozenset({"ama", "fakat", "ancak", "lakin", "yalniz", "oysa", "halbuki", "ragmen"}),
}


def topic_sentiment(text: str, language: str, spans: Sequence[Span], tokens: Sequence[Token] | None = None, said: Sequence[Evidence] | None = None) -> Sentiment:
    """The sentiment of the clauses around the places a topic was found at: a sentence, cut at its "but" (`ama`).

    `tokens` and `said` (the evidence of the whole text) spare reading the text again for each of its topics.
    """
    tokens = tokens_of(text, language) if tokens is None else tokens
    turns = _TURNS.get(language, frozenset())
    cuts = [0, *(token.end if token.kind == MARK else token.start for token in tokens if (token.kind == MARK and token.form[0] in _BREAKS) or token.fold in turns), len(text) + 1]
    clauses = {(cuts[number - 1], cuts[number]) for start, _end in spans if (number := bisect_left(cuts, start + 1)) < len(cuts)}
    said = evidence_of(list(tokens), language) if said is None else said
    return summed(tuple(item for item in said if any(first <= item.start < last for first, last in clauses)))
