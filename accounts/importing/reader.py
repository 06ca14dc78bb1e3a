"""Reading CSV: strict, streaming, and exact about where a fault stands. Pure but for the file itself.

Memory is bounded by one row: files are read in chunks, decoded strictly, cut into lines and handed to
the csv module in its strict mode. Nothing is repaired and no other encoding is tried.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from django.utils.translation import gettext as _

from accounts.importing.faults import FileFault

CHUNK_BYTES = 256 * 1024
LONGEST_LINE = 4 * 1024 * 1024
LONGEST_CELL = 1024 * 1024
MOST_COLUMNS = 500
csv.field_size_limit(LONGEST_CELL)

# one row: its number (the header is 1) and its cells
NumberedRow = tuple[int, Sequence[Any]]


class Source(Protocol):
    """Something with a name, a header and numbered rows."""

    name: str

    @property
    def header(self) -> list[str]:
        """The names of the columns. Raises FileFault."""

    def rows(self) -> Iterator[NumberedRow]:
        """The rows in order; cells are texts, an empty one is no value. Raises FileFault."""

    def remarks(self) -> dict[str, int]:
        """Warnings about the source itself, known once all rows were read."""


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"


class _BrokenText(ValueError):
    """Raised by the line reader; carries the beginning of the line for finding the column."""

    def __init__(self, reason: str, begun: str):
        self.begun = begun
        super().__init__(reason)


def open_bytes(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked where it is gzip. Raises FileFault for archives and UTF-16."""
    with path.open("rb") as probe:
        magic = probe.read(4)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if path.name.endswith(".gz"):
        raise FileFault(_("the name says gzip, the content is not"), row=1)
    if magic == b"PK\x03\x04":
        raise FileFault(_("this is a zip archive or a spreadsheet, not CSV; save it as CSV"), row=1)
    return path.open("rb")


class CsvFile:
    """A `.csv` or `.csv.gz` file."""

    def __init__(self, path: Path | str, dialect: Dialect | None = None):
        self.path = Path(path)
        self.name = self.path.name
        self.dialect = dialect or Dialect()
        self._header: list[str] | None = None
        self._unfinished = False

    @property
    def header(self) -> list[str]:
        """The names of the columns. Raises FileFault."""
        if self._header is None:
            for _number, cells in self._records():
                self._header = self._check_header(list(cells))
                break
            else:
                raise FileFault(_("the file is empty; its first line must name the columns"), row=1)
        return self._header

    def rows(self) -> Iterator[NumberedRow]:
        """The rows after the header; blank lines are passed over. Raises FileFault."""
        records = self._records()
        for _number, cells in records:
            self._header = self._check_header(list(cells))
            break
        else:
            raise FileFault(_("the file is empty; its first line must name the columns"), row=1)
        for number, cells in records:
            if cells:
                yield number, cells

    def remarks(self) -> dict[str, int]:
        """`last_row_without_newline` where the file may have been cut in its last cell."""
        return {"last_row_without_newline": 1} if self._unfinished else {}

    def _check_header(self, cells: list[str]) -> list[str]:
        if not any(name.strip() for name in cells):
            raise FileFault(_("the first line is empty; it must name the columns"), row=1)
        if len(cells) > MOST_COLUMNS:
            raise FileFault(_("%(count)d columns are too many; at most %(most)d") % {"count": len(cells), "most": MOST_COLUMNS}, row=1)
        seen: set[str] = set()
        for position, name in enumerate(cells, start=1):
            if not name.strip():
                raise FileFault(_("column %(position)d has no name") % {"position": position}, row=1)
            if name in seen:
                raise FileFault(_("two columns have this name"), row=1, column=name)
            seen.add(name)
        return cells

    def _column_at(self, begun: str) -> str:
        """The name of the column that a broken-off record had reached."""
        try:
            cells = next(csv.reader(begun.splitlines(keepends=True), delimiter=self.dialect.delimiter, quotechar=self.dialect.quote), [])
        except csv.Error:
            return ""
        position = max(len(cells) - 1, 0)
        header = self._header or []
        return header[position] if position < len(header) else ""

    def _records(self) -> Iterator[NumberedRow]:
        # the lines of the record under way, for naming the column when it breaks off
        pending: list[str] = []
        number = 0
        try:
            with open_bytes(self.path) as stream:
                reader = csv.reader(self._lines(stream, pending), delimiter=self.dialect.delimiter, quotechar=self.dialect.quote, strict=True)
                for number, cells in enumerate(reader, start=1):
                    pending.clear()
                    yield number, cells
        except _BrokenText as fault:
            raise FileFault(str(fault), row=number + 1, column=self._column_at("".join(pending) + fault.begun)) from fault
        except csv.Error as fault:
            raise FileFault(self._explain(str(fault)), row=number + 1, column=self._column_at("".join(pending))) from fault
        except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
            raise FileFault(_("the compressed file is cut off or damaged (%(fault)s)") % {"fault": fault}, row=number + 1) from fault
        except OSError as fault:
            raise FileFault(_("the file cannot be read (%(fault)s)") % {"fault": fault.strerror or fault}) from fault

    @staticmethod
    def _explain(message: str) -> str:
        if "unexpected end of data" in message:
            return _("a quote is opened and never closed")
        if "expected after" in message:
            return _("after a closing quote stands something else than a delimiter")
        if "field larger than field limit" in message:
            return _("a cell is longer than %(most)d letters; perhaps a quote is never closed") % {"most": LONGEST_CELL}
        if "new-line character seen" in message:
            return _("a bare carriage return stands outside of quotes")
        return message

    def _lines(self, stream: IO[bytes], pending: list[str]) -> Iterator[str]:
        """Decoded lines with their ends. Raises _BrokenText."""
        encoding = self.dialect.encoding
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        is_utf8 = codecs.lookup(encoding).name == "utf-8"
        rest, start, broken = "", True, None
        while True:
            # read1 hands over what could be unpacked before the place where a compressed file breaks off
            chunk = stream.read1(CHUNK_BYTES)  # type: ignore[attr-defined]
            if start and is_utf8 and chunk[:2] in {b"\xff\xfe", b"\xfe\xff"}:
                raise _BrokenText(_('the file is UTF-16; say so in the map: encoding = "utf-16"'), "")
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as fault:
                broken = fault
                text = fault.object[: fault.start].decode(encoding, "ignore")
            if start and text:
                start, text = False, text.removeprefix("\ufeff")
            if "\0" in text and broken is None:
                before = text[: text.index("\0")]
                lines = (rest + before).split("\n")
                for line in lines[:-1]:
                    pending.append(line + "\n")
                    yield line + "\n"
                raise _BrokenText(_("a NUL byte stands here; this is no text"), lines[-1])
            lines = (rest + text).split("\n")
            rest = lines.pop()
            for line in lines:
                line += "\n"
                pending.append(line)
                yield line
            if broken is not None:
                raise _BrokenText(self._what_broke(broken), rest)
            if len(rest) > LONGEST_LINE:
                raise _BrokenText(_("a line is longer than %(most)d letters") % {"most": LONGEST_LINE}, "")
            if not chunk:
                if rest:
                    self._unfinished = True
                    pending.append(rest)
                    yield rest
                return

    def _what_broke(self, fault: UnicodeDecodeError) -> str:
        if fault.start >= len(fault.object) - 1 and "end of data" in fault.reason:
            return _("the file ends inside of a letter; it is cut off")
        return _("byte 0x%(byte)02X is no %(encoding)s; name the file's encoding in the map, as in encoding = \"cp1254\"") % {
            "byte": fault.object[fault.start], "encoding": self.dialect.encoding.upper(),
        }  # fmt: skip


class RowList:
    """Rows that a program made: dictionaries of one shape, or a header with lists."""

    def __init__(self, rows: Iterable[dict[str, Any]], *, name: str = "rows", header: Sequence[str] | None = None):
        self.name = name
        self._rows = iter(rows)
        self._first: dict[str, Any] | None = None
        self._header = list(header) if header else None

    @property
    def header(self) -> list[str]:
        """The keys of the first row. Raises FileFault where there is neither a header nor a row."""
        if self._header is None:
            self._first = next(self._rows, None)
            if self._first is None:
                raise FileFault(_("there are no rows and no header"))
            self._header = list(self._first)
        return self._header

    def rows(self) -> Iterator[NumberedRow]:
        """The rows, numbered from 2 as if a header stood above. Raises FileFault for a row of another shape."""
        header = self.header
        number = 1
        for number, row in enumerate(self._all(), start=2):
            if row.keys() - set(header):
                raise FileFault(_("the row has other columns than the first: %(names)s") % {"names": ", ".join(sorted(row.keys() - set(header)))}, row=number)
            yield number, [row.get(name, "") for name in header]

    def remarks(self) -> dict[str, int]:
        """Nothing."""
        return {}

    def _all(self) -> Iterator[dict[str, Any]]:
        if self._first is not None:
            yield self._first
            self._first = None
        yield from self._rows
