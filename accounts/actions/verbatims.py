"""Reading what customers write: language, sentiment with the words that decided, topics by their saved queries.

Each app brings its own texts (`NewText`) from a sweep; reading the same text twice changes nothing.
What a person said of a reading (a corrected sentiment, a tag set or judged) outlives every later reading.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from accounts.collation import search_key
from accounts.models import TextClassifier, Topic, TopicTag, Verbatim
from accounts.text.classifier import TrainedText
from accounts.text.language import language_of
from accounts.text.sentiment import READER, Sentiment, asked_of, evidence_of, sentiment_of
from accounts.text.tokens import tokens_of
from accounts.text.topics import Query, QueryError, Words, compile_query, topic_sentiment

LONGEST = 10_000
BATCH = 500
# a trained classifier speaks of a text as good or bad only where it is this sure
SURE = 0.6


@dataclass(frozen=True, kw_only=True)
class NewText:
    """A text as its app has it; `hint` is the language its author is known to write in."""

    source: str
    subject_id: str
    account_id: int | None
    contact_id: int | None
    occurred_at: dt.datetime
    text: str
    hint: str = ""
    # the question it answers, where there was one
    question: str = ""


@dataclass(frozen=True)
class Shelf:
    """The active topics with their compiled queries by language, and the classifiers in use."""

    number: int
    queries: dict[str, list[tuple[Topic, Query]]]
    classifiers: dict[str, TrainedText]


@lru_cache(maxsize=512)
def _compiled(text: str, language: str) -> Query:
    return compile_query(text, language)


@lru_cache(maxsize=4)
def _classifier(pk: int, trained_at: dt.datetime) -> TrainedText:
    return TrainedText.from_bytes(bytes(TextClassifier.objects.values_list("weights", flat=True).get(pk=pk)))


def reader_number() -> int:
    """What a verbatim read by the rules, topics and classifiers of now carries; every change of any of them changes it."""
    topics = Topic.objects.aggregate(numbers=Sum("number"), topics=Count("pk"), last=Sum("pk"))
    trained = sum(TextClassifier.objects.filter(active=True).values_list("pk", flat=True))
    parts = (READER, topics["numbers"] or 0, topics["topics"], topics["last"] or 0, trained)
    number = 0
    for part in parts:
        number = (number * 10_007 + part) % 2_147_483_629
    return number


def open_shelf() -> Shelf:
    """What texts are read with now. A topic whose query cannot be read (it was refused at save) is left out."""
    queries: dict[str, list[tuple[Topic, Query]]] = {"en": [], "tr": []}
    for topic in Topic.objects.filter(active=True).order_by("pk"):
        for language, text in (("en", topic.query_en), ("tr", topic.query_tr)):
            if text.strip():
                try:
                    queries[language].append((topic, _compiled(text, language)))
                except QueryError:
                    continue
    classifiers = {row.language: _classifier(row.pk, row.trained_at) for row in TextClassifier.objects.filter(active=True).defer("weights")}
    return Shelf(reader_number(), queries, classifiers)


def read_texts(*, texts: Sequence[NewText], now: dt.datetime) -> int:
    """Reads the texts and keeps what was found; a known (source, subject) is read again. Returns how many were kept.

    Empty texts are left out. One transaction a batch of 500.
    """
    shelf = open_shelf()
    kept = 0
    wanted = [text for text in texts if text.text.strip()]
    for start in range(0, len(wanted), BATCH):
        with transaction.atomic():
            kept += _read_batch(wanted[start : start + BATCH], shelf, now)
    return kept


def read_again(*, now: dt.datetime, limit: int = BATCH) -> int:
    """Reads verbatims that an older reader (or other topics) read, the newest first; returns how many. Zero when all are up to date."""
    shelf = open_shelf()
    with transaction.atomic():
        rows = list(Verbatim.objects.exclude(reader=shelf.number).exclude(text="").select_for_update(skip_locked=True, no_key=True).order_by("-occurred_at")[:limit])
        for row in rows:
            _interpret(row, shelf, now)
        Verbatim.objects.bulk_update(rows, ["sentiment", "sentiment_score", "evidence", "reader", "read_at"])
        _tag(rows, shelf)
    return len(rows)


def _read_batch(texts: Sequence[NewText], shelf: Shelf, now: dt.datetime) -> int:
    rows = []
    for new in texts:
        body = new.text.replace("\x00", "")[:LONGEST]
        row = Verbatim(
            source=new.source, subject_id=new.subject_id, account_id=new.account_id, contact_id=new.contact_id, occurred_at=new.occurred_at,
            text=body, text_search=search_key(body), language=language_of(body, hint=new.hint),
        )  # fmt: skip
        row.asked = asked_of(new.question, row.language) if new.question else ""
        _interpret(row, shelf, now)
        rows.append(row)
    fields = ["account", "contact", "occurred_at", "text", "text_search", "language", "asked", "sentiment", "sentiment_score", "evidence", "reader", "read_at"]
    Verbatim.objects.bulk_create(rows, update_conflicts=True, unique_fields=["source", "subject_id"], update_fields=fields)
    # rows that were there keep their own ids
    known = {(source, subject): pk for source, subject, pk in _ids(texts)}
    for row in rows:
        row.pk = known[row.source, row.subject_id]
    _tag(rows, shelf)
    return len(rows)


def _ids(texts: Sequence[NewText]) -> Iterable[tuple[str, str, Any]]:
    by_source: dict[str, list[str]] = {}
    for text in texts:
        by_source.setdefault(text.source, []).append(text.subject_id)
    for source, subjects in by_source.items():
        yield from Verbatim.objects.filter(source=source, subject_id__in=subjects).values_list("source", "subject_id", "pk")


def _interpret(row: Verbatim, shelf: Shelf, now: dt.datetime) -> None:
    found = _sentiment(row, shelf)
    row.sentiment, row.sentiment_score = found.label, round(100 * found.score)
    row.evidence = [[piece.start, piece.end, round(piece.weight, 2)] for piece in found.evidence]
    row.reader, row.read_at = shelf.number, now


def _sentiment(row: Verbatim, shelf: Shelf) -> Sentiment:
    """By the installation's own classifier where one is in use for the language, else by word lists and rules."""
    trained = shelf.classifiers.get(row.language)
    if trained is None:
        return sentiment_of(row.text, row.language, row.asked)
    chance = trained.predict_positive([row.text], [row.asked])[0]
    label = Verbatim.Sentiment.POSITIVE if chance >= SURE else Verbatim.Sentiment.NEGATIVE if chance <= 1 - SURE else Verbatim.Sentiment.MIXED
    return Sentiment(2 * chance - 1, str(label), tuple(trained.evidence(row.text)))


def _tag(rows: Sequence[Verbatim], shelf: Shelf) -> None:
    """Puts the tags the queries call for and takes away those they no longer do, unless a person judged them."""
    found: dict[tuple[Any, int], TopicTag] = {}
    for row in rows:
        queries = shelf.queries.get(row.language, [])
        if not queries:
            continue
        # what all queries of a text share is worked out once
        tokens = tokens_of(row.text, row.language)
        words, heard = Words(tokens, row.language), None
        for topic, query in queries:
            spans = query.find(words)
            if spans is None:
                continue
            heard = evidence_of(tokens, row.language, row.asked) if heard is None else heard
            said = topic_sentiment(row.text, row.language, spans, tokens, heard)
            found[row.pk, topic.pk] = TopicTag(
                verbatim_id=row.pk, topic=topic, by=TopicTag.By.QUERY, evidence=[list(span) for span in spans], sentiment=said.label, topic_number=topic.number
            )
    stale = [
        pk
        for pk, verbatim, topic in TopicTag.objects.filter(verbatim__in=[row.pk for row in rows], by=TopicTag.By.QUERY, verdict="").values_list("pk", "verbatim_id", "topic_id")
        if (verbatim, topic) not in found
    ]
    TopicTag.objects.filter(pk__in=stale).delete()
    TopicTag.objects.bulk_create(found.values(), update_conflicts=True, unique_fields=["verbatim", "topic", "by"], update_fields=["evidence", "sentiment", "topic_number"])
