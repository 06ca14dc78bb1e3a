"""Topics an installation starts with, in both languages. Pure."""

from __future__ import annotations

from typing import NamedTuple


class StarterTopic(NamedTuple):
    """A topic: key, name and query in English and Turkish."""

    key: str
    name: str
    name_tr: str
    query_en: str
    query_tr: str


STARTER_TOPICS: tuple[StarterTopic, ...] = ()
