"""Types of cells: from a text to a value, or a plain reason why not. Pure.

A parser never rounds, cuts or guesses: what does not fit is a ValueError whose text is shown to the
person who loads the file.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

Parser = Callable[[str], Any]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[^@\s<>()\[\],;:\\\"]+")
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


@dataclass(frozen=True)
class Formats:
    """How a file writes numbers and days, and the zone of instants without an offset."""

    zone: dt.tzinfo = dt.UTC
    decimal: str = "."
    thousands: str = ""
    # strptime formats tried in this order; empty: ISO 8601
    dates: tuple[str, ...] = ()
    tag_separators: str = ",;"


class FieldType:
    """A type of cell: its SQL type while staged, and its parser."""

    sql = "text"

    def parser(self, formats: Formats) -> Parser:
        """The function that reads one non-empty cell. It raises ValueError with a reason."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(FieldType):
    """Letters as they are; too many are refused, never cut."""

    longest: int | None = None

    def parser(self, formats: Formats) -> Parser:
        """Checks the length."""
        longest = self.longest

        def parse(text: str) -> str:
            if longest is not None and len(text) > longest:
                raise ValueError(_("%(count)d letters are too many; at most %(most)d") % {"count": len(text), "most": longest})
            return text

        return parse


@dataclass(frozen=True)
class Choice(FieldType):
    """One of a closed list."""

    values: tuple[str, ...]

    def parser(self, formats: Formats) -> Parser:
        """Checks that the value is in the list."""
        allowed = frozenset(self.values)

        def parse(text: str) -> str:
            if text not in allowed:
                raise ValueError(_("“%(text)s” is not allowed; use one of: %(values)s") % {"text": text[:80], "values": ", ".join(self.values)})
            return text

        return parse


def plain_number(text: str, formats: Formats) -> str:
    """The number with a point and no thousands separators. Raises ValueError."""
    plain = text
    if formats.thousands:
        pattern = rf"[+-]?\d{{1,3}}(?:{re.escape(formats.thousands)}\d{{3}})+(?:{re.escape(formats.decimal)}\d+)?"
        if re.fullmatch(pattern, plain):
            plain = plain.replace(formats.thousands, "")
    if formats.decimal != ".":
        if "." in plain:
            raise ValueError(_("“%(text)s” is no number with a decimal “%(mark)s”") % {"text": text[:80], "mark": formats.decimal})
        plain = plain.replace(formats.decimal, ".")
    if not _NUMBER.fullmatch(plain) or not plain.isascii():
        raise ValueError(_("“%(text)s” is no number") % {"text": text[:80]})
    return plain


@dataclass(frozen=True)
class Whole(FieldType):
    """A whole number within bounds."""

    least: int | None = None
    most: int | None = 2_147_483_647
    sql = "bigint"

    def parser(self, formats: Formats) -> Parser:
        """Refuses fractions (3.0 is 3) and what lies outside of the bounds."""
        least, most = self.least, self.most

        def parse(text: str) -> int:
            if text.isdigit() and text.isascii():
                value = int(text) if len(text) < 19 else most_plus
            else:
                exact = Decimal(plain_number(text, formats))
                if exact != exact.to_integral_value():
                    raise ValueError(_("“%(text)s” is no whole number") % {"text": text[:80]})
                value = int(exact)
            if (least is not None and value < least) or (most is not None and value > most):
                raise ValueError(
                    _("%(text)s lies outside of %(least)s to %(most)s") % {"text": text[:80], "least": "–" if least is None else least, "most": "–" if most is None else most}
                )
            return value

        most_plus = (most or 10**18) + 1
        return parse


@dataclass(frozen=True)
class Number(FieldType):
    """A decimal number with so many places; more places are refused, never rounded."""

    places: int = 6
    least: Decimal | None = None
    most: Decimal | None = None
    digits: int = 20
    sql = "numeric"

    def parser(self, formats: Formats) -> Parser:
        """Reads it as a Decimal, exact."""
        places, least, most = self.places, self.least, self.most
        limit = Decimal(10) ** (self.digits - self.places)

        def parse(text: str) -> Decimal:
            value = Decimal(plain_number(text, formats))
            exponent = value.as_tuple().exponent
            if isinstance(exponent, int) and -exponent > places and value != round(value, places):
                raise ValueError(_("%(text)s has more than %(places)d decimals") % {"text": text[:80], "places": places})
            if (least is not None and value < least) or (most is not None and value > most):
                raise ValueError(
                    _("%(text)s lies outside of %(least)s to %(most)s") % {"text": text[:80], "least": "–" if least is None else least, "most": "–" if most is None else most}
                )
            if abs(value) >= limit:
                raise ValueError(_("%(text)s is too large") % {"text": text[:80]})
            return value

        return parse


@dataclass(frozen=True)
class Boolean(FieldType):
    """true/false, 1/0, yes/no in any case."""

    sql = "boolean"

    def parser(self, formats: Formats) -> Parser:
        """Reads a truth value."""

        def parse(text: str) -> bool:
            lowered = text.strip().lower()
            if lowered in _TRUE:
                return True
            if lowered in _FALSE:
                return False
            raise ValueError(_("“%(text)s” is neither true nor false (true/false, 1/0, yes/no)") % {"text": text[:80]})

        return parse


def _moment(text: str, formats: Formats) -> dt.datetime:
    for pattern in formats.dates:
        try:
            return dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is set by the caller
        except ValueError:
            continue
    if formats.dates:
        raise ValueError(_("“%(text)s” is not written as %(formats)s") % {"text": text[:80], "formats": " / ".join(formats.dates)})
    if not _ISO.fullmatch(text):
        raise ValueError(_("“%(text)s” is no date; expected YYYY-MM-DD, possibly with a time (ISO 8601)") % {"text": text[:80]})
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError as fault:
        raise ValueError(_("“%(text)s” is no date that exists") % {"text": text[:80]}) from fault


@dataclass(frozen=True)
class Instant(FieldType):
    """A moment; a day is its midnight, and without an offset the organisation's zone holds."""

    sql = "timestamptz"

    def parser(self, formats: Formats) -> Parser:
        """Reads a moment; remembers the last few thousand texts, which repeat a lot in files."""

        @functools.lru_cache(maxsize=8192)
        def parse(text: str) -> dt.datetime:
            moment = _moment(text, formats)
            if not 1900 <= moment.year <= 2999:
                raise ValueError(_("the year %(year)d is outside of 1900 to 2999") % {"year": moment.year})
            moment = moment if moment.tzinfo else moment.replace(tzinfo=formats.zone)
            return moment.astimezone(dt.UTC)

        return parse


@dataclass(frozen=True)
class Day(FieldType):
    """A day without a time."""

    sql = "date"

    def parser(self, formats: Formats) -> Parser:
        """Reads a day; a time of day is refused unless it is midnight without an offset."""

        @functools.lru_cache(maxsize=8192)
        def parse(text: str) -> dt.date:
            moment = _moment(text, formats)
            if moment.tzinfo or moment.time() != dt.time():
                raise ValueError(_("“%(text)s” has a time; a day is expected") % {"text": text[:80]})
            if not 1900 <= moment.year <= 2999:
                raise ValueError(_("the year %(year)d is outside of 1900 to 2999") % {"year": moment.year})
            return moment.date()

        return parse


@dataclass(frozen=True)
class ClockTime(FieldType):
    """A time of day, HH:MM."""

    sql = "time"

    def parser(self, formats: Formats) -> Parser:
        """Reads HH:MM or HH:MM:SS; 24:00 is midnight."""

        def parse(text: str) -> dt.time:
            if text in {"24:00", "24:00:00"}:
                return dt.time()
            if not re.fullmatch(r"\d{1,2}:\d{2}(?::\d{2})?", text):
                raise ValueError(_("“%(text)s” is no time; expected HH:MM") % {"text": text[:80]})
            try:
                hour, minute, second = (*map(int, text.split(":")), 0)[:3]
                return dt.time(hour, minute, second)
            except ValueError as fault:
                raise ValueError(_("“%(text)s” is no time; expected HH:MM") % {"text": text[:80]}) from fault

        return parse


@dataclass(frozen=True)
class Tags(FieldType):
    """Several short words in one cell, separated by commas or semicolons."""

    longest: int = 80
    sql = "text[]"

    def parser(self, formats: Formats) -> Parser:
        """Splits and trims; each word once, in the order given."""
        pattern = re.compile("[" + re.escape(formats.tag_separators) + "]")

        def parse(text: str) -> list[str]:
            words = [word.strip() for word in pattern.split(text)]
            for word in words:
                if len(word) > self.longest:
                    raise ValueError(_("a tag of %(count)d letters is too long; at most %(most)d") % {"count": len(word), "most": self.longest})
            return list(dict.fromkeys(word for word in words if word))

        return parse


@dataclass(frozen=True)
class JsonObject(FieldType):
    """A JSON object."""

    sql = "jsonb"

    def parser(self, formats: Formats) -> Parser:
        """Reads JSON; anything but an object is refused."""

        def parse(text: str) -> Jsonb:
            try:
                value = json.loads(text)
            except ValueError as fault:
                raise ValueError(_("this is no JSON (%(fault)s)") % {"fault": fault}) from fault
            if not isinstance(value, dict):
                raise ValueError(_("a JSON object is expected"))
            return Jsonb(value)

        return parse


@dataclass(frozen=True)
class Code(FieldType):
    """A code of so many ASCII letters, kept in capitals (countries, currencies)."""

    letters: int
    example: str

    def parser(self, formats: Formats) -> Parser:
        """Checks the letters."""

        def parse(text: str) -> str:
            if len(text) != self.letters or not text.isascii() or not text.isalpha():
                raise ValueError(_("“%(text)s” is no code of %(count)d letters such as %(example)s") % {"text": text[:80], "count": self.letters, "example": self.example})
            return text.upper()

        return parse


@dataclass(frozen=True)
class Zone(FieldType):
    """The name of a time zone."""

    def parser(self, formats: Formats) -> Parser:
        """Checks the name."""

        @functools.lru_cache(maxsize=1024)
        def parse(text: str) -> str:
            try:
                zoneinfo.ZoneInfo(text)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as fault:
                raise ValueError(_("“%(text)s” is no time zone; use a name such as Europe/Istanbul") % {"text": text[:80]}) from fault
            return text

        return parse


@dataclass(frozen=True)
class Email(FieldType):
    """An address, normalised by the given function (the identity of addresses stands in one place)."""

    normalise: Callable[[str], str] = field(default=str.strip)

    def parser(self, formats: Formats) -> Parser:
        """Checks the shape; the local part is ASCII, the domain becomes its ASCII form."""

        def parse(text: str) -> str:
            address = self.normalise(text)
            local, _at, domain = address.rpartition("@")
            if not _ADDRESS.fullmatch(address) or not local.isascii() or not address.isprintable() or len(address) > 254:
                raise ValueError(_("“%(text)s” is no e-mail address") % {"text": text[:80]})
            if not domain.isascii():
                try:
                    domain = domain.encode("idna").decode()
                except UnicodeError as fault:
                    raise ValueError(_("“%(text)s” is no e-mail address") % {"text": text[:80]}) from fault
            return f"{local}@{domain}"

        return parse


def as_text(value: Any) -> str:
    """A value of a program as a cell would hold it (for rows that were never a file)."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Iterable):
        return ";".join(str(item) for item in value)
    return str(value)
