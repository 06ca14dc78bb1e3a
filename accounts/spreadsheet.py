"""CSV that spreadsheet programs open safely: a text can never become a formula. Pure.

RFC 4180 with a byte order mark. Every text is quoted, numbers are not. Readers of a language that writes
decimals with a comma get the semicolon between cells, as their spreadsheet expects.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

# a cell that begins like this would be calculated, also behind blanks and full-width forms
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


# what a spreadsheet skips before it looks: blanks, and signs without a width
_SKIPPED = " \u00a0\ufeff\u200b\u2060"
# languages whose readers' spreadsheets take a comma for the decimal point
_COMMA = frozenset({"tr"})


def safe_cell(value: Any) -> Any:
    """A text that would be a formula gets an apostrophe in front; numbers and dates stay as they are."""
    if isinstance(value, str) and value.lstrip(_SKIPPED).startswith(_DANGEROUS):
        return f"'{value}"
    return "" if value is None else value


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Any]], language: str = "en") -> Iterator[str]:
    """The lines of a CSV file, some at a time; the byte order mark makes Turkish letters arrive in Excel."""
    comma = language.split("-")[0] in _COMMA
    delimiter = ";" if comma else ","
    yield "\ufeff"
    gathered: list[str] = [delimiter.join(_written(cell, comma) for cell in header)]
    for row in rows:
        gathered.append(delimiter.join(_written(cell, comma) for cell in row))
        if len(gathered) > 200:
            yield "\r\n".join(gathered) + "\r\n"
            gathered = []
    if gathered:
        yield "\r\n".join(gathered) + "\r\n"


def _written(value: Any, comma: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        text = format(value, "f") if isinstance(value, Decimal) else str(value)
        return text.replace(".", ",") if comma else text
    if isinstance(value, dt.datetime):
        value = value.isoformat(sep=" ", timespec="seconds")
    text = str(safe_cell(value if isinstance(value, str) else str(value)))
    return '"' + text.replace('"', '""') + '"'
