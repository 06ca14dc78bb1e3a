"""What a map may do with one value on its way into Vefa. Pure; every step takes time in proportion to the text."""

from __future__ import annotations

import datetime as dt
import html
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import nh3

# formats of instants beside those of strptime
_ISO, _UNIX, _UNIX_MS = "iso", "unix", "unix_ms"
# also the instant of what is older than everything else that is told
EARLIEST, _LATEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
# the whole of it stays in the kept event
MOST_HTML, MOST_TAGS = 200_000, 5_000
_TAG = re.compile(r"<[^<>]{0,1000}>")
_BREAKS = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6]|/blockquote)\b[^>]{0,200}>", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>\[\]]{1,64}@[^\s@<>\[\]]{1,185}\.[^\s@<>\[\].]{2,63}")


class Unfit(ValueError):
    """A value that a step cannot take; says what was expected."""


class Unknown(ValueError):
    """A word that a table does not have."""

    def __init__(self, word: str):
        self.word = word
        super().__init__(word)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Unfit("a text or a number is expected")
    return str(value)


def _trim(value: Any) -> str:
    return " ".join(_text(value).split())


def _lower(value: Any) -> str:
    return _text(value).strip().lower()


def _email(value: Any) -> str | None:
    """An address; what is none (hidden, empty) counts as missing."""
    text = _text(value).strip()
    return text if len(text) <= 254 and _ADDRESS.fullmatch(text) else None


def _integer(value: Any) -> int:
    try:
        return int(_text(value))
    except ValueError:
        raise Unfit("a whole number is expected") from None


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = _lower(value)
    if word not in {"true", "false", "1", "0", "yes", "no"}:
        raise Unfit("true or false is expected")
    return word in {"true", "1", "yes"}


def html_to_text(value: Any) -> str:
    """HTML as plain text: blocks become lines, scripts and styles go with what they hold. What is longer than any letter is cut."""
    marked = _BREAKS.sub("\n", _text(value)[:MOST_HTML])
    # a parser builds a tree, and takes its time over one that is thousands of levels deep
    plain = html.unescape(nh3.clean(marked, tags=set()) if marked.count("<") <= MOST_TAGS else _TAG.sub("", marked))
    lines = [" ".join(line.split()) for line in plain.replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


STEPS: dict[str, Callable[[Any], Any]] = {
    "text": _text, "trim": _trim, "lower": _lower, "email": _email, "integer": _integer, "flag": _flag, "html": html_to_text,
}  # fmt: skip


def instant(value: Any, forms: str) -> dt.datetime:
    """An instant of a named format (`iso`, `unix` seconds, `unix_ms`) or of one of `strptime`; several with `|` between them.

    Without a zone it is UTC. Raises Unfit.
    """
    for form in forms.split("|"):
        try:
            found = _instant(_text(value).strip(), form)
        except (ValueError, OverflowError, OSError):
            continue
        found = found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found
        if EARLIEST <= found < _LATEST:
            return found
    raise Unfit(f"an instant is expected ({forms})")


def _instant(text: str, form: str) -> dt.datetime:
    if form in {_UNIX, _UNIX_MS}:
        seconds = float(text) / (1000 if form == _UNIX_MS else 1)
        if not math.isfinite(seconds):
            raise ValueError(text)
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    return dt.datetime.fromisoformat(text) if form == _ISO else dt.datetime.strptime(text, form)  # noqa: DTZ007


def _after(value: Any, mark: str) -> str | None:
    text = _text(value)
    place = text.find(mark)
    return None if place < 0 else text[place + len(mark) :]


def _before(value: Any, mark: str) -> str | None:
    text = _text(value)
    place = text.find(mark)
    return None if place < 0 else text[:place]


def looked_up(value: Any, table: Mapping[str, Any]) -> Any:
    """What a table says of a word, whatever its case. Raises Unknown."""
    word = str(value).lower() if isinstance(value, bool) else _text(value).strip()
    found = {key.lower(): entry for key, entry in table.items()}
    if word.lower() not in found:
        raise Unknown(word)
    return found[word.lower()]


def run_step(value: Any, step: Any, *, tables: Mapping[str, Mapping[str, Any]]) -> Any:
    """One step of a field: a word of `STEPS`, or an object with one of instant, table, after, before, is, not, most. Raises Unfit, Unknown."""
    if isinstance(step, str):
        return STEPS[step](value)
    name, argument = next(iter(step.items()))
    if name == "instant":
        return instant(value, argument)
    if name == "table":
        return looked_up(value, tables[argument])
    if name == "after":
        return _after(value, argument)
    if name == "before":
        return _before(value, argument)
    if name == "is":
        return _text(value).strip() == argument
    if name == "not":
        return None if _text(value).strip() == argument else value
    return _text(value)[: int(argument)]


OBJECT_STEPS = frozenset({"instant", "table", "after", "before", "is", "not", "most"})
