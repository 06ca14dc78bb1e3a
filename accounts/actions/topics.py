"""Topics as saved queries, and what people say of a reading: tags set and judged, sentiment corrected."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.work_items import StaleVersion
from accounts.models import Topic, TopicTag, User, Verbatim
from accounts.text.topics import QueryError, compile_query

FIELDS = ("name", "name_tr", "query_en", "query_tr", "active")


def check_query(text: str, language: str) -> None:
    """Raises ValidationError that names the place and what was expected there; an empty query is fine (the language is left out)."""
    if not text.strip():
        return
    try:
        compile_query(text, language)
    except QueryError as fault:
        raise ValidationError(
            _("At sign %(position)s: expected %(expected)s, found %(found)s."),
            params={"position": fault.position + 1, "expected": _expected(fault.expected), "found": f"“{fault.found}”" if fault.found else _("the end")},
        ) from fault


def _expected(code: str) -> str:
    """What a query should have had at a place, in the reader's language."""
    words = {
        "term": _("a word, a phrase or an opening bracket"),
        "close": _("a closing bracket"),
        "quote": _("a closing quotation mark"),
        "operator": _("AND, OR, NEAR or the end"),
        "distance": _("a distance of 1 to 50 words"),
        "shorter": _("a shorter query"),
        "flatter": _("fewer brackets inside each other"),
        "positive": _("something to look for beside what must not be there"),
    }
    return words.get(code, code)


def save_topic(*, topic: Topic, values: dict[str, Any], actor: User | None, number: int | None = None) -> Topic:
    """Makes or changes a topic. A change of its queries is a new version, and everything is read again with it.

    Raises ValidationError for a query that cannot be read, StaleVersion where `number` is no longer its version.
    """
    for language in ("en", "tr"):
        check_query(values.get(f"query_{language}", ""), language)
    with transaction.atomic():
        if topic.pk is not None:
            topic = Topic.objects.select_for_update(no_key=True).get(pk=topic.pk)
            if number is not None and topic.number != number:
                raise StaleVersion
        before = {name: getattr(topic, name) for name in FIELDS}
        for name in FIELDS:
            if name in values:
                setattr(topic, name, values[name])
        if topic.pk is None:
            topic.key, topic.created_by = values["key"], actor
        elif any(before[name] != getattr(topic, name) for name in FIELDS):
            topic.number += 1
        topic.save()
    return topic


def remove_topic(*, topic: Topic) -> None:
    """Takes a topic away, with its tags."""
    topic.delete()


def judge_tag(*, tag: TopicTag, right: bool, actor: User, now: dt.datetime) -> TopicTag:
    """A reviewer says whether the query was right; a wrong tag no longer counts and stays for the measured precision."""
    tag.verdict = TopicTag.Verdict.RIGHT if right else TopicTag.Verdict.WRONG
    tag.reviewed_by, tag.reviewed_at = actor, now
    tag.save(update_fields=["verdict", "reviewed_by", "reviewed_at"])
    return tag


def tag_by_hand(*, verbatim: Verbatim, topic: Topic, actor: User, now: dt.datetime) -> TopicTag:
    """A person's own tag; kept apart from those of queries and never taken away by them."""
    tag, _made = TopicTag.objects.get_or_create(
        verbatim=verbatim, topic=topic, by=TopicTag.By.PERSON, defaults={"reviewed_by": actor, "reviewed_at": now, "topic_number": topic.number}
    )
    return tag


def untag_by_hand(*, verbatim: Verbatim, topic: Topic) -> None:
    """Takes a person's tag away."""
    TopicTag.objects.filter(verbatim=verbatim, topic=topic, by=TopicTag.By.PERSON).delete()


def correct_sentiment(*, verbatim: Verbatim, sentiment: str, actor: User) -> Verbatim:
    """What a person reads in the text; it stands over the computed one. Empty takes the correction back. Raises ValueError."""
    if sentiment and sentiment not in Verbatim.Sentiment.values:
        raise ValueError(sentiment)
    verbatim.sentiment_corrected, verbatim.corrected_by = sentiment, actor if sentiment else None
    verbatim.save(update_fields=["sentiment_corrected", "corrected_by"])
    return verbatim
