"""Maps: how a foreign file is written and what its columns are called. Pure.

A map is a TOML file (or the same keys inside a profile). Everything is optional:

    delimiter = ";"            encoding = "cp1254"        quote = "'"
    decimal = ","              thousands = "."            (or decimal_comma = true)
    date_format = "%d.%m.%Y"   (or a list, tried in order; ISO 8601 without it)
    time_zone = "Europe/Istanbul"                         of instants without an offset
    combine = "sum"            rows of one key are summed (usage)
    others = "ignore"          columns that nobody asked for: error, ignore or attributes
    ignore = ["Notes"]         single columns to leave out
    by_name = false            columns of our own names count only where [columns] lists them (so in profiles)

    [columns]                  our name = "their name"
    external_id = "Müşteri No"
    "attributes.seats" = "Seats"
    [values.severity]          their value = our value
    low = 1
    [constants]                our name = one value for every row
    currency = "TRY"
    [defaults]                 our name = the value of empty cells
    [date_formats]             our name = the format of that column alone
    [attribute_types]          attribute = number, boolean or text
"""

from __future__ import annotations

import codecs
import datetime as dt
import tomllib
import zoneinfo
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from accounts.importing.faults import WrongMap
from accounts.importing.field_types import Formats, as_text
from accounts.importing.reader import Dialect

OPTIONS = frozenset(
    {
        "delimiter", "encoding", "quote", "decimal", "decimal_comma", "thousands", "date_format", "date_formats", "time_zone", "combine",
        "others", "ignore", "by_name", "columns", "values", "constants", "defaults", "attribute_types", "tag_separators",
    }
)  # fmt: skip
_NAMED_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True)
class Mapping:
    """A checked map."""

    dialect: Dialect = field(default_factory=Dialect)
    formats: Formats = field(default_factory=Formats)
    has_own_zone: bool = False
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    column_dates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attribute_types: dict[str, str] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    others: str | None = None
    combine: str | None = None
    by_name: bool = True

    def formats_of(self, column: str, zone: dt.tzinfo) -> Formats:
        """The formats of one of our columns, in the organisation's zone unless the map names another."""
        formats = self.formats if self.has_own_zone else replace(self.formats, zone=zone)
        return replace(formats, dates=self.column_dates[column]) if column in self.column_dates else formats


def _table(given: MappingType[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise WrongMap(f"“{name}” must be a table")
    return value


def _one(given: MappingType[str, Any], name: str, default: str) -> str:
    value = given.get(name, default)
    if not isinstance(value, str):
        raise WrongMap(f"“{name}” must be a text")
    return value


def _formats(value: Any, name: str) -> tuple[str, ...]:
    patterns = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not patterns or not all(isinstance(pattern, str) and "%" in pattern for pattern in patterns):
        raise WrongMap(f'“{name}” must be a format such as "%d.%m.%Y", or a list of them')
    return patterns


def read_mapping(given: MappingType[str, Any]) -> Mapping:
    """The map of a parsed TOML table. Raises WrongMap with the name of what is wrong."""
    unknown = sorted(set(given) - OPTIONS)
    if unknown:
        raise WrongMap(f"unknown option “{unknown[0]}”; known are {', '.join(sorted(OPTIONS))}")
    delimiter = _NAMED_DELIMITERS.get(_one(given, "delimiter", ","), _one(given, "delimiter", ","))
    quote, encoding = _one(given, "quote", '"'), _one(given, "encoding", "utf-8")
    if len(delimiter) != 1 or len(quote) != 1:
        raise WrongMap("“delimiter” and “quote” are one sign each")
    try:
        codecs.lookup(encoding)
    except LookupError as fault:
        raise WrongMap(f"“{encoding}” is no encoding that is known here") from fault
    decimal = "," if given.get("decimal_comma") is True else _one(given, "decimal", ".")
    thousands = _one(given, "thousands", "")
    if len(decimal) != 1 or len(thousands) > 1 or decimal == thousands:
        raise WrongMap("“decimal” is one sign, “thousands” another one or none")
    zone: dt.tzinfo = dt.UTC
    if "time_zone" in given:
        try:
            zone = zoneinfo.ZoneInfo(_one(given, "time_zone", ""))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as fault:
            raise WrongMap(f"“{given['time_zone']}” is no time zone") from fault
    if given.get("others") not in {None, "error", "ignore", "attributes"}:
        raise WrongMap("“others” is error, ignore or attributes")
    if given.get("combine") not in {None, "sum"}:
        raise WrongMap('“combine” can only be "sum"')
    kinds = _table(given, "attribute_types")
    if set(kinds.values()) - {"number", "boolean", "text"}:
        raise WrongMap("the types of attributes are number, boolean or text")
    values = {name: {as_text(key): as_text(value) for key, value in _table(_table(given, "values"), name).items()} for name in _table(given, "values")}
    return Mapping(
        dialect=Dialect(delimiter=delimiter, quote=quote, encoding="utf-8" if codecs.lookup(encoding).name == "utf-8-sig" else encoding),
        formats=Formats(
            zone=zone, decimal=decimal, thousands=thousands, tag_separators=_one(given, "tag_separators", ",;"),
            dates=_formats(given["date_format"], "date_format") if "date_format" in given else (),
        ),
        has_own_zone="time_zone" in given,
        columns={key: as_text(value) for key, value in _table(given, "columns").items()},
        values=values,
        constants={key: as_text(value) for key, value in _table(given, "constants").items()},
        defaults={key: as_text(value) for key, value in _table(given, "defaults").items()},
        column_dates={key: _formats(value, f"date_formats.{key}") for key, value in _table(given, "date_formats").items()},
        attribute_types=kinds,
        ignore=frozenset(given.get("ignore", [])),
        others=given.get("others"),
        combine=given.get("combine"),
        by_name=given.get("by_name", True) is not False,
    )  # fmt: skip


def read_mapping_file(path: Path) -> Mapping:
    """The map of a file. Raises WrongMap, also where the file is missing or no TOML."""
    try:
        with path.open("rb") as stream:
            return read_mapping(tomllib.load(stream))
    except OSError as fault:
        raise WrongMap(f"the map {path} cannot be read ({fault.strerror})") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise WrongMap(f"the map {path} is no TOML ({fault})") from fault


@dataclass(frozen=True)
class Plan:
    """Which position of a row feeds which of our columns."""

    # (position, our column, their column) in the order of the file
    cells: tuple[tuple[int, str, str], ...]
    # (position, attribute)
    attributes: tuple[tuple[int, str], ...]
    unknown: tuple[str, ...]


def plan_columns(header: list[str], mapping: Mapping, ours: frozenset[str], keeps_unknown: bool) -> Plan:
    """Matches a header against our columns.

    `[columns]` is read as ours = theirs; an entry that only makes sense the other way round is
    turned. Raises WrongMap for a column that the map names and the file does not have.
    """
    renamed: dict[str, str] = {}
    for key, value in mapping.columns.items():
        turned = key not in ours and not key.startswith("attributes.") and (value in ours or value.startswith("attributes."))
        renamed[value if turned else key] = key if turned else value
    cells: list[tuple[int, str, str]] = []
    attributes: list[tuple[int, str]] = []
    place = {name: position for position, name in enumerate(header)}
    used: set[str] = set()
    for target, source in renamed.items():
        if source not in place:
            raise WrongMap(f"the map takes “{target}” from a column “{source}” that the file does not have")
        used.add(source)
        if target in ours:
            cells.append((place[source], target, source))
        elif keeps_unknown:
            attributes.append((place[source], target.removeprefix("attributes.")))
        else:
            raise WrongMap(f"the map names a column “{target}” that this kind does not have; it has {', '.join(sorted(ours))}")
    others = mapping.others or ("attributes" if keeps_unknown else "error")
    unknown = []
    for position, name in enumerate(header):
        if name in used or name in mapping.ignore:
            continue
        if mapping.by_name and name in ours and name not in renamed and name not in mapping.constants:
            cells.append((position, name, name))
        elif others == "ignore":
            continue
        elif others == "attributes" and keeps_unknown:
            attributes.append((position, name))
        else:
            unknown.append(name)
    return Plan(cells=tuple(sorted(cells)), attributes=tuple(attributes), unknown=tuple(unknown))
