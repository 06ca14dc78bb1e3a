"""Uploaded files that name a person who is to be forgotten."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from accounts.models import ImportFile

_PIECE = 1024 * 1024
# longer than any address, so that none hides at the seam of two pieces
_SEAM = 1024


def forget_in_files(*, addresses: Iterable[str]) -> int:
    """Empties the uploaded files, not loaded yet, in which one of these addresses stands; returns how many."""
    wanted = [address.lower().encode(letters) for address in addresses if address for letters in ("utf-8", "utf-16-le", "utf-16-be")]
    files = ImportFile.objects.filter(content__isnull=False).iterator(chunk_size=1)
    gone = [file.pk for file in files if any(each in piece for piece in _pieces(bytes(file.content or b"")) for each in wanted)]
    return ImportFile.objects.filter(pk__in=gone).update(content=None)


def _pieces(content: bytes) -> Iterator[bytes]:
    """The unpacked bytes with small ASCII letters, each piece with the end of the one before."""
    reader, end = zlib.decompressobj(31), b""
    while content:
        piece = reader.decompress(content, _PIECE).lower()
        content = reader.unconsumed_tail
        yield end + piece
        end = piece[-_SEAM:]
