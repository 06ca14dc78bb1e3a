"""Which language a text is written in: English, Turkish, or too short to say. Pure."""

from __future__ import annotations


def language_of(text: str, hint: str = "") -> str:
    """`en`, `tr`, or "" where nothing can be said; `hint` (an account's or form's language) decides what the text leaves open."""
    raise NotImplementedError
