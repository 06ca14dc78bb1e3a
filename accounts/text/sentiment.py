"""Sentiment by word lists and rules, with the words that decided. Pure.

How a text is read: words and phrases of the list have weights; denials turn them round within their clause; intensifiers stretch
them; after "but" (`ama`) a clause weighs more, before it less; emoji speak for themselves. An answer is also read by its question:
"nothing" praises where we asked what to improve, and a suggestion that was asked for is no complaint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

from accounts.text import lexicon_en, lexicon_tr
from accounts.text.lexicon import Hit
from accounts.text.stems import is_denied_verb
from accounts.text.tokens import EMOJI, EMOTICON, MARK, WORD, Token, fold, lower, tokens_of

# counts the changes of rules and word lists: a verbatim read by an older one is read again
READER = 1
POSITIVE, NEGATIVE, NEUTRAL, MIXED = "positive", "negative", "neutral", "mixed"
# what the question before a text asked for
ASKED_PRAISE, ASKED_BLAME = "praise", "blame"
# why a word weighs what it does: from the list, turned by a denial, an emoji, a wish, an answer to the question, a verb that denies
LISTED, TURNED, SIGN, ANSWER, DENIED, WISHED = "listed", "turned", "sign", "answer", "denied", "wished"
_WISHED_GOOD = 0.2

# a denied good word is nearly bad; a denied bad word is only a little good
_TURN_GOOD, _TURN_BAD = -0.8, -0.5
_REACH = 4
_AFTER, _BEFORE = 1.5, 0.6
# how much weight makes a text half sure
_HALF = 2.0
_MIXED = 0.5
_NEUTRAL = 0.12

_EMOJI = {
    sign: weight
    for weight, signs in {
        2.0: "😀😃😄😁😊🙂😍🥰😘🤩👍👏🙏💯❤♥💚💙💜🧡💛🎉🥳😎🤗✅⭐🌟💪🌹👌🔥😇☺🏆✨",
        -2.0: "😞😟😠😡🤬👎😢😭😤😒🙁☹😩😫💩🤮😔😕😖😣😑🤢❌💔😾🙄😬😱",
    }.items()
    for sign in signs
}


class Evidence(NamedTuple):
    """Words that decided: `text[start:end]`, their weight (positive speaks well), and why as a code."""

    start: int
    end: int
    weight: float
    why: str


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What a text says: score from -1 to 1, label, and the words that decided."""

    score: float
    label: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """Tokens `first` up to `last` of one clause, and how much it weighs."""

    first: int
    last: int
    weight: float


def sentiment_of(text: str, language: str, asked: str = "") -> Sentiment:
    """The sentiment of a text in `en` or `tr`; in another language only emoji speak. `asked`: see `asked_of`."""
    tokens = tokens_of(text, language)
    evidence = tuple(evidence_of(tokens, language, asked))
    return summed(evidence)


def summed(evidence: tuple[Evidence, ...]) -> Sentiment:
    """A score and a label out of evidence."""
    good = sum(item.weight for item in evidence if item.weight > 0)
    bad = -sum(item.weight for item in evidence if item.weight < 0)
    total = good - bad
    score = round(total / math.sqrt(total * total + _HALF * _HALF), 4) if evidence else 0.0
    if good >= 1 and bad >= 1 and min(good, bad) >= _MIXED * max(good, bad):
        label = MIXED
    elif abs(score) < _NEUTRAL:
        label = NEUTRAL
    else:
        label = POSITIVE if score > 0 else NEGATIVE
    return Sentiment(score, label, evidence)


# a text so short that names nothing bad ("Nothing.", "Courtyard") is content; who writes more without a word of praise tells of trouble
_SHORT = 4


def leans_positive(said: Sentiment, text: str, asked: str = "") -> bool:
    """Good or bad, where a figure needs one of the two. A text that says neither: good if we asked for praise or it is short, else bad."""
    if said.score:
        return said.score > 0
    return asked == ASKED_PRAISE or sum(token.kind == WORD for token in tokens_of(text, "en")) <= _SHORT


def asked_of(question: str, language: str) -> str:
    """Whether a question asks for praise ("What was good?"), for blame ("How could we improve?"), or for neither or both ("")."""
    lists = _lists(language)
    if lists is None:
        return ""
    plain = fold(lower(question, language))
    blame, praise = any(word in plain for word in lists.ASKS_BLAME), any(word in plain for word in lists.ASKS_PRAISE)
    if blame == praise:
        return ""
    return ASKED_BLAME if blame else ASKED_PRAISE


def evidence_of(tokens: list[Token], language: str, asked: str = "") -> list[Evidence]:
    """The words of a text that say something, in order, with the weight they have where they stand."""
    lists = _lists(language)
    found = [Evidence(token.start, token.end, _sign(token), SIGN) for token in tokens if token.kind in (EMOJI, EMOTICON) and _sign(token)]
    if lists is None:
        return found
    bare = _bare_answer(tokens, lists, asked)
    if bare:
        return [*found, bare] if asked else found
    if asked and (opening := _opening_answer(tokens, lists, asked)):
        found.append(opening)
    for clause in clauses_of(tokens, lists):
        for hit, why in _weighed(tokens, clause, lists, language, asked):
            weight = round(hit.weight * clause.weight, 3)
            if asked == ASKED_BLAME and weight < 0:
                weight = round(weight * _ASKED_FOR, 3)
            if weight:
                found.append(Evidence(tokens[hit.first].start, tokens[hit.last - 1].end, weight, why))
    return sorted(found)


# a fault named because we asked for faults
_ASKED_FOR = 1.0


def _lists(language: str) -> ModuleType | None:
    return {"en": lexicon_en, "tr": lexicon_tr}.get(language)


def _sign(token: Token) -> float:
    if token.kind == EMOJI:
        return _EMOJI.get(token.form[0], 0.0)
    if token.form[-1] in ")]DdPp3":
        return 1.5
    return -1.5 if token.form[-1] in "([/|" else 0.0


def _bare_answer(tokens: list[Token], lists: ModuleType, asked: str) -> Evidence | None:
    """An answer of one word or two: "Nothing." to a question for faults praises, to a question for praise it blames."""
    words = [token for token in tokens if token.kind == WORD]
    if not words or len(words) > 6:
        return None
    said = {word.fold for word in words}
    if said <= lists.EMPTY:
        return Evidence(words[0].start, words[-1].end, 2.0 if asked == ASKED_BLAME else -2.0, ANSWER)
    if said <= lists.EVERYTHING:
        return Evidence(words[0].start, words[-1].end, -2.0 if asked == ASKED_BLAME else 2.0, ANSWER)
    return None


def _opening_answer(tokens: list[Token], lists: ModuleType, asked: str) -> Evidence | None:
    """An answer that begins with "Nothing" or "Everything." and goes on."""
    if len(tokens) < 2 or tokens[0].kind != WORD:
        return None
    first = tokens[0]
    if first.fold in lists.OPENS_EMPTY and tokens[1].fold not in lists.CLOSES_EMPTY:
        return Evidence(first.start, first.end, 1.5 if asked == ASKED_BLAME else -1.5, ANSWER)
    if first.fold in lists.EVERYTHING and tokens[1].kind == MARK:
        return Evidence(first.start, first.end, -1.5 if asked == ASKED_BLAME else 1.5, ANSWER)
    return None


def clauses_of(tokens: list[Token], lists: ModuleType) -> list[Clause]:
    """Sentences cut at their contrasts: after "but" a clause weighs more, before it less."""
    clauses: list[Clause] = []
    sentence: list[int] = [0]
    turns: list[str] = [""]

    def close(end: int) -> None:
        bounds = [*sentence, end]
        for number, (first, last) in enumerate(pairwise(bounds)):
            weight = 1.0
            if turns[number]:
                weight = _BEFORE if turns[number] in lists.CONCESSIONS else _AFTER
            elif len(sentence) > 1:
                weight = _BEFORE if turns[1] not in lists.CONCESSIONS else _AFTER
            if last > first:
                clauses.append(Clause(first, last, weight))
        sentence[:] = [end]
        turns[:] = [""]

    for place, token in enumerate(tokens):
        if token.kind == MARK and token.form[0] in ".!?;…\n<":
            close(place + 1)
        elif token.kind == WORD and (token.form in lists.CONTRASTS or token.fold in lists.CONTRASTS):
            if place == sentence[-1]:
                turns[-1] = token.fold
            else:
                sentence.append(place)
                turns.append(token.fold)
    close(len(tokens))
    return clauses


def _weighed(tokens: list[Token], clause: Clause, lists: ModuleType, language: str, asked: str) -> list[tuple[Hit, str]]:
    hits = _hits(tokens, clause, lists)
    if language == "tr":
        return _turkish(tokens, clause, hits, lists)
    return _english(tokens, clause, hits, lists, asked)


def _english(tokens: list[Token], clause: Clause, hits: list[Hit], lists: ModuleType, asked: str) -> list[tuple[Hit, str]]:
    """English denies before the word (`not very helpful`), within four words and no mark between."""
    result = []
    used: set[int] = set()
    wish = _wish(tokens, clause, hits, lists, asked)
    if wish is not None:
        result.append((Hit(wish, wish + 1, lists.WISH), WISHED))
    for hit in hits:
        weight, why, first = hit.weight, LISTED, hit.first
        if wish is not None and weight > 0:
            # what is wished for is not there
            weight *= _WISHED_GOOD
        denied, over = False, _denies_itself(tokens, hit, lists)
        for reach, place in enumerate(range(hit.first - 1, max(clause.first, hit.first - _REACH) - 1, -1)):
            token = tokens[place]
            if token.kind == MARK and token.form in ",:()-":
                break
            if token.form in lists.INTENSIFIERS and reach < 2:
                weight *= lists.INTENSIFIERS[token.form]
            elif token.form in lists.NEGATORS and not over and not _inside(hits, place):
                denied = not denied
                first = place
                used.add(place)
            elif denied:
                # a second denial turns back only where it stands next to the first ("never not good")
                over = True
        if denied:
            weight *= _TURN_GOOD if weight > 0 else _TURN_BAD
            why = TURNED
        result.append((replace(hit, first=first, weight=weight), why))
    for place in range(clause.first, clause.last):
        form = tokens[place].form
        if form in lists.BARE and place not in used and not _inside(hits, place):
            result.append((Hit(place, place + 1, lists.BARE_DENIAL), DENIED))
    return result


def _wish(tokens: list[Token], clause: Clause, hits: list[Hit], lists: ModuleType, asked: str) -> int | None:
    """The word that makes a sentence a suggestion ("More staff", "Send a better driver"), None where it is none."""
    first = next((place for place in range(clause.first, clause.last) if tokens[place].kind == WORD), None)
    if first is None or asked == ASKED_PRAISE:
        return None
    suggests = tokens[first].form in lists.SUGGESTS or (asked == ASKED_BLAME and tokens[first].form == "not")
    if not suggests or any(hit.first == first and hit.weight > 0 and hit.phrase for hit in hits):
        return None
    return first


def _denies_itself(tokens: list[Token], hit: Hit, lists: ModuleType) -> bool:
    """Whether the denial is part of the phrase ("no problem"), so that one before it does not turn it."""
    return hit.phrase and any(tokens[place].form in lists.NEGATORS for place in range(hit.first, hit.last))


def _inside(hits: list[Hit], place: int) -> bool:
    return any(hit.phrase and hit.first <= place < hit.last for hit in hits)


def _hits(tokens: list[Token], clause: Clause, lists: ModuleType) -> list[Hit]:
    """Phrases first (the longest that starts earliest), then single words."""
    hits = []
    place = clause.first
    while place < clause.last:
        token = tokens[place]
        if token.kind != WORD:
            place += 1
            continue
        phrase = lists.LIST.phrase_at(tokens, place)
        if phrase and phrase.last <= clause.last:
            hits.append(phrase)
            place = phrase.last
            continue
        word = lists.LIST.word(token)
        if word:
            hits.append(Hit(place, place + 1, word[0], turned=word[1]))
        place += 1
    return hits


def _turkish(tokens: list[Token], clause: Clause, hits: list[Hit], lists: ModuleType) -> list[tuple[Hit, str]]:
    """Turkish denies after the word: `güzel değil`, `sorun yok`, `memnun kalmadım`; a verb that denies nothing else is a fault itself."""
    taken: dict[int, Hit] = {hit.first: hit for hit in hits}
    covered = {place for hit in hits for place in range(hit.first, hit.last)}
    result: dict[int, tuple[Hit, str]] = {hit.first: (hit, TURNED if hit.turned else LISTED) for hit in hits}
    for place in range(clause.first, clause.last):
        token = tokens[place]
        if token.kind != WORD or place in covered:
            continue
        denies = token.fold in lists.NEGATORS or is_denied_verb(token.fold)
        if not denies:
            continue
        target = _before(tokens, clause, taken, place, lists)
        if target is not None:
            hit, _why = result[target]
            factor = _TURN_GOOD if hit.weight > 0 else lists.TURN_BAD
            result[target] = (replace(hit, last=place + 1, weight=hit.weight * factor), TURNED)
            del taken[target]
        elif is_denied_verb(token.fold):
            result[place] = (Hit(place, place + 1, lists.BARE_DENIAL), DENIED)
        elif token.fold in lists.BARE:
            result[place] = (Hit(place, place + 1, lists.BARE[token.fold]), DENIED)
    neither = [place for place in range(clause.first, clause.last) if tokens[place].fold == "ne"]
    if len(neither) > 1:
        # ne hızlı ne kolay: neither quick nor easy
        for first, (hit, why) in list(result.items()):
            if first > neither[0] and hit.weight > 0 and why == LISTED:
                result[first] = (replace(hit, weight=hit.weight * _TURN_GOOD), TURNED)
    final = []
    for first in sorted(result):
        hit, why = result[first]
        weight = hit.weight
        for back in (1, 2):
            if hit.first - back >= clause.first and tokens[hit.first - back].fold in lists.INTENSIFIERS:
                weight *= lists.INTENSIFIERS[tokens[hit.first - back].fold]
                break
        final.append((replace(hit, weight=weight), why))
    return final


def _before(tokens: list[Token], clause: Clause, taken: dict[int, Hit], place: int, lists: ModuleType) -> int | None:
    """The nearest listed word before a denial, within three tokens and no mark between."""
    carries = tokens[place].fold.startswith(lists.CARRIERS) or tokens[place].fold in lists.NEGATORS
    for back in range(1, 4 if carries else 2):
        at = place - back
        if at < clause.first or tokens[at].kind == MARK:
            return None
        for first, hit in taken.items():
            if first <= at < hit.last:
                return None if hit.turned else first
    return None
