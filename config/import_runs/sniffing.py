"""How an unknown CSV file is written: encoding, delimiter, numbers, days. Pure.

Only what is certain is answered. Where two readings fit (1.234, 03/04/2026, bytes that are no UTF-8) the
answer says so, and a person decides.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

# of the beginning of a file: enough for some hundred rows
HEAD_BYTES = 256 * 1024
SAMPLE_ROWS = 200
CHUNK_BYTES = 256 * 1024
GZIP = b"\x1f\x8b"
# what a person may choose; the first of those that are no UTF-8 is offered, to be looked at
ENCODINGS = ("utf-8", "cp1254", "iso-8859-9", "cp1252", "utf-16")
DELIMITERS = (",", ";", "\t", "|")
# decimal sign, then the sign between thousands
NUMBERS = (".", ".,", ",", ",.", ", ", ". ")
# days, each also followed by a time
DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
TIMES = ("", " %H:%M", " %H:%M:%S")


class TooLarge(ValueError):
    """More bytes or rows than a page takes; `what` is `bytes` or `rows`."""

    def __init__(self, what: str):
        super().__init__(what)
        self.what = what


@dataclass(frozen=True)
class Bytes:
    """What the bytes of a whole file tell: its encoding (certain or not), its lines after the first."""

    encoding: str
    certain: bool
    rows: int


def unpacked(chunks: Iterable[bytes], *, most: int) -> Iterator[bytes]:
    """The bytes of a file, unpacked where they are gzip. Raises TooLarge beyond so many, zlib.error for a broken packing."""
    packed: zlib._Decompress | None = None
    done, first = 0, True
    for chunk in chunks:
        if first and chunk.startswith(GZIP):
            packed = zlib.decompressobj(31)
        first = False
        waiting = chunk
        while waiting:
            if packed is None:
                piece, waiting = waiting, b""
            else:
                piece = packed.decompress(waiting, CHUNK_BYTES)
                waiting = packed.unconsumed_tail
                if packed.eof:
                    # several packings one after the other are one file
                    waiting, packed = packed.unused_data, zlib.decompressobj(31)
                    first = not waiting
            done += len(piece)
            if done > most:
                raise TooLarge("bytes")
            yield piece
    if packed is not None and not first:
        raise zlib.error("cut off")


def look(chunks: Iterable[bytes], *, most_rows: int) -> Bytes:
    """Reads all of a file once. Raises TooLarge."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    certain, lines, first, last = True, 0, True, b""
    for chunk in chunks:
        if first and chunk[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return Bytes("utf-16", certain=True, rows=0)
        first, last = False, chunk[-1:] or last
        lines += chunk.count(b"\n")
        if lines > most_rows + 1:
            raise TooLarge("rows")
        if certain:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                certain = False
    if certain:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            certain = False
    rows = max(lines + (last not in {b"", b"\n"}) - 1, 0)
    return Bytes("utf-8" if certain else "cp1254", certain=certain, rows=rows)


def decoded(head: bytes, encoding: str) -> str:
    """The beginning of a file as text, up to its last whole line; what cannot be read shows as U+FFFD."""
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    if len(head) >= HEAD_BYTES:
        text = text[: text.rfind("\n") + 1] or text
    return text


def delimiter_of(text: str) -> str:
    """The sign that cuts the first lines into equally many cells, the more the better; a comma where none does."""
    best, found = (0.0, 1), ","
    for sign in DELIMITERS:
        widths = [len(cells) for cells in _rows(text, sign, 30) if cells]
        if not widths or widths[0] < 2:
            continue
        even = sum(width == widths[0] for width in widths) / len(widths)
        if (even, widths[0]) > best:
            best, found = (even, widths[0]), sign
    return found


def sample(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The header and the first rows."""
    rows = [cells for cells in _rows(text, delimiter, SAMPLE_ROWS + 1) if cells]
    return (rows[0], rows[1:]) if rows else ([], [])


def _rows(text: str, delimiter: str, most: int) -> list[list[str]]:
    found: list[list[str]] = []
    try:
        for cells in islice(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), most):
            found.append(cells)
    except csv.Error:
        # the engine names the place; the rows before it can be shown
        pass
    return found


_GROUPED = {sign: re.compile(rf"[+-]?\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+") for sign in ".,"}
_SPACED = re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:([.,])\d+)?")


def numbers_of(cells: Iterable[str]) -> tuple[str, bool]:
    """How cells write numbers (one of `NUMBERS`), and whether no other way fits. Cells that are no numbers count nowhere."""
    decimal: set[str] = set()
    thousands: set[str] = set()
    unclear: set[str] = set()
    for cell in cells:
        text = cell.strip()
        marks = [sign for sign in text if sign in ".,"]
        if match := _SPACED.fullmatch(text):
            thousands.add(" ")
            decimal |= {match[1]} if match[1] else set()
        elif not marks or not re.fullmatch(r"[+-]?[\d.,]+", text):
            continue
        elif len(set(marks)) == 2:
            decimal.add(marks[-1])
            thousands.add(marks[0])
        elif not _GROUPED[marks[0]].fullmatch(text) or text.lstrip("+-").startswith("0"):
            decimal.add(marks[0])
        elif len(marks) > 1:
            thousands.add(marks[0])
        else:
            unclear.add(marks[0])
    if decimal:
        # beside 12,5 the point of 1.234 stands between thousands; beside 12.5 that of 12.345 does not
        thousands |= unclear - decimal
    elif thousands & {".", ","}:
        decimal = {"," if "." in thousands else "."}
    elif unclear:
        return ".", False
    if len(decimal) > 1 or len(thousands) > 1 or decimal & thousands:
        return ".", False
    return "".join(decimal or {"."}) + "".join(thousands), True


def days_of(cells: Iterable[str]) -> tuple[str, ...]:
    """The formats in which all cells are days, with or without a time; an empty text stands for ISO 8601. None fit: empty."""
    given = [cell.strip() for cell in cells if cell.strip()]
    if not given:
        return ("",)
    left: tuple[str, ...] = ("", *DAYS)
    for text in dict.fromkeys(given):
        left = tuple(form for form in left if _fits(text, form))
    return left


def _fits(text: str, form: str) -> bool:
    if form:
        return any(_reads(text, form + time) for time in TIMES)
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    # 20260504 is ISO for Python, not for the engine
    return "-" in text


def _reads(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def column(rows: Sequence[Sequence[str]], position: int) -> list[str]:
    """The cells of one column that are not empty."""
    return [cells[position] for cells in rows if position < len(cells) and cells[position].strip()]
