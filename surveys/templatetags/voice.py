"""Filters for what customers wrote."""

from __future__ import annotations

from typing import Any

from django import template

from accounts import wording

register = template.Library()


@register.filter
def topic_name(topic: Any) -> str:
    """A topic's name in the reader's language."""
    return wording.topic_name(topic)


@register.filter
def sentiment_tone(sentiment: str) -> str:
    """The tone (`good`, `risk`, `watch` or nothing) that a sentiment is drawn in."""
    return {"positive": "good", "negative": "risk", "mixed": "watch"}.get(sentiment, "")
