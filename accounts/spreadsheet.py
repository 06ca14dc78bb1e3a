"""CSV that spreadsheet programs open safely: a text can never become a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

# a cell that begins like this would be calculated, also behind blanks and full-width forms
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: Any) -> Any:
    """A text that would be a formula gets an apostrophe in front; numbers and dates stay as they are."""
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(_DANGEROUS):
        return f"'{value}"
    return "" if value is None else value


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """The lines of a CSV file with a byte order mark, so that Turkish letters arrive in Excel."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield "\ufeff"
    writer.writerow([safe_cell(cell) for cell in header])
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
        if buffer.tell() > 16_384:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
