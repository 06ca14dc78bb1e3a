"""Taking a plain file whole: one look at its bytes, and the database reads it by itself.

The careful reader turns every cell into a value in Python, names each fault, and costs most of the
time of a large file without any. A file that is plain (our own columns, commas, no quotes, UTF-8, no
map) is compared with one pattern instead, piece by piece, and goes straight into a temporary table.
Whatever does not fit, here or later in the database, is no verdict: the careful reader then reads the
file from its beginning and says what is wrong.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping as MappingType
from typing import TYPE_CHECKING, Any

from django.db import connection

from accounts.importing.faults import FileFault
from accounts.importing.mapping import Mapping
from accounts.importing.reader import CsvFile, Dialect, open_bytes

if TYPE_CHECKING:
    from accounts.importing.staging import Loading

PIECE_BYTES = 1024 * 1024
BOM = b"\xef\xbb\xbf"

# what a cell may look like, and the type it is read as; anything else is left to the careful reader
KEY_CELL = (rb"[^\s\",\x00-\x1f][^\",\x00-\x1f]{0,199}+", "text")
TEXT_CELL = (rb"[^\",\x00-\x1f]{0,120}+", "text")
DAY_CELL = (rb"[12]\d{3}-[01]\d-[0-3]\d", "date")
COUNT_CELL = (rb"\d{1,9}+", "integer")
MAYBE_COUNT_CELL = (rb"\d{0,9}+", "integer")

Cells = MappingType[str, tuple[bytes, str]]


class NotPlain(Exception):
    """The file is for the careful reader."""


def copy_whole(load: Loading, cells: Cells, required: frozenset[str]) -> list[str]:
    """Copies the file into the temporary table `plain`, typed, in its own order; returns its columns.

    `cells` are the columns that may stand in the file. Raises NotPlain, or what the database raises
    for a cell that is no value of its type.
    """
    source = load.source
    if not isinstance(source, CsvFile) or source.dialect != Dialect() or load.mapping != Mapping():
        raise NotPlain
    try:
        header = source.header
    except FileFault:
        raise NotPlain from None
    if not required <= set(header) <= set(cells):
        raise NotPlain
    row = re.compile(rb"(?>(?>" + b",".join(cells[name][0] for name in header) + rb"\n)++)")
    load.run("CREATE TEMPORARY TABLE plain (" + ", ".join(f'"{name}" {cells[name][1]}' for name in header) + ")")
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        # the raw cursor's faults become those of the framework, as everywhere else
        with connection.wrap_database_errors, raw.copy("COPY plain FROM STDIN (FORMAT csv)") as copy:
            _send(source, ",".join(header).encode(), row, copy)
    return header


def _send(source: CsvFile, header: bytes, row: re.Pattern[bytes], copy: Any) -> None:
    """The lines after the header, as they stand, once they were looked at. Raises NotPlain."""
    rest, at_start = b"", True
    try:
        with open_bytes(source.path) as stream:
            while piece := stream.read(PIECE_BYTES):
                piece = rest + piece
                if at_start:
                    first, newline, piece = piece.removeprefix(BOM).partition(b"\n")
                    if not newline or first != header:
                        raise NotPlain
                    at_start = False
                whole, newline, rest = piece.rpartition(b"\n")
                if newline:
                    if not row.fullmatch(whole + newline):
                        raise NotPlain
                    copy.write(whole + newline)
    except (FileFault, OSError, EOFError, zlib.error, gzip.BadGzipFile):
        raise NotPlain from None
    # a file without its last newline may have been cut off, which the careful reader remarks on
    if rest or at_start:
        raise NotPlain
