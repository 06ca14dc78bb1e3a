"""Reading the single values of a rule; each that cannot be is refused with its place. Pure."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from accounts.rules.catalogue import Field, Kind

LONGEST_TEXT = 200
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}([.][0-9]{1,12})?")


class RuleFault(ValueError):
    """A rule that cannot be. `path` names the place ("all.1.any.0.field"; "" is the rule itself), `message` what was expected."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'rule'}: {message}")
        self.path = path
        self.message = message


def clean(text: str, longest: int = LONGEST_TEXT) -> bool:
    """Whether a text is short enough and may be kept."""
    # what PostgreSQL cannot keep in a text: NUL, and halves of pairs
    return len(text) <= longest and "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def only(data: dict[str, Any], allowed: set[str], path: str) -> None:
    """Refuses keys that have no place."""
    for key in data:
        if key not in allowed:
            raise RuleFault(path, _("“%(key)s” has no place here.") % {"key": str(key)[:60].encode("utf-8", "replace").decode()})


def read_operator(op: Any, allowed: tuple[str, ...], path: str) -> str:
    """One of the operators allowed here."""
    if not op:
        raise RuleFault(f"{path}.op", _("Choose how it is compared."))
    if not isinstance(op, str) or op not in allowed:
        raise RuleFault(f"{path}.op", _("Expected one of: %(names)s.") % {"names": ", ".join(allowed)})
    return op


def read_number(value: Any, path: str) -> Decimal:
    """A plain decimal number."""
    text = str(value).strip() if isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool) else ""
    if not _PLAIN_NUMBER.fullmatch(text):
        raise RuleFault(path, _("Expected a number."))
    try:
        return Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern lets nothing of that kind pass
        raise RuleFault(path, _("Expected a number.")) from None


def bounded(number: Decimal, field: Field, path: str) -> Decimal:
    """The number within the bounds and with the decimals of its field."""
    if (field.low is not None and number < field.low) or (field.high is not None and number > field.high):
        if field.low is not None and field.high is not None:
            raise RuleFault(path, _("Expected a number from %(low)s to %(high)s.") % {"low": field.low, "high": field.high})
        raise RuleFault(path, _("Expected a number of at least %(low)s.") % {"low": field.low})
    if field.kind is not Kind.ATTRIBUTE and number != round(number, field.places):
        raise RuleFault(path, _("Expected at most %(places)s decimals.") % {"places": field.places} if field.places else _("Expected a whole number."))
    if abs(number) >= 10**12:
        raise RuleFault(path, _("This number is too large."))
    return number


def read_whole(value: Any, low: int, high: int, path: str) -> int:
    """A whole number within bounds."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not low <= int(text) <= high:
        raise RuleFault(path, _("Expected a whole number from %(low)s to %(high)s.") % {"low": low, "high": high})
    return int(text)


def read_day(value: Any, path: str) -> dt.date:
    """A day as in 2027-01-31."""
    try:
        if isinstance(value, str) and _ISO_DAY.fullmatch(value.strip()):
            return dt.date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise RuleFault(path, _("Expected a day, as in 2027-01-31."))


def read_number_or_day(value: Any, path: str) -> Decimal | dt.date:
    """Either of both."""
    if isinstance(value, str) and _ISO_DAY.fullmatch(value.strip()):
        return read_day(value, path)
    try:
        return read_number(value, path)
    except RuleFault:
        raise RuleFault(path, _("Expected a number, or a day as in 2027-01-31.")) from None
