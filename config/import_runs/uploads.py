"""Files that were uploaded: looked through once, kept packed, handed to the engine as files, gone when they are not needed any more."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from django.db.models import BinaryField, F, Func, Value
from django.utils.translation import gettext as _

from accounts.models import ImportFile, ImportRun
from config.import_runs import sniffing

MOST_BYTES = 20 * 1024 * 1024
# a packed file of 20 MB could hold gigabytes
MOST_UNPACKED = 200 * 1024 * 1024
MOST_ROWS = 100_000
MOST_FILES = 20
# of what was not loaded: files, drafts, what was found; of what was: the faults
KEPT, FAULTS_KEPT = dt.timedelta(days=7), dt.timedelta(days=90)
_UNFIT = re.compile(r"[^\w .()+-]", re.UNICODE)


class Refused(ValueError):
    """A file or a step that is not taken; `field` is the input at fault."""

    def __init__(self, message: str, field: str = "file"):
        super().__init__(message)
        self.field = field


def file_name(given: str) -> str:
    """The name of an uploaded file without a path and without signs that mean something to a shell or a file system."""
    name = _UNFIT.sub("_", PurePosixPath(given.replace("\\", "/")).name).strip(". ")
    return (name or "file.csv")[-200:]


def take(*, run: ImportRun, name: str, size: int, chunks: Iterable[bytes]) -> sniffing.Bytes:
    """Keeps one file of a run and says what its bytes tell. Raises Refused."""
    name = file_name(name)
    if size > MOST_BYTES:
        raise Refused(_("“%(name)s” is larger than %(most)s MB. Cut it in two, or load it by command.") % {"name": name, "most": MOST_BYTES // 1024 // 1024})
    if size == 0:
        raise Refused(_("“%(name)s” is empty.") % {"name": name})
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed: list[bytes] = []

    def through() -> Iterator[bytes]:
        for piece in sniffing.unpacked(chunks, most=MOST_UNPACKED):
            if not packed and piece.startswith(b"PK\x03\x04"):
                raise Refused(_("“%(name)s” is a spreadsheet or an archive. Save it as CSV first.") % {"name": name})
            packed.append(packer.compress(piece))
            yield piece

    pieces = through()
    try:
        told = sniffing.look(pieces, most_rows=MOST_ROWS)
        for _rest in pieces:
            # a file of two bytes a letter is known by its first two: the rest only passes through
            pass
    except sniffing.TooLarge as fault:
        words = _("“%(name)s” has more than %(most)s rows. Cut it in two, or load it by command.") if fault.what == "rows" else _("“%(name)s” is too large once it is unpacked.")
        raise Refused(words % {"name": name, "most": f"{MOST_ROWS:,}"}) from fault
    except zlib.error as fault:
        raise Refused(_("“%(name)s” is damaged: it cannot be unpacked.") % {"name": name}) from fault
    packed.append(packer.flush())
    # under its unpacked name, which profiles ask for
    plain = name.removesuffix(".gz") or name
    ImportFile.objects.update_or_create(run=run, name=plain, defaults={"size": size, "rows": told.rows, "content": b"".join(packed)})
    return told


def first_bytes(content: bytes) -> bytes:
    """The beginning of a kept file, unpacked."""
    return zlib.decompressobj(31).decompress(content, sniffing.HEAD_BYTES)


def head_of(run: ImportRun) -> bytes:
    """The beginning of the one file of a run; only so much of it is read. Empty where it is gone."""
    part = Func(F("content"), Value(1), Value(sniffing.HEAD_BYTES), function="substr", output_field=BinaryField())
    kept = run.files.annotate(head=part).values_list("head", flat=True).first()
    return first_bytes(bytes(kept)) if kept else b""


def put_down(run: ImportRun, folder: Path) -> list[Path]:
    """Writes the files of a run into a folder, unpacked, under their names. Raises Refused where one is gone."""
    found = []
    for file in run.files.all():
        if file.content is None:
            raise Refused(_("The files of this import are gone. Upload them again."))
        path = folder / file.name
        reader = zlib.decompressobj(31)
        with path.open("wb") as stream:
            waiting = bytes(file.content)
            while waiting:
                stream.write(reader.decompress(waiting, sniffing.CHUNK_BYTES))
                waiting = reader.unconsumed_tail
            stream.write(reader.flush())
        found.append(path)
    return found


def forget_old(*, now: dt.datetime) -> int:
    """Removes what nobody came back to within a week, and the faults of older imports; returns how many runs."""
    over = ImportRun.objects.filter(created_at__lt=now - KEPT)
    gone, _by_table = over.exclude(state__in=[ImportRun.State.DONE, ImportRun.State.WAITING, ImportRun.State.RUNNING]).delete()
    old = ImportRun.objects.filter(state=ImportRun.State.DONE, created_at__lt=now - FAULTS_KEPT, faults__gt=0).exclude(first_faults=[])
    return gone + old.update(first_faults=[])
