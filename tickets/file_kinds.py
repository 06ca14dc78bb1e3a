"""Files of messages: what a name may look like, what bytes are, how much is taken. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# a file, all files of a message, files of a message
MOST_BYTES = 10 * 1024 * 1024
MOST_BYTES_TOGETHER = 20 * 1024 * 1024
MOST_FILES = 20
LONGEST_NAME = 200
UNKNOWN = "application/octet-stream"

# what a file of the kind begins with: (offset, bytes, media type)
_BEGINNINGS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (8, b"WAVEfmt", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
)
_ZIP = b"PK\x03\x04"
# what lies in a zip that is a document
_OFFICE: tuple[tuple[bytes, str], ...] = (
    (b"word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
)
# tab, line feed, form feed and carriage return are what text has of control letters
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f]")
# what file systems do not take, and what would end a header's value
_REPLACED = str.maketrans(dict.fromkeys('<>:"|?*;', "_"))


def clean_name(name: str) -> str:
    """A file's name without its folders, invisible letters and letters that turn the direction of writing; never empty, at most 200 letters."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode("utf-8")).replace("\\", "/")
    name = name.rstrip("/").rpartition("/")[2]
    name = "".join(letter if unicodedata.category(letter)[0] != "Z" else " " for letter in name if unicodedata.category(letter)[0] != "C")
    name = " ".join(name.translate(_REPLACED).split()).strip(". ")
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}" if dot and len(ending) <= 10 else name[:LONGEST_NAME]
    return name or "file"


def media_type_of(data: bytes) -> str:
    """What the bytes are, by how they begin; readable text is text, whatever language it is written in (HTML too)."""
    if data.startswith(_ZIP):
        return next((kind for mark, kind in _OFFICE if mark in data), "application/zip")
    for offset, beginning, kind in _BEGINNINGS:
        if data.startswith(beginning, offset):
            return kind
    return "text/plain" if data and _is_text(data) else UNKNOWN


def _is_text(data: bytes) -> bool:
    if _NOT_IN_TEXT.search(data):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def over_limit(sizes: Sequence[int]) -> tuple[int, str] | None:
    """The first file that is too much, by its place, and which limit it breaks: `size`, `together` or `count`; None where all fit."""
    total = 0
    for place, size in enumerate(sizes):
        if place >= MOST_FILES:
            return place, "count"
        if size > MOST_BYTES:
            return place, "size"
        total += size
        if total > MOST_BYTES_TOGETHER:
            return place, "together"
    return None
