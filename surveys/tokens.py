"""Tokens of links in mails: random, and stored as their hash alone. Pure."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """A token of 256 random bits, 43 letters."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """What the database holds of a token; whoever steals it cannot make a link of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
