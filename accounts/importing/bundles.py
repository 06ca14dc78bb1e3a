"""Bundles: several files of another system, loaded in the right order by a profile.

A profile is a TOML file:

    name = "example"
    title = "What it reads"

    [[load]]                       one after the other
    kind = "accounts"
    file = "customers.csv"         or rows = [{...}] for rows that stand in the profile itself
    steps = [{do = "lookup", ...}] see `transforms`
    columns = {...}                and every other option of a map
    optional = true                no fault where the file is missing

Columns that a load does not list under `columns` are ignored unless it says `others` or `by_name`.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.importing.engine import Report, load
from accounts.importing.faults import FileFault, WrongMap
from accounts.importing.kinds import Kind
from accounts.importing.mapping import OPTIONS, Mapping, read_mapping
from accounts.importing.reader import CsvFile, Dialect, NumberedRow
from accounts.importing.staging import Listener
from accounts.importing.transforms import STEPS, Cells, Context, apply_steps

OWN_OPTIONS = frozenset({"kind", "file", "rows", "steps", "optional", "note"})


@dataclass(frozen=True)
class FileLoad:
    """One load of a profile."""

    kind: str
    file: str
    rows: tuple[Cells, ...] | None
    steps: tuple[dict[str, Any], ...]
    mapping: Mapping
    optional: bool


@dataclass(frozen=True)
class Profile:
    """How a folder of another system is read."""

    name: str
    title: str
    loads: tuple[FileLoad, ...]


@dataclass
class BundleReport:
    """What a bundle did, file by file."""

    files: list[Report] = field(default_factory=list)
    refused: bool = False

    def as_json(self) -> dict[str, Any]:
        """The summary as the command prints it; warnings are summed over the files."""
        warnings: dict[str, int] = {}
        for report in self.files:
            for name, count in report.warnings.items():
                warnings[name] = warnings.get(name, 0) + count
        return {"files": [report.as_json() for report in self.files], "warnings": dict(sorted(warnings.items()))}


def read_profile(path: Path) -> Profile:
    """The profile of a file. Raises WrongMap with what is wrong."""
    try:
        with path.open("rb") as stream:
            given = tomllib.load(stream)
    except OSError as fault:
        raise WrongMap(f"the profile {path} cannot be read ({fault.strerror})") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise WrongMap(f"the profile {path} is no TOML ({fault})") from fault
    unknown = sorted(set(given) - {"name", "title", "load", "note"})
    if unknown:
        raise WrongMap(f"unknown option “{unknown[0]}” in the profile {path.name}")
    loads = given.get("load", [])
    if not isinstance(loads, list) or not loads:
        raise WrongMap(f"the profile {path.name} has no [[load]]")
    return Profile(name=str(given.get("name", path.stem)), title=str(given.get("title", "")), loads=tuple(_read_load(entry, number) for number, entry in enumerate(loads, start=1)))


def _read_load(entry: dict[str, Any], number: int) -> FileLoad:
    unknown = sorted(set(entry) - OWN_OPTIONS - OPTIONS)
    if unknown:
        raise WrongMap(f"load {number}: unknown option “{unknown[0]}”")
    if "kind" not in entry or ("file" in entry) == ("rows" in entry):
        raise WrongMap(f"load {number} needs a kind, and either a file or rows")
    for step in entry.get("steps", []):
        if step.get("do") not in STEPS:
            raise WrongMap(f"load {number}: “{step.get('do')}” is no step; known are {', '.join(sorted(STEPS))}")
    rows = tuple({str(key): str(value) for key, value in row.items()} for row in entry["rows"]) if "rows" in entry else None
    return FileLoad(
        kind=entry["kind"], file=entry.get("file", "(profile)"), rows=rows, steps=tuple(entry.get("steps", [])), optional=bool(entry.get("optional")),
        mapping=read_mapping({"others": "ignore", "by_name": rows is not None, **{key: value for key, value in entry.items() if key in OPTIONS}}),
    )  # fmt: skip


def find_file(folder: Path, name: str) -> Path | None:
    """The file of a name in a folder, plain or compressed."""
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    return None


class _Stepped:
    """A source whose rows have gone through the steps of a profile."""

    def __init__(self, entry: FileLoad, source: CsvFile | None, context: Context):
        self.name = source.name if source else entry.file
        self._entry, self._source, self._context = entry, source, context
        self._header: list[str] | None = None
        self._begun: Iterator[tuple[int, Cells]] | None = None
        self._first: tuple[int, Cells] | None = None

    @property
    def header(self) -> list[str]:
        """The columns after all steps: those of the first row, or of the file where no row is left."""
        if self._header is None:
            self._begun = iter(apply_steps(self._raw(), list(self._entry.steps), self._context))
            self._first = next(self._begun, None)
            self._header = list(self._first[1]) if self._first else [*(self._source.header if self._source else []), *self._missing_names()]
        return self._header

    def _missing_names(self) -> list[str]:
        """Names that steps would have made, so that a map over an empty file is not at fault."""
        known = set(self._source.header if self._source else [])
        return [name for name in dict.fromkeys(self._entry.mapping.columns.values()) if name not in known]

    def rows(self) -> Iterator[NumberedRow]:
        """The rows in the order of the header."""
        header = self.header
        if self._first is not None:
            yield self._first[0], [self._first[1].get(name, "") for name in header]
        for number, cells in self._begun or ():
            yield number, [cells.get(name, "") for name in header]

    def remarks(self) -> dict[str, int]:
        """What the steps counted."""
        found = dict(self._context.warnings)
        for name, count in (self._source.remarks() if self._source else {}).items():
            found[name] = found.get(name, 0) + count
        return found

    def _raw(self) -> Iterator[tuple[int, Cells]]:
        if self._source is None:
            for number, row in enumerate(self._entry.rows or (), start=1):
                yield number, dict(row)
            return
        header = self._source.header
        for number, cells in self._source.rows():
            if len(cells) != len(header):
                raise _uneven(number, header, len(cells))
            yield number, dict(zip(header, cells, strict=True))


def _uneven(number: int, header: list[str], found: int) -> Exception:
    column = header[found] if found < len(header) else header[-1]
    return FileFault(f"the row has {found} cells, the header {len(header)}", row=number, column=column)


class _Refused(Exception):
    """Rolls a bundle back."""


def load_bundle(
    *, folder: Path, profile: Profile, kinds: dict[str, Kind], now: dt.datetime, dry_run: bool = False, good_rows_only: bool = False, actor_id: int | None = None,
    listener: Listener | None = None, reading: Callable[[Path, Dialect], CsvFile] = CsvFile,
) -> BundleReport:  # fmt: skip
    """Loads all files of a profile in one transaction, each as a batch of its own; `reading` opens them.

    The first file that is refused stops the bundle and takes all of it back. Raises WrongMap for a
    profile that names an unknown kind or a file that is not there.
    """
    report = BundleReport()
    for entry in profile.loads:
        if entry.kind not in kinds:
            raise WrongMap(f"“{entry.kind}” is no kind of import; known are {', '.join(kinds)}")
        if entry.rows is None and not entry.optional and find_file(folder, entry.file) is None:
            raise WrongMap(f"the profile {profile.name} reads {entry.file}, which is not in {folder}")
    try:
        with transaction.atomic():
            for entry in profile.loads:
                path = find_file(folder, entry.file) if entry.rows is None else None
                if entry.rows is None and path is None:
                    continue
                source = _Stepped(entry, reading(path, entry.mapping.dialect) if path else None, Context(lambda name: _table(folder, name)))
                done = load(
                    kind=kinds[entry.kind], source=source, mapping=entry.mapping, now=now, good_rows_only=good_rows_only, profile=profile.name,
                    actor_id=actor_id, listener=listener,
                )  # fmt: skip
                report.files.append(done)
                if done.refused:
                    raise _Refused
            if dry_run:
                raise _Refused
    except _Refused:
        report.refused = any(done.refused for done in report.files)
        for done in report.files:
            done.batch = None
    return report


def _table(folder: Path, name: str) -> Iterable[Cells]:
    """The rows of another file of the bundle, for the steps that look there."""
    path = find_file(folder, name)
    if path is None:
        raise WrongMap(f"a step looks into {name}, which is not in {folder}")
    source = CsvFile(path)
    header = source.header
    for _number, cells in source.rows():
        yield dict(zip(header, cells, strict=False))


__all__ = ["BundleReport", "FileLoad", "Profile", "find_file", "load_bundle", "read_profile"]
