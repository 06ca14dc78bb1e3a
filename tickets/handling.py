"""Handle times: which clocks a way of contact has, and what they come to. Pure."""

from __future__ import annotations

from collections.abc import Mapping

PHONE = ("talk_seconds", "hold_seconds", "wrap_seconds")
CHAT = ("session_seconds", "follow_up_seconds")
WRITTEN = ("work_seconds",)
ALL = (*PHONE, *CHAT, *WRITTEN)
# nobody works on one contact for longer without a break
MOST_SECONDS = 24 * 3600


def clocks_of(channel: str) -> tuple[str, ...]:
    """The columns that count for a channel: a call has talk, hold and wrap-up, a chat its session and follow-up, everything written one work time."""
    return PHONE if channel == "phone" else CHAT if channel == "chat" else WRITTEN


def handled(channel: str, seconds: Mapping[str, int | None]) -> int | None:
    """Handle time in seconds by the rule of the channel; None where none of its clocks was noted. Ring and queue time never count."""
    noted = [value for name in clocks_of(channel) if (value := seconds.get(name)) is not None]
    return sum(noted) if noted else None


def parse_length(text: str) -> int:
    """Seconds of a length as people write it: `12` and `12:30` are minutes (and seconds), `1:02:30` has hours. Raises ValueError.

    Empty is nothing noted and is for the caller to see before.
    """
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise ValueError(text)
    if any(int(part) > 59 for part in parts[1:]):
        raise ValueError(text)
    hours, minutes, seconds = (["0", *parts, "0"] if len(parts) == 1 else ["0", *parts] if len(parts) == 2 else parts)[:3]
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def spell_length(seconds: int) -> str:
    """The same the other way: 12:30, 1:02:30."""
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
