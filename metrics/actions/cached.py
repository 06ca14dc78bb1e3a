"""What the cache holds for pages: a help, never a need."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache


def cached(key: str) -> Any:
    """What the cache has; None where it has nothing or cannot be reached."""
    try:
        return cache.get(key)
    except Exception:  # any fault of any cache client means the same: not kept
        return None


def keep(key: str, value: Any, seconds: int) -> None:
    """Keeps a value for some seconds, where the cache can be reached."""
    try:
        cache.set(key, value, seconds)
    except Exception:  # noqa: S110 - see cached
        pass
