"""The maps that come with Vefa, and which map a hook reads by."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from accounts.models import IncomingHook
from config.hooks.mapping import check_map

_FOLDER = Path(__file__).resolve().parent / "maps"


@cache
def shipped_names() -> tuple[str, ...]:
    """The names of the shipped maps."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


@cache
def shipped_map(name: str) -> dict[str, Any]:
    """A shipped map. Raises LookupError for a name that is none."""
    if name not in shipped_names():
        raise LookupError(name)
    found = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    check_map(found)
    return found


def map_of(hook: IncomingHook) -> dict[str, Any] | None:
    """The map a hook reads by; None where its bodies are written in our own words. Raises LookupError, BadMap."""
    if hook.map:
        return shipped_map(hook.map)
    if not hook.own_map:
        return None
    check_map(hook.own_map)
    return hook.own_map
