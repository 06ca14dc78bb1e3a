"""What the public forms send: read leniently, cut to size, never refused for a comment."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from django.core.signing import BadSignature, TimestampSigner
from django.http import QueryDict

_SALT = "surveys.answer-form"
_LIVES_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Nonce:
    """One rendering of a form: a random name and when it was made, in milliseconds of the epoch."""

    name: str
    rendered_ms: int


def new_nonce(link_id: int) -> str:
    """A signed nonce for a form of this link. Stored nowhere until it comes back."""
    return TimestampSigner(salt=_SALT).sign_object({"l": link_id, "n": secrets.token_urlsafe(16), "t": time.time_ns() // 1_000_000})


def read_nonce(signed: str, link_id: int) -> Nonce | None:
    """The nonce that comes back; None where it is forged, of another link or older than a day."""
    try:
        body: dict[str, Any] = TimestampSigner(salt=_SALT).unsign_object(signed, max_age=_LIVES_SECONDS)
    except (BadSignature, ValueError):
        return None
    return Nonce(body["n"], body["t"]) if body.get("l") == link_id else None


def whole_number(text: str) -> int | None:
    """The number that stands there in ASCII digits; None for anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def clean_text(text: str, limit: int) -> str:
    """The text with line ends made one kind and control signs dropped, at most `limit` long."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in lines if sign == "\n" or sign.isprintable()).strip()[:limit]


def chosen_reasons(data: QueryDict, offered: list[dict[str, Any]]) -> list[str]:
    """The reasons among those offered, in their order; whoever picks a detail means its heading, too."""
    picked = set(data.getlist("reason"))
    found = [entry for entry in offered if entry["key"] in picked]
    wanted = {entry["key"] for entry in found} | {entry["parent"] for entry in found if entry.get("parent")}
    return [entry["key"] for entry in offered if entry["key"] in wanted]
