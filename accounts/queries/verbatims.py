"""What customers wrote, searched over every source at once: filters, a page behind a key, the words that decided."""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.collation import search_key
from accounts.models import Topic, TopicTag, User, Verbatim

SIZE = 40
COUNT_CAP = 1001
NAMES = ("q", "source", "topic", "sentiment", "language", "segment", "owner", "account", "since", "until", "band")


@dataclass(frozen=True)
class VerbatimFilter:
    """What the address asks for; anything that makes no sense is left out."""

    q: str = ""
    source: str = ""
    topic: str = ""
    sentiment: str = ""
    language: str = ""
    segment: str = ""
    owner: str = ""
    account: str = ""
    since: str = ""
    until: str = ""
    band: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> VerbatimFilter:
        """From the query of an address."""
        values = {name: str(given.get(name, "")).replace("\x00", "").strip()[:100] for name in NAMES}
        if values["source"] not in Verbatim.Source.values:
            values["source"] = ""
        if values["sentiment"] not in Verbatim.Sentiment.values:
            values["sentiment"] = ""
        for name in ("owner", "account"):
            if not (values[name].isascii() and values[name].isdigit() and len(values[name]) < 19) and not (name == "owner" and values[name] == "me"):
                values[name] = ""
        for name in ("since", "until"):
            try:
                dt.date.fromisoformat(values[name])
            except ValueError:
                values[name] = ""
        return cls(**values)

    def query(self, **changes: str) -> str:
        """The query of an address that shows this."""
        changed = replace(self, **changes)
        return urlencode({name: value for name in NAMES if (value := getattr(changed, name))})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not any(getattr(self, name) for name in NAMES)


@dataclass(frozen=True)
class Page:
    """Some rows, and the mark behind which the next ones begin ("" at the end)."""

    rows: list[Verbatim]
    after: str


def judged() -> Any:
    """The sentiment that counts: a person's correction, else the computed one."""
    return Coalesce(NullIf("sentiment_corrected", Value("")), "sentiment")


def counted_tags() -> QuerySet[TopicTag]:
    """Tags that count: those of persons, and those of queries that no reviewer called wrong."""
    return TopicTag.objects.exclude(verdict=TopicTag.Verdict.WRONG)


def rows(user: User, chosen: VerbatimFilter) -> QuerySet[Verbatim]:
    """The verbatims the reader may see under these filters, the newest first."""
    found = Verbatim.objects.visible_to(user)
    for name in ("source", "language"):
        if value := getattr(chosen, name):
            found = found.filter(**{name: value})
    if chosen.sentiment:
        found = found.annotate(judged=judged()).filter(judged=chosen.sentiment)
    if chosen.topic:
        found = found.filter(Exists(counted_tags().filter(verbatim=OuterRef("pk"), topic__key=chosen.topic)))
    if chosen.segment:
        found = found.filter(account__segment__isnull=True) if chosen.segment == "none" else found.filter(account__segment__key=chosen.segment)
    if chosen.band:
        found = found.filter(account__churned_at__isnull=False) if chosen.band == "lost" else found.filter(account__snapshot__band=chosen.band)
    if chosen.owner:
        found = found.filter(account__owner_id=user.pk if chosen.owner == "me" else int(chosen.owner))
    if chosen.account:
        found = found.filter(account_id=int(chosen.account))
    if chosen.since:
        found = found.filter(occurred_at__gte=_midnight(chosen.since))
    if chosen.until:
        found = found.filter(occurred_at__lt=_midnight(chosen.until) + dt.timedelta(days=1))
    for word in search_key(chosen.q).split()[:8]:
        found = found.filter(text_search__contains=word)
    return found.order_by("-occurred_at", "-id")


def page(user: User, chosen: VerbatimFilter, after: str = "", size: int = SIZE) -> Page:
    """One page with accounts and tags; a mark that makes no sense starts from the beginning."""
    found = rows(user, chosen)
    mark = _mark(after)
    if mark is not None:
        found = found.filter(Q(occurred_at__lt=mark[0]) | Q(occurred_at=mark[0], id__lt=mark[1]))
    tags = TopicTag.objects.select_related("topic").order_by("topic__name", "by")
    listed = list(found.select_related("account__segment", "contact").prefetch_related(Prefetch("tags", queryset=tags))[: size + 1])
    more = len(listed) > size
    listed = listed[:size]
    return Page(listed, f"{listed[-1].occurred_at.isoformat()}~{listed[-1].pk}" if more else "")


def count(user: User, chosen: VerbatimFilter) -> int:
    """How many there are, counted no further than 1,001."""
    return rows(user, chosen).order_by().values("pk")[:COUNT_CAP].count()


def topics() -> list[Topic]:
    """All active topics by name."""
    return list(Topic.objects.filter(active=True))


def _midnight(day: str) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), tzinfo=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))


def _mark(after: str) -> tuple[dt.datetime, uuid.UUID] | None:
    at, _sign, pk = after.partition("~")
    try:
        moment = dt.datetime.fromisoformat(at.replace(" ", "+"))
        return (moment, uuid.UUID(pk)) if moment.tzinfo else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Piece:
    """A stretch of a text: plain, or marked as `good`, `bad` or `topic`."""

    text: str
    mark: str = ""


def pieces(text: str, evidence: list[list[float]], topic_spans: list[list[int]] | None = None, limit: int = 1200) -> list[Piece]:
    """The text cut into stretches, the deciding words marked; where both mark a word, the sentiment does."""
    marks: list[tuple[int, int, str]] = [(int(start), int(end), "good" if weight > 0 else "bad") for start, end, weight in evidence if weight]
    marks += [(start, end, "topic") for start, end in topic_spans or []]
    cut: list[Piece] = []
    at = 0
    shown = text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " …"
    for start, end, mark in sorted(marks, key=lambda piece: (piece[0], piece[2] == "topic", -piece[1])):
        if start < at or end > len(shown):
            continue
        if start > at:
            cut.append(Piece(shown[at:start]))
        cut.append(Piece(shown[start:end], mark))
        at = end
    if at < len(shown):
        cut.append(Piece(shown[at:]))
    return cut
